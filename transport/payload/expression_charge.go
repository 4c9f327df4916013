package payload

import (
	"errors"
	"fmt"
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

const (
	// maxMatched is the longest text that a regular expression looks at, and
	// maxRegex the largest program of one.
	maxMatched = 16 << 10
	maxRegex   = 300
	// maxPattern is the longest regular expression out of an event.
	maxPattern = 300
)

// toll is the call by which steps are paid: CEL's tracker asks the meter for
// its cost, which is the result.
type toll struct{}

const tollName = "postrider.toll"

// Function implements cost.Call.
func (toll) Function() string { return tollName }

// OverloadID implements cost.Call.
func (toll) OverloadID() string { return tollName }

// pay takes steps off what the evaluation may cost. Where so many are not left
// it does not return: the evaluation is over.
func pay(frame *interpreter.ExecutionFrame, steps uint64) {
	if t := frame.CostTracker(); t != nil { // nil: a constant, while the program is planned
		t.EvalZeroArity(nil, 0, toll{}, types.Uint(steps))
	}
}

// meter gives CEL's tracker the cost of what was paid.
type meter struct{}

// small are the prices that are given without making memory for them.
var small = func() (all [256]uint64) {
	for i := range all {
		all[i] = uint64(i)
	}
	return all
}()

// CallCost implements cost.ActualCostEstimator.
func (meter) CallCost(function, _ string, _ []ref.Val, result ref.Val) *uint64 {
	if function != tollName {
		return nil
	}
	steps := result.(types.Uint)
	if steps < types.Uint(len(small)) {
		return &small[steps]
	}
	paid := uint64(steps)
	return &paid
}

// charging plans an expression's calls so that they are paid for before they
// are made; idle is of its scale.
func charging(impls map[string]*functions.Overload, idle map[int64]uint64) cel.ProgramOption {
	return cel.CustomDecoratorV2(func(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		switch node := i.(type) {
		case interpreter.InterpretableAttribute, interpreter.InterpretableConst:
			return i, nil
		case interpreter.InterpretableConstructor:
			return chargedLiteral(node), nil
		case interpreter.InterpretableCall:
			if free[node.Function()] {
				return i, nil
			}
			return chargedCall(node, impls)
		}
		if n := idle[i.ID()]; n > 0 {
			return &charged{i, 1 + n/4}, nil
		}
		return i, nil
	})
}

// charged is a node with a fixed price besides CEL's own.
type charged struct {
	interpreter.InterpretableV2
	steps uint64
}

// Exec implements interpreter.InterpretableV2.
func (c *charged) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	pay(frame, c.steps)
	return c.InterpretableV2.Exec(frame)
}

// Eval implements interpreter.Interpretable.
func (c *charged) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}

// chargedLiteral: one of constants is made once, when the program is planned.
func chargedLiteral(node interpreter.InterpretableConstructor) interpreter.InterpretableV2 {
	values := node.InitVals()
	for _, v := range values {
		if _, constant := v.(interpreter.InterpretableConst); !constant {
			return &charged{node, uint64(len(values)) / 4}
		}
	}
	return node
}

// chargedCall is node with its price, by the function's tariff.
func chargedCall(node interpreter.InterpretableCall, impls map[string]*functions.Overload) (interpreter.InterpretableV2, error) {
	impl := impls[node.OverloadID()]
	if impl == nil {
		impl = impls[node.Function()]
	}
	b := base{InterpretableCall: node, impl: impl, tariff: tariffs[node.Function()]}
	args := node.Args()
	switch {
	case node.Function() == operators.Equals:
		return &equality{b, args[0], args[1], false}, nil
	case node.Function() == operators.NotEquals:
		return &equality{b, args[0], args[1], true}, nil
	case node.Function() == overloads.Matches && len(args) == 2:
		return newPatternCall(b, args[0], args[1])
	case impl != nil && impl.NonStrict:
		return nil, errors.New("no tariff for " + node.Function())
	case node.Function() == operators.In:
		return newMembership(b, args[0], args[1]), nil
	case len(args) == 1 && impl != nil && impl.Unary != nil:
		return &unary{b, args[0]}, nil
	case len(args) == 2 && impl != nil && impl.Binary != nil:
		return &binary{b, args[0], args[1]}, nil
	}
	return &variadic{b, args}, nil
}

