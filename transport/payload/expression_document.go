package payload

import (
	"bytes"
	"reflect"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// maxLook is the nesting down to which expressions look into a document.
const maxLook = 64

// documentOf gives the value of a JSON document. Objects and arrays keep their
// text, are taken apart one level at a time when something is looked up in
// them, and keep the order in which they were published.
//
// Numbers written without point and exponent are int where they fit, else uint
// where they fit, and double otherwise, as all others are. CEL compares the
// three with each other by value.
func documentOf(doc []byte, r *reading) ref.Val {
	raw := bytes.Trim(doc, " \t\r\n")
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return valueOf(raw, 0, r) // taken apart, and so checked, when looked into
	}
	scan := jsontext.Reader{Doc: raw}
	if scalar, ok := scan.Span(); !ok || len(scalar) != len(raw) {
		return errNotJSON
	}
	return valueOf(raw, 0, r)
}

// reading bounds how much of an event's document is read: each level that an
// expression looks into is scanned once, so that a document of many levels
// around much would be read many times over, and each element taken apart.
type reading struct{ left, done, elements int }

const (
	// readTimes is how often all of a document may be read, and readLeast what
	// may be in any case, in bytes.
	readTimes = 4
	readLeast = 64 << 10
	// maxElements is how many elements and properties may be taken apart.
	maxElements = 200_000
)

func newReading(doc []byte) reading { return reading{left: readTimes*len(doc) + readLeast} }

// steps is what was done, as what expressions are charged.
func (r *reading) steps() uint64 {
	const bytesAStep = 64
	return uint64(r.done/bytesAStep + r.elements)
}

// more tells whether one more element may be taken apart.
func (r *reading) more() bool {
	r.elements++
	return r.elements <= maxElements
}

// take tells whether raw may be read too.
func (r *reading) take(raw []byte) bool {
	if len(raw) > r.left {
		return false
	}
	r.left -= len(raw)
	r.done += len(raw)
	return true
}

var (
	errNotJSON  = types.NewErr("the document is not valid JSON")
	errReadOver = types.WrapErr(errReadMuch)
)

// valueOf gives the value of the JSON text raw, without spaces around it.
func valueOf(raw []byte, depth int, r *reading) ref.Val {
	if depth > maxLook {
		return types.WrapErr(errTooDeep)
	}
	switch raw[0] {
	case '{':
		return &object{raw: raw, depth: depth, reading: r}
	case '[':
		return &array{raw: raw, depth: depth, reading: r}
	case '"':
		return types.String(jsontext.Text(raw))
	case 't':
		return types.True
	case 'f':
		return types.False
	case 'n':
		return types.NullValue
	}
	text := string(raw)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(n)
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return types.Uint(n)
	}
	return types.Double(jsontext.Float(raw)) // beyond its range: an infinity
}

// property is one member of an object: where its name (without quotes) and its
// value are in the object's text, and the value once it was asked for.
type property struct {
	name, nameEnd, at, end uint32
	val                    ref.Val
}

// object is a JSON object as a CEL map.
type object struct {
	raw     []byte
	depth   int
	reading *reading
	// properties are as published; of a name given twice the last one counts.
	// They are nil until first needed.
	properties []property
	// escaped are the names that are written with escapes, by place.
	escaped map[int]string
	places  map[string]int
	// broken is why it cannot be looked into, or nil.
	broken ref.Val
	// names are all, once they were asked for.
	names ref.Val
	// unique: of each name there is one.
	unique bool
}

// Of most objects there are few properties, and looking through them is
// cheaper than a map.
const (
	usualProperty  = 32 // bytes
	fewProperties  = 16
	manyProperties = 32
)

// open takes the object apart, once; false where it is no valid JSON.
func (o *object) open() bool {
	if o.properties != nil || o.broken != nil {
		return o.broken == nil
	}
	if !o.reading.take(o.raw) {
		o.broken = errReadOver
		return false
	}
	o.properties = make([]property, 0, min(len(o.raw)/usualProperty+1, fewProperties))
	r := jsontext.Reader{Doc: o.raw, Pos: 1}
	for r.Next() == '"' {
		if !o.reading.more() {
			o.broken = errReadOver
			return false
		}
		name, _ := r.Span()
		p := property{name: uint32(r.Pos - len(name) + 1), nameEnd: uint32(r.Pos - 1)}
		if len(name) == 0 || r.Next() != ':' {
			break
		}
		r.Pos++
		raw, ok := r.Span()
		if !ok {
			break
		}
		p.at, p.end = uint32(r.Pos-len(raw)), uint32(r.Pos)
		o.add(p, name)
		if r.Next() != ',' {
			break
		}
		r.Pos++
	}
	if r.Next() != '}' || r.Pos != len(o.raw)-1 {
		o.broken = errNotJSON
	}
	if len(o.properties) >= manyProperties {
		o.index()
	}
	return o.broken == nil
}

