package payload

import (
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// CEL counts what a call cost when it has returned, which is too late for one
// that makes a terabyte out of an event's text. So what may take more than its
// arguments' size is asked for their sizes first.
const (
	// maxWork bounds the product of the sizes of a function's arguments.
	maxWork = 4 << 20
	// maxMatched is the longest text that a regular expression looks at.
	maxMatched = 16 << 10
)

// bounded are the functions whose work or result may be the product of their arguments.
var bounded = []string{"replace", "join", "split", "format", "indexOf", "lastIndexOf", "reverse", "strings.quote",
	"substring", "charAt", "lowerAscii", "upperAscii", "trim", "sets.contains", "sets.equivalent", "sets.intersects"}

// programOptions are how each expression of env is planned: constants folded,
// cost counted and limited, unbounded functions bounded.
func programOptions(env *cel.Env) []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.EvalOptions(cel.OptOptimize),
		cel.CostTracking(meter{}),
		cel.CostLimit(maxCost),
		cel.OptimizeRegex(constantPattern(overloads.MatchesString), constantPattern(overloads.Matches)),
		cel.Functions(boundedOverloads(env)...), //nolint:staticcheck // Function declares a function; these are declared, and get a bound put before them
	}
}

// boundedOverloads are the functions again, with a look at their arguments first.
func boundedOverloads(env *cel.Env) []*functions.Overload {
	known := env.Functions()
	var all []*functions.Overload
	for _, name := range bounded {
		f := known[name]
		if f == nil {
			panic("no function " + name) // found by every test
		}
		found, err := f.Bindings()
		if err != nil {
			panic(err)
		}
		for _, o := range found {
			all = append(all, guarded(o, withinWork))
		}
	}
	matches, err := known[overloads.Matches].Bindings()
	if err != nil {
		panic(err)
	}
	for _, o := range matches {
		all = append(all, guarded(o, withinMatch))
	}
	return all
}

func guarded(o *functions.Overload, within func(args ...ref.Val) bool) *functions.Overload {
	same := *o
	if call := o.Unary; call != nil {
		same.Unary = func(v ref.Val) ref.Val {
			if !within(v) {
				return types.WrapErr(errTooLarge)
			}
			return call(v)
		}
	}
	if call := o.Binary; call != nil {
		same.Binary = func(a, b ref.Val) ref.Val {
			if !within(a, b) {
				return types.WrapErr(errTooLarge)
			}
			return call(a, b)
		}
	}
	if call := o.Function; call != nil {
		same.Function = func(args ...ref.Val) ref.Val {
			if !within(args...) {
				return types.WrapErr(errTooLarge)
			}
			return call(args...)
		}
	}
	return &same
}

func withinWork(args ...ref.Val) bool {
	work := 1
	for _, v := range args {
		size := 1 + sizeOf(v)
		if size > maxWork/work {
			return false
		}
		work *= size
	}
	return true
}

func withinMatch(args ...ref.Val) bool { return len(args) == 0 || sizeOf(args[0]) <= maxMatched }

// sizeOf is the bytes of a text, and of a list the elements and their texts.
func sizeOf(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	case traits.Lister:
		n, _ := v.Size().(types.Int)
		total := int(n)
		for i := types.Int(0); i < n && total <= maxWork; i++ {
			total += flatSize(v.Get(i))
		}
		return total
	}
	return flatSize(v)
}

// flatSize does not look into what is nested but at its document's length.
func flatSize(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	case *object:
		return len(v.raw)
	case *array:
		return len(v.raw)
	case traits.Sizer:
		n, _ := v.Size().(types.Int)
		return int(n)
	}
	return 0
}

// constantPattern compiles a pattern that is written in the expression once.
func constantPattern(overload string) *interpreter.RegexOptimization {
	return &interpreter.RegexOptimization{Function: overloads.Matches, OverloadID: overload, RegexIndex: 1,
		Factory: func(call interpreter.InterpretableCall, pattern string) (interpreter.InterpretableCall, error) {
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				return nil, err
			}
			match := func(args ...ref.Val) ref.Val {
				text, ok := args[0].(types.String)
				if !ok {
					return types.MaybeNoSuchOverloadErr(args[0])
				}
				if !withinMatch(text) {
					return types.WrapErr(errTooLarge)
				}
				return types.Bool(compiled.MatchString(string(text)))
			}
			return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), match), nil
		}}
}

const overloadJSON = "json_dyn"

// meter counts what our own functions cost.
type meter struct{}

// CallCost implements cost.ActualCostEstimator.
func (meter) CallCost(_, overload string, _ []ref.Val, result ref.Val) *uint64 {
	if overload != overloadJSON {
		return nil
	}
	units := uint64(1)
	if text, ok := result.(types.String); ok {
		units += uint64(len(text)) / 10
	}
	return &units
}

// assumedSize is how many elements or characters a value of an event is taken
// to have when the cost of an expression is estimated.
const assumedSize = 100

// estimator tells the sizes of what an expression reads.
type estimator struct{}

// EstimateSize implements cost.Estimator.
func (estimator) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if node.ComputedSize() != nil {
		return nil // told by the expression itself
	}
	return assumed(3)
}

// assumed is the size of a value whose elements are so large too, and theirs.
func assumed(levels int) *cost.SizeEstimate {
	size := cost.RangedSizeEstimate(0, assumedSize)
	if levels > 0 {
		size.Key, size.Elem = assumed(0), assumed(levels-1)
	}
	return &size
}

// EstimateCallCost implements cost.Estimator.
func (estimator) EstimateCallCost(_, overload string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	switch overload {
	case overloadJSON:
		size := cost.RangedSizeEstimate(2, maxSource)
		return cost.NewCallEstimate(cost.FixedCostEstimate(1+maxSource/10), &size)
	case "string_truncate_int":
		return cost.NewCallEstimate(cost.FixedCostEstimate(1+assumedSize/10), assumed(0))
	}
	return nil
}
