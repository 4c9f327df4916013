package payload

import (
	"fmt"
	"regexp"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

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
