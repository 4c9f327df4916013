package payload

import (
	"fmt"
	"math/bits"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
)

// Limits of what may be said in one expression.
const (
	// maxUnfolded bounds the nodes of an expression with each name put in as
	// what it stands for: 25 names of two elements each are 33 million.
	maxUnfolded = 20_000
	// maxNested is how deep operators, calls and literals may be nested.
	maxNested = 100
	// maxLoops is how many macros that loop or bind a name there may be, and
	// maxLoopsNested how many of them within each other.
	maxLoops       = 50
	maxLoopsNested = 12
	// assumedSize is how many elements or characters a value of an event is
	// taken to have when the cost of an expression is estimated.
	assumedSize = 100
)

// measured is what an expression is by its text alone.
type measured struct {
	// unfolded counts nodes, each name as what it stands for.
	unfolded uint64
	// cost is an estimate, in steps.
	cost uint64
}

func (m measured) and(o measured) measured {
	return measured{plus(m.unfolded, o.unfolded), plus(m.cost, o.cost)}
}

// plus and times stop at the highest number there is.
func plus(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return 1<<64 - 1
	}
	return sum
}

func times(a, b uint64) uint64 {
	over, product := bits.Mul64(a, b)
	if over != 0 {
		return 1<<64 - 1
	}
	return product
}

// scale measures expressions, each node once: what a name stands for was
// measured where it was bound. It stops at the first fault.
type scale struct {
	names map[string]uint64 // unfolded, of the names in scope
	loops int
	nodes int
	fault *fault
	// idle are the operands of && and || that are constants, by the operator's
	// id: looking at them is no step of CEL's.
	idle map[int64]uint64
}

// measure bounds what e says. It takes time in proportion to e's nodes.
func measure(e ast.Expr) (*scale, measured, *fault) {
	s := &scale{names: map[string]uint64{}, idle: map[int64]uint64{}}
	m := s.expr(e, 0, 0)
	switch {
	case s.fault != nil:
	case m.unfolded > maxUnfolded:
		s.fault = &fault{message: fmt.Sprintf("is too large with its names put in: over %d nodes; use each name of cel.bind or of a loop less often", maxUnfolded)}
	case m.cost > maxCost:
		s.fault = &fault{message: fmt.Sprintf("could cost %d steps with lists of %d elements, at most %d; nest fewer loops, or loop over less",
			m.cost, assumedSize, maxCost)}
	}
	return s, m, s.fault
}

func (s *scale) expr(e ast.Expr, depth, within int) measured {
	if s.nodes++; s.fault == nil {
		switch {
		case s.nodes > maxUnfolded:
			s.fault = &fault{message: fmt.Sprintf("has over %d nodes with its macros expanded; nest fewer macros", maxUnfolded)}
		case depth > maxNested:
			s.fault = &fault{message: fmt.Sprintf("is nested over %d deep; take it apart", maxNested)}
		}
	}
	if s.fault != nil {
		return measured{}
	}
	switch e.Kind() {
	case ast.CallKind:
		return s.call(e, depth+1, within)
	case ast.ComprehensionKind:
		return s.loop(e.AsComprehension(), depth+1, within)
	case ast.IdentKind:
		return measured{unfolded: max(1, s.names[e.AsIdent()]), cost: 1}
	case ast.SelectKind:
		return s.expr(e.AsSelect().Operand(), depth+1, within).and(measured{1, 1})
	case ast.LiteralKind, ast.UnspecifiedExprKind:
		return measured{unfolded: 1}
	}
	return s.literal(e, depth+1, within)
}

// literal measures lists, maps and structs.
func (s *scale) literal(e ast.Expr, depth, within int) measured {
	m := measured{1, 10}
	switch e.Kind() {
	case ast.ListKind:
		for _, elem := range e.AsList().Elements() {
			m = m.and(s.expr(elem, depth, within)).and(measured{0, 1})
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			pair := entry.AsMapEntry()
			m = m.and(s.expr(pair.Key(), depth, within)).and(s.expr(pair.Value(), depth, within)).and(measured{0, 1})
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			m = m.and(s.expr(field.AsStructField().Value(), depth, within)).and(measured{0, 1})
		}
	}
	return m
}

func (s *scale) call(e ast.Expr, depth, within int) measured {
	call := e.AsCall()
	m := measured{1, callEstimate(call.FunctionName())}
	if call.IsMemberFunction() {
		m = m.and(s.expr(call.Target(), depth, within))
	}
	logical := call.FunctionName() == operators.LogicalAnd || call.FunctionName() == operators.LogicalOr
	for _, arg := range call.Args() {
		m = m.and(s.expr(arg, depth, within))
		if logical && arg.Kind() == ast.LiteralKind {
			s.idle[e.ID()]++
		}
	}
	return m
}

// callEstimate is what a call costs with arguments of the assumed size.
func callEstimate(function string) uint64 {
	switch function {
	case "json":
		return 1 + maxSource/10
	case overloads.Matches:
		return 1 + assumedSize*20/stepsOfMatch
	case operators.In:
		return assumedSize
	}
	if len(function) > 0 && function[0] >= 'a' && function[0] <= 'z' {
		return 1 + assumedSize/10
	}
	return 1
}

// loop measures all macros: those that loop, and cel.bind, which loops over
// nothing and has its name stand for what it begins with.
func (s *scale) loop(c ast.ComprehensionExpr, depth, within int) measured {
	if s.loops++; s.loops > maxLoops {
		s.fault = &fault{message: fmt.Sprintf("has over %d loops and bound names; use fewer", maxLoops)}
		return measured{}
	}
	if within++; within > maxLoopsNested {
		s.fault = &fault{message: fmt.Sprintf("has loops or bound names nested over %d deep; take them apart", maxLoopsNested)}
		return measured{}
	}
	source, first := s.expr(c.IterRange(), depth, within), s.expr(c.AccuInit(), depth, within)
	rounds := uint64(assumedSize)
	if c.IterRange().Kind() == ast.ListKind {
		rounds = uint64(c.IterRange().AsList().Size())
	}
	defer s.name(c.AccuVar(), first.unfolded)()
	undo := s.names2(c.IterVar(), c.IterVar2(), source.unfolded)
	each := s.expr(c.LoopCondition(), depth, within).and(s.expr(c.LoopStep(), depth, within))
	undo()
	last := s.expr(c.Result(), depth, within)
	sum := source.and(first).and(last).and(measured{1, 1})
	return measured{plus(sum.unfolded, each.unfolded), plus(sum.cost, times(rounds, each.cost))}
}

// name has a name stand for so many nodes until what it gives is called.
func (s *scale) name(name string, unfolded uint64) (undo func()) {
	before, was := s.names[name]
	s.names[name] = unfolded
	return func() {
		if was {
			s.names[name] = before
			return
		}
		delete(s.names, name)
	}
}

func (s *scale) names2(a, b string, unfolded uint64) (undo func()) {
	first := s.name(a, unfolded)
	if b == "" {
		return first
	}
	second := s.name(b, unfolded)
	return func() { second(); first() }
}
