package payload

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// functionKey gives its argument as it is. No source can name it.
const functionKey = "@key"

// payForKeys puts each key that is made when the expression is evaluated, of
// a[key] and a[?key], into a call of functionKey: looking something up takes
// time in proportion to the key, and only calls are paid for.
func payForKeys(tree *ast.AST) {
	factory, next := ast.NewExprFactory(), ast.MaxID(tree)
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		if name := call.FunctionName(); name != operators.Index && name != operators.OptIndex || len(call.Args()) != 2 {
			return
		}
		key := call.Args()[1]
		if key.Kind() == ast.LiteralKind {
			return
		}
		next++
		inner := factory.NewUnspecifiedExpr(next)
		inner.SetKindCase(key)
		if place, known := tree.SourceInfo().GetOffsetRange(key.ID()); known {
			tree.SourceInfo().SetOffsetRange(next, place)
		}
		key.SetKindCase(factory.NewCall(0, functionKey, inner))
	}))
}
