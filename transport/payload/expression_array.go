package payload

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// array is a JSON array as a CEL list, which keeps its text.
type array struct {
	raw     []byte
	depth   int
	reading *reading
	list    traits.Lister
	// broken is why it cannot be looked into, or nil.
	broken ref.Val
}

// open takes the array apart, once. One that cannot be holds the error.
func (a *array) open() traits.Lister {
	if a.list != nil {
		return a.list
	}
	if !a.reading.take(a.raw) {
		return a.fail(errReadOver)
	}
	elements := make([]ref.Val, 0, 8)
	r := jsontext.Reader{Doc: a.raw, Pos: 1}
	for r.Next() != ']' {
		raw, ok := r.Span()
		if !ok {
			return a.fail(errNotJSON)
		}
		if !a.reading.more() {
			return a.fail(errReadOver)
		}
		elements = append(elements, valueOf(raw, a.depth+1, a.reading))
		if r.Next() == ',' {
			r.Pos++
		}
	}
	a.list = types.NewRefValList(types.DefaultTypeAdapter, elements)
	return a.list
}

func (a *array) fail(why ref.Val) traits.Lister {
	a.broken = why
	a.list = types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{why})
	return a.list
}

// Add implements traits.Adder.
func (a *array) Add(other ref.Val) ref.Val { return a.open().Add(other) }

// Contains implements traits.Container.
func (a *array) Contains(v ref.Val) ref.Val {
	if a.open(); a.broken != nil {
		return a.broken
	}
	return a.list.Contains(v)
}

// Get implements traits.Indexer.
func (a *array) Get(index ref.Val) ref.Val {
	if a.open(); a.broken != nil {
		return a.broken
	}
	return a.list.Get(index)
}

// Size implements traits.Sizer.
func (a *array) Size() ref.Val {
	if a.open(); a.broken != nil {
		return a.broken
	}
	return a.list.Size()
}

// Iterator implements traits.Iterable.
func (a *array) Iterator() traits.Iterator { return a.open().Iterator() }

// Equal implements ref.Val. What is nested too deep to be looked at equals nothing.
func (a *array) Equal(other ref.Val) ref.Val {
	if !jsontext.NestedWithin(a.raw, maxLook-a.depth) {
		return types.False
	}
	return a.open().Equal(other)
}

// ConvertToNative implements ref.Val.
func (a *array) ConvertToNative(to reflect.Type) (any, error) { return a.open().ConvertToNative(to) }

// ConvertToType implements ref.Val.
func (a *array) ConvertToType(to ref.Type) ref.Val { return a.open().ConvertToType(to) }

// Type implements ref.Val.
func (a *array) Type() ref.Type { return types.ListType }

// Value implements ref.Val.
func (a *array) Value() any { return a.open().Value() }
