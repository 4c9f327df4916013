package payload

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/rfc3339"
)

// View is one event as expressions see it. Its document is read on first use
// and what was read is kept, so that one View serves the filters of a whole
// fan-out. It is for one goroutine at a time; the event must not change.
type View struct {
	scope scope
	event eventValue
	ev    *transport.Event
	data  ref.Val
	// reading is of data; spent are the steps of what was evaluated.
	reading reading
	spent   uint64
}

// NewView makes a View; it costs next to nothing until an expression looks.
func NewView(ev *transport.Event) *View {
	v := &View{ev: ev}
	v.event.view, v.scope.view = v, v
	return v
}

// Spent is what all that was evaluated over the event so far has cost, and the
// reading of its document, as processor time at the usual price of a step.
func (v *View) Spent() time.Duration {
	return time.Duration(v.spent+v.reading.steps()) * stepTime
}

// document is the event's data; an error value where it is no JSON.
func (v *View) document() ref.Val {
	if v.data == nil {
		v.reading = newReading(v.ev.Data)
		v.data = documentOf(v.ev.Data, &v.reading)
	}
	return v.data
}

// scope resolves the one variable there is.
type scope struct{ view *View }

// ResolveName implements cel.Activation.
func (s *scope) ResolveName(name string) (any, bool) {
	if name == "event" {
		return &s.view.event, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (s *scope) Parent() cel.Activation { return nil }

const eventTypeName = "postrider.Event"

var eventType = types.NewObjectType(eventTypeName, traits.IndexerType, traits.FieldTesterType)

// eventFields are in the order in which json(event) writes them.
var eventFields = []string{"id", "type", "customer", "time", "data"}

var eventFieldTypes = map[string]*cel.Type{
	"id": cel.StringType, "type": cel.StringType, "customer": cel.StringType,
	"time": cel.TimestampType, "data": cel.DynType,
}

// eventValue is the variable event.
type eventValue struct{ view *View }

func (e *eventValue) field(name string) (ref.Val, bool) {
	ev := e.view.ev
	switch name {
	case "id":
		return types.String(ev.ID), true
	case "type":
		return types.String(ev.Type), true
	case "customer":
		return types.String(ev.Customer), true
	case "time":
		return types.Timestamp{Time: ev.Time.UTC().Round(0)}, true
	case "data":
		return e.view.document(), true
	}
	return nil, false
}

// Get implements traits.Indexer.
func (e *eventValue) Get(index ref.Val) ref.Val {
	if name, ok := index.(types.String); ok {
		if v, there := e.field(string(name)); there {
			return v
		}
	}
	return types.NewErr("no such field")
}

// IsSet implements traits.FieldTester.
func (e *eventValue) IsSet(field ref.Val) ref.Val {
	name, _ := field.(types.String)
	return types.Bool(eventFieldTypes[string(name)] != nil)
}

// ConvertToNative implements ref.Val.
func (e *eventValue) ConvertToNative(to reflect.Type) (any, error) { return notNative(to) }

// ConvertToType implements ref.Val.
func (e *eventValue) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return eventType
	}
	return types.NewErr("type conversion error")
}

// Equal implements ref.Val: an event equals itself.
func (e *eventValue) Equal(other ref.Val) ref.Val {
	o, is := other.(*eventValue)
	return types.Bool(is && o.view == e.view)
}

// Type implements ref.Val.
func (e *eventValue) Type() ref.Type { return eventType }

// Value implements ref.Val.
func (e *eventValue) Value() any { return e }

func notNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("type conversion error to %v", to)
}

// eventTypes tells the checker what an event has, so that a name that is
// misspelt is found when an expression is saved.
type eventTypes struct{ types.Provider }

// FindStructType implements types.Provider.
func (p eventTypes) FindStructType(name string) (*types.Type, bool) {
	if name == eventTypeName {
		return types.NewTypeTypeWithParam(eventType), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p eventTypes) FindStructFieldNames(name string) ([]string, bool) {
	if name == eventTypeName {
		return eventFields, true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p eventTypes) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if name != eventTypeName {
		return p.Provider.FindStructFieldType(name, field)
	}
	t := eventFieldTypes[field]
	if t == nil {
		return nil, false
	}
	return &types.FieldType{
		Type:  t,
		IsSet: func(any) bool { return true },
		GetFrom: func(target any) (any, error) {
			e, is := target.(*eventValue)
			if !is {
				return nil, errors.New("no such field")
			}
			v, _ := e.field(field)
			return v, nil
		},
	}, true
}

// epoch gives whole seconds since 1970 of a time, or of a text in RFC 3339.
func epoch(v ref.Val) ref.Val {
	switch t := v.(type) {
	case types.Timestamp:
		return types.Int(t.Unix())
	case types.String:
		at, ok := rfc3339.Parse(string(t))
		if !ok {
			return types.NewErr("type conversion error")
		}
		return types.Int(at.Unix())
	}
	return types.NoSuchOverloadErr()
}

// truncate gives at most so many characters of a text.
func truncate(text, most ref.Val) ref.Val {
	s, isText := text.(types.String)
	n, isInt := most.(types.Int)
	if !isText || !isInt {
		return types.NoSuchOverloadErr()
	}
	for i := range string(s) {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