func (o *object) add(p property, quoted []byte) {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		if o.escaped == nil {
			o.escaped = map[int]string{}
		}
		o.escaped[len(o.properties)] = jsontext.Text(quoted)
	}
	o.properties = append(o.properties, p)
}

func (o *object) name(i int) string {
	if name, there := o.escaped[i]; there {
		return name
	}
	return string(o.written(i))
}

// written is a name as it is in the text.
func (o *object) written(i int) []byte {
	p := &o.properties[i]
	return o.raw[p.name:p.nameEnd]
}

func (o *object) index() {
	o.places = make(map[string]int, len(o.properties))
	for i := range o.properties {
		o.places[o.name(i)] = i
	}
}

// single takes out what a later property of the same name replaced: its value
// comes to the place of the first.
func (o *object) single() {
	if !o.open() || o.unique {
		return
	}
	o.unique = true
	first := make(map[string]int, len(o.properties))
	kept := make([]property, 0, len(o.properties))
	escaped := map[int]string{}
	for i, p := range o.properties {
		name := o.name(i)
		if earlier, seen := first[name]; seen {
			kept[earlier] = p
			escaped[earlier] = name
			continue
		}
		first[name] = len(kept)
		if o.escaped[i] != "" {
			escaped[len(kept)] = name
		}
		kept = append(kept, p)
	}
	o.properties, o.escaped = kept, escaped
	if o.places != nil {
		o.places = first
	}
}

func (o *object) find(name string) int {
	if o.places != nil {
		if i, there := o.places[name]; there {
			return i
		}
		return -1
	}
	for i := len(o.properties) - 1; i >= 0; i-- {
		if o.escaped == nil && string(o.written(i)) == name || o.escaped != nil && o.name(i) == name {
			return i
		}
	}
	return -1
}

func (o *object) at(i int) ref.Val {
	p := &o.properties[i]
	if p.val == nil {
		p.val = valueOf(o.raw[p.at:p.end], o.depth+1, o.reading)
	}
	return p.val
}

// Find implements traits.Mapper.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	if !o.open() {
		return o.broken, false
	}
	if i := o.find(string(name)); i >= 0 {
		v := o.at(i)
		return v, !types.IsError(v)
	}
	return nil, false
}

// Get implements traits.Indexer.
func (o *object) Get(key ref.Val) ref.Val {
	v, found := o.Find(key)
	if !found {
		return types.ValOrErr(v, "no such key: %v", key)
	}
	return v
}

// Contains implements traits.Container.
func (o *object) Contains(key ref.Val) ref.Val {
	v, found := o.Find(key)
	if !found && v != nil {
		return v
	}
	return types.Bool(found)
}

// Size implements traits.Sizer.
func (o *object) Size() ref.Val {
	o.single()
	return types.Int(len(o.properties))
}

// Iterator implements traits.Iterable, over the names.
func (o *object) Iterator() traits.Iterator {
	if o.names == nil {
		o.single()
		names := make([]ref.Val, len(o.properties))
		for i := range o.properties {
			names[i] = types.String(o.name(i))
		}
		o.names = types.NewRefValList(types.DefaultTypeAdapter, names)
	}
	return o.names.(traits.Lister).Iterator()
}

// Equal implements ref.Val: the same names with equal values. What is nested
// too deep to be looked at equals nothing.
func (o *object) Equal(other ref.Val) ref.Val {
	m, is := other.(traits.Mapper)
	if !is || !jsontext.NestedWithin(o.raw, maxLook-o.depth) || !o.open() || o.Size() != m.Size() {
		return types.False
	}
	for i := range o.properties {
		theirs, found := m.Find(types.String(o.name(i)))
		if !found || types.Equal(o.at(i), theirs) != types.True {
			return types.False
		}
	}
	return types.True
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(to reflect.Type) (any, error) { return notNative(to) }

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(to ref.Type) ref.Val {
	switch to {
	case types.MapType:
		return o
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("type conversion error")
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (o *object) Value() any { return o }