// base is what all calls have.
type base struct {
	interpreter.InterpretableCall
	impl   *functions.Overload
	tariff tariff
}

// may tells whether the function is one for values such as v.
func (b *base) may(v ref.Val) bool {
	return b.impl != nil && (b.impl.OperandTrait == 0 || v.Type().HasTrait(b.impl.OperandTrait))
}

// received is the call where the value itself knows what to do, or none does.
func (b *base) received(v ref.Val, args ...ref.Val) ref.Val {
	if r, is := v.(traits.Receiver); is && v.Type().HasTrait(traits.ReceiverType) {
		return r.Receive(b.Function(), b.OverloadID(), args)
	}
	return types.NewErr("no such overload: %s", b.Function())
}

// pair evaluates two arguments; one that is an error is the result.
func pair(frame *interpreter.ExecutionFrame, lhs, rhs interpreter.InterpretableV2) (a, b, failed ref.Val) {
	if a = lhs.Exec(frame); types.IsUnknownOrError(a) {
		pay(frame, 1)
		return nil, nil, a
	}
	if b = rhs.Exec(frame); types.IsUnknownOrError(b) {
		pay(frame, 1)
		return nil, nil, b
	}
	return a, b, nil
}

type unary struct {
	base
	arg interpreter.InterpretableV2
}

// Exec implements interpreter.InterpretableV2.
func (c *unary) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := c.arg.Exec(frame)
	if types.IsUnknownOrError(v) {
		pay(frame, 1)
		return v
	}
	pay(frame, c.tariff.one(v))
	if c.may(v) {
		return c.impl.Unary(v)
	}
	return c.received(v)
}

// Eval implements interpreter.Interpretable.
func (c *unary) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}

type binary struct {
	base
	lhs, rhs interpreter.InterpretableV2
}

// Exec implements interpreter.InterpretableV2.
func (c *binary) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	a, b, failed := pair(frame, c.lhs, c.rhs)
	if failed != nil {
		return failed
	}
	pay(frame, c.tariff.two(a, b))
	if c.tariff == bySum {
		if list, is := joined(a, b); is {
			return list
		}
	}
	if c.may(a) {
		return c.impl.Binary(a, b)
	}
	return c.received(a, b)
}

// joined is a flat list of the elements of both: CEL's own remembers the two,
// so that one of a hundred lists takes a hundred steps to each element. A
// loop's own list grows in place.
func joined(a, b ref.Val) (ref.Val, bool) {
	first, isList := a.(traits.Lister)
	second, too := b.(traits.Lister)
	if _, growing := a.(traits.MutableLister); !isList || !too || growing {
		return nil, false
	}
	all := make([]ref.Val, 0, elements(a)+elements(b))
	for _, list := range []traits.Lister{first, second} {
		for it := list.Iterator(); it.HasNext() == types.True; {
			all = append(all, it.Next())
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, all), true
}

// Eval implements interpreter.Interpretable.
func (c *binary) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}

type variadic struct {
	base
	args []interpreter.InterpretableV2
}

// Exec implements interpreter.InterpretableV2.
func (c *variadic) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(c.args))
	for i, arg := range c.args {
		if args[i] = arg.Exec(frame); types.IsUnknownOrError(args[i]) {
			pay(frame, 1)
			return args[i]
		}
	}
	switch len(args) {
	case 0:
		pay(frame, 1)
	case 1:
		pay(frame, c.tariff.one(args[0]))
	case 2:
		pay(frame, c.tariff.two(args[0], args[1]))
	default:
		pay(frame, c.tariff.more(args))
	}
	switch {
	case c.impl != nil && c.impl.Function != nil && (len(args) == 0 || c.may(args[0])):
		return c.impl.Function(args...)
	case len(args) == 0:
		return types.NewErr("no such overload: %s", c.Function())
	}
	return c.received(args[0], args[1:]...)
}

// Eval implements interpreter.Interpretable.
func (c *variadic) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}

type equality struct {
	base
	lhs, rhs interpreter.InterpretableV2
	not      bool
}

// Exec implements interpreter.InterpretableV2.
func (c *equality) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	a, b, failed := pair(frame, c.lhs, c.rhs)
	if failed != nil {
		return failed
	}
	pay(frame, equalPrice(a, b))
	return types.Bool((types.Equal(a, b) == types.True) != c.not)
}

