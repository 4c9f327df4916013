package payload

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/postrider/postrider/transport"
)

// Limits of expressions. A cost unit is about one step: reading a name, calling
// a function, scanning ten characters.
const (
	// maxSource is the longest expression, in bytes.
	maxSource = 4 << 10
	// maxCost is what one expression may cost, both by estimate when it is saved
	// (with loops over assumedSize elements) and when it is evaluated.
	maxCost = 100_000
	// maxNodes bounds what is parsed.
	maxNodes = 4_000
)

// expression is CEL over one event: checked, bounded, planned once. Safe for
// concurrent use with a View for each goroutine.
type expression struct {
	source  string
	program cel.Program
	result  *cel.Type
	// path is what the expression reads where it is nothing but event.a.b.c:
	// most of those in templates, and ten times as fast without a program.
	path []string
}

// dialect is what expressions may say, and by what functions.
type dialect struct {
	env   *cel.Env
	impls map[string]*functions.Overload
}

// language builds the dialect, which takes milliseconds, once.
var language = sync.OnceValues(func() (*dialect, error) {
	base, err := cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
		cel.ExpressionNodeLimit(maxNodes),
		cel.OptionalTypes(),
		ext.Bindings(), ext.Strings(), ext.Math(), ext.Sets(),
		cel.Function("json", cel.Overload("json_dyn", []*cel.Type{cel.DynType}, cel.StringType, cel.UnaryBinding(jsonText))),
		cel.Function(functionKey, cel.Overload("key_dyn", []*cel.Type{cel.TypeParamType("T")}, cel.TypeParamType("T"),
			cel.UnaryBinding(func(v ref.Val) ref.Val { return v }))),
		cel.Function("truncate", cel.MemberOverload("string_truncate_int", []*cel.Type{cel.StringType, cel.IntType}, cel.StringType, cel.BinaryBinding(truncate))),
		cel.Function("epoch",
			cel.Overload("epoch_timestamp", []*cel.Type{cel.TimestampType}, cel.IntType, cel.UnaryBinding(epoch)),
			cel.Overload("epoch_string", []*cel.Type{cel.StringType}, cel.IntType, cel.UnaryBinding(epoch))),
	)
	if err != nil {
		return nil, err
	}
	env, err := base.Extend(
		cel.CustomTypeProvider(eventTypes{base.CELTypeProvider()}),
		cel.Variable("event", eventType))
	if err != nil {
		return nil, err
	}
	impls, err := implementations(env)
	if err != nil {
		return nil, err
	}
	return &dialect{env: env, impls: impls}, nil
})

// fault is what is wrong with an expression, at a place in it (from 1; 0: none).
type fault struct {
	line, column int
	message      string
	// quotes tells that message may repeat pieces of the source.
	quotes bool
}

// compile checks source, in a time bounded by its length. The estimate of its
// cost is returned for sums.
func compile(source string) (*expression, uint64, *fault) {
	if len(source) > maxSource {
		return nil, 0, &fault{message: fmt.Sprintf("%d bytes long; at most %d", len(source), maxSource)}
	}
	d, err := language()
	if err != nil {
		return nil, 0, &fault{message: err.Error()}
	}
	env := d.env
	parsed, issues := env.Parse(source)
	if issues.Err() != nil {
		return nil, 0, faultOf(issues, true)
	}
	said, size, wrong := measure(parsed.NativeRep().Expr()) // before anything that unfolds it
	if wrong != nil {
		return nil, 0, wrong
	}
	payForKeys(parsed.NativeRep())
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, 0, faultOf(issues, false)
	}
	program, err := env.Program(checked,
		cel.EvalOptions(cel.OptOptimize), cel.CostTracking(meter{}), cel.CostLimit(maxCost),
		charging(d.impls, said.idle))
	if err != nil {
		return nil, 0, &fault{message: "cannot be planned: " + firstLine(err.Error()), quotes: true}
	}
	return &expression{source: source, program: program, result: checked.OutputType(),
		path: pathOf(checked.NativeRep().Expr())}, size.cost, nil
}

// pathOf gives the names behind event of an expression that only selects, or nil.
func pathOf(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == "event" {
			return []string{}
		}
	case ast.SelectKind:
		s := e.AsSelect()
		if within := pathOf(s.Operand()); within != nil && !s.IsTestOnly() {
			return append(within, s.FieldName())
		}
	}
	return nil
}

// follow reads a path.
func (v *View) follow(path []string) ref.Val {
	if len(path) == 0 {
		return &v.event
	}
	val, _ := v.event.field(path[0])
	for _, name := range path[1:] {
		inner, is := val.(*object)
		if !is {
			return types.NewErr("no such key: %s", name)
		}
		if !inner.open() {
			return inner.broken
		}
		i := inner.find(name)
		if i < 0 {
			return types.NewErr("no such key: %s", name)
		}
		val = inner.at(i)
	}
	return val
}

func faultOf(issues *cel.Issues, quotes bool) *fault {
	first := issues.Errors()[0]
	f := &fault{message: strings.TrimPrefix(firstLine(first.Message), "Syntax error: "), quotes: quotes}
	if first.Location != common.NoLocation {
		f.line, f.column = first.Location.Line(), first.Location.Column()+1
	}
	return f
}

func firstLine(s string) string {
	const most = 300
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// eval evaluates e over v and gives what it cost.
func (e *expression) eval(v *View) (ref.Val, uint64, error) {
	var out ref.Val
	var err error
	cost := uint64(len(e.path))
	if e.path != nil {
		out = v.follow(e.path)
	} else {
		var details *cel.EvalDetails
		out, details, err = e.program.Eval(&v.scope)
		if used := details.ActualCost(); used != nil {
			cost = min(*used, maxCost) // what was refused was not done
		}
	}
	v.spent += cost + evalSteps
	if err == nil {
		err = insideError(out)
	}
	if err != nil {
		return nil, cost, e.told(err)
	}
	return out, cost, nil
}

func insideError(v ref.Val) error {
	if types.IsUnknownOrError(v) {
		if err, is := v.(*types.Err); is {
			return err
		}
		return errUnknown
	}
	return nil
}

// text gives the JSON of what a path into the document leads to, as it was
// published; nil where the path is another or leads nowhere.
func (v *View) text(path []string) []byte {
	if len(path) < 2 || path[0] != "data" {
		return nil
	}
	last := len(path) - 1
	within, is := v.follow(path[:last]).(*object)
	if !is || !within.open() {
		return nil
	}
	if i := within.find(path[last]); i >= 0 {
		return within.raw[within.properties[i].at:within.properties[i].end]
	}
	return nil
}

// fieldError makes f the error of a field. Where the text may be secret, what
// might repeat it is left out.
func (f *fault) fieldError(field string, secret bool) *transport.FieldError {
	message := f.message
	if f.quotes && secret {
		message = "is no valid expression there"
	}
	if f.line > 0 {
		message = fmt.Sprintf("at %d:%d: %s", f.line, f.column, message)
	}
	return &transport.FieldError{Field: field, Message: message}
}
