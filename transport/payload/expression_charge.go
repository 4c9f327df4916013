package payload

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
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