// Eval implements interpreter.Interpretable.
func (c *equality) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}

// membership is a in b.
type membership struct {
	binary
	// texts are those of a list of nothing else that is written in the
	// expression, the longest of them so long.
	texts   map[types.String]bool
	longest int
}

func newMembership(b base, lhs, rhs interpreter.InterpretableV2) *membership {
	m := &membership{binary: binary{b, lhs, rhs}}
	constant, is := rhs.(interpreter.InterpretableConst)
	if !is {
		return m
	}
	list, is := constant.Value().(traits.Lister)
	if !is {
		return m
	}
	texts := map[types.String]bool{}
	for it := list.Iterator(); it.HasNext() == types.True; {
		text, is := it.Next().(types.String)
		if !is {
			return m
		}
		texts[text] = true
		m.longest = max(m.longest, len(text))
	}
	m.texts = texts
	return m
}

// OverloadID is none, so that CEL does not plan a set of its own, whose look-up
// is not paid for.
func (m *membership) OverloadID() string { return "" }

// Exec implements interpreter.InterpretableV2.
func (m *membership) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	if m.texts == nil {
		return m.binary.Exec(frame)
	}
	v := m.lhs.Exec(frame)
	if pay(frame, 1); types.IsUnknownOrError(v) {
		return v
	}
	text, is := v.(types.String)
	return types.Bool(is && len(text) <= m.longest && m.texts[text])
}

// Eval implements interpreter.Interpretable.
func (m *membership) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, m.Exec)
}

// patternCall is text.matches(pattern).
type patternCall struct {
	base
	text, pattern interpreter.InterpretableV2
	// compiled is a pattern that is written in the expression, of that size.
	compiled *regexp.Regexp
	size     uint64
}

func newPatternCall(b base, text, pattern interpreter.InterpretableV2) (*patternCall, error) {
	m := &patternCall{base: b, text: text, pattern: pattern}
	constant, is := pattern.(interpreter.InterpretableConst)
	if !is {
		return m, nil
	}
	var err error
	if written, is := constant.Value().(types.String); is {
		m.compiled, m.size, err = compiledPattern(string(written))
	}
	return m, err
}

func compiledPattern(pattern string) (*regexp.Regexp, uint64, error) {
	size, err := types.RegexProgramSize(pattern)
	if err != nil {
		return nil, 0, err
	}
	if size > maxRegex {
		return nil, 0, fmt.Errorf("the regular expression has %d instructions, at most %d", size, maxRegex)
	}
	compiled, err := regexp.Compile(pattern)
	return compiled, uint64(max(1, size)), err
}

// Args are none, so that CEL does not plan a regular expression of its own.
func (m *patternCall) Args() []interpreter.InterpretableV2 { return nil }

// Exec implements interpreter.InterpretableV2.
func (m *patternCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v, p, failed := pair(frame, m.text, m.pattern)
	if failed != nil {
		return failed
	}
	text, isText := v.(types.String)
	pattern, too := p.(types.String)
	if !isText || !too {
		pay(frame, 1)
		return types.NewErr("no such overload: %s", m.Function())
	}
	compiled, size := m.compiled, m.size
	if len(text) > maxMatched || compiled == nil && len(pattern) > maxPattern {
		pay(frame, 1)
		return types.WrapErr(errTooLarge)
	}
	if compiled == nil {
		pay(frame, patternSteps)
		var err error
		if compiled, size, err = compiledPattern(string(pattern)); err != nil {
			return types.WrapErr(errPattern)
		}
	}
	pay(frame, 1+uint64(len(text))*size/stepsOfMatch)
	return types.Bool(compiled.MatchString(string(text)))
}

// Eval implements interpreter.Interpretable.
func (m *patternCall) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, m.Exec)
}

// implementations are the functions of env by overload and by name.
func implementations(env *cel.Env) (map[string]*functions.Overload, error) {
	all := map[string]*functions.Overload{}
	for name, f := range env.Functions() {
		found, err := f.Bindings()
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", name, err)
		}
		for _, o := range found {
			all[o.Operator] = o
		}
	}
	return all, nil
}
