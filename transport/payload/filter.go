package payload

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/postrider/postrider/transport"
)

// Filter is an endpoint's filter, compiled: which events of the types it wants
// it wants indeed. Safe for concurrent use.
type Filter struct{ expr *expression }

// NewFilter compiles source, a CEL expression over event (id, type, customer,
// time, data) that gives true or false. The *transport.FieldError names filter
// and the place, as line:column from 1. An empty source is an error: no filter
// is for the caller to see.
func NewFilter(source string) (*Filter, error) {
	const field = "filter"
	if source == "" {
		return nil, &transport.FieldError{Field: field, Message: "empty; leave it out to want every event of the types"}
	}
	expr, _, wrong := compile(source)
	if wrong != nil {
		return nil, wrong.fieldError(field, false)
	}
	if !expr.result.IsExactType(cel.BoolType) {
		return nil, &transport.FieldError{Field: field,
			Message: "gives " + expr.result.String() + ", not true or false; compare it, such as event.data.door == 'Main'"}
	}
	return &Filter{expr: expr}, nil
}

// Match tells whether the event is wanted. With an error, of a field that is
// missing or of another type, it is not, and the error says why in words that
// hold no value of the event.
func (f *Filter) Match(v *View) (bool, error) {
	out, _, err := f.expr.eval(v)
	if err != nil {
		return false, err
	}
	return out == types.True, nil
}
