package payload

import (
	"math"
	"slices"
	"sync"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// The canonical form is what JavaScript's JSON.stringify(JSON.parse(doc))
// writes, so that doing it again changes no byte:
//
//   - no spaces; strings raw but for quotes, backslashes, control characters
//     and lone surrogates; bytes that are no UTF-8 become U+FFFD
//   - numbers as JavaScript prints them; one too large for it becomes null
//   - of a key given twice the last value, at the place of the first
//   - keys that are array indexes first, ascending, then the order published
//
// It differs in one thing: an integer beyond 2^53, written without fraction
// and exponent, becomes a string of its digits, for JavaScript would change it.

// shape orders the members of an object; a nil shape leaves them as published.
type shape struct {
	rank   map[string]int64
	inner  map[string]*shape
	places int64
	// element is the shape of an array's elements. Where it is set, a value that
	// is no array is put into one, and null becomes an empty one.
	element *shape
	// fixed is a member that is there whatever was published, with this value,
	// or with what its own shape made of the object published.
	fixed, value string
}

// newShape takes its keys in order; inner are the shapes of members.
func newShape(inner map[string]*shape, keys ...string) *shape {
	s := &shape{rank: make(map[string]int64, len(keys)), inner: inner, places: int64(len(keys))}
	for i, key := range keys {
		s.rank[key] = int64(i)
	}
	return s
}

// leftOut is the place of members that are not written; all others are greater.
const leftOut = math.MinInt64

func (s *shape) without(keys ...string) *shape {
	for _, key := range keys {
		s.rank[key] = leftOut
	}
	return s
}

func (s *shape) withFixed(key, value string) *shape {
	s.fixed, s.value = key, value
	return s
}

// place is where the key k (canonical, without its quotes) stands among the known ones.
func (s *shape) place(k []byte) int64 {
	if s == nil {
		return 0
	}
	if i, known := s.rank[string(k)]; known {
		return i
	}
	return s.places
}

func (s *shape) of(k []byte) *shape {
	if s == nil {
		return nil
	}
	return s.inner[string(k)]
}

// member is one key and value of an object, as ranges of the output.
type member struct {
	// key begins behind its quote at start+1 and ends at key; the value ends at end.
	start, key, end int
	// order: array indexes are negative, then the shape's places.
	order int64
	// gone marks a member that a later one of the same key replaced.
	gone bool
}

// canon rewrites one document at a time; its buffers are kept for the next.
type canon struct {
	jsontext.Reader
	members []member
	scratch []byte
}

var canons = sync.Pool{New: func() any { return new(canon) }}

// giveBack returns c to the pool, but for buffers that a giant left behind.
func (c *canon) giveBack() {
	c.Reader = jsontext.Reader{}
	if cap(c.scratch) <= 64<<10 && cap(c.members) <= 1<<12 {
		canons.Put(c)
	}
}

// document appends the canonical form of doc, with its root in the order of s.
func (c *canon) document(dst, doc []byte, s *shape) ([]byte, error) {
	c.Reader = jsontext.Reader{Doc: doc}
	dst, err := c.value(dst, s, 0)
	if err == nil {
		err = c.End()
	}
	if err != nil {
		return dst, notJSON(err)
	}
	return dst, nil
}

func (c *canon) value(dst []byte, s *shape, depth int) ([]byte, error) {
	b := c.Next()
	if (b == '{' || b == '[') && depth >= jsontext.MaxDepth {
		_, err := c.Value(depth)
		return dst, err
	}
	switch {
	case b == '[':
		return c.array(dst, s, depth)
	case s != nil && s.element != nil:
		return c.listed(dst, s.element, depth)
	case b == '{':
		return c.object(dst, s, depth)
	case b == '"':
		return c.text(dst)
	case b == '-' || b >= '0' && b <= '9':
		return c.number(dst)
	default:
		return c.word(dst)
	}
}

// listed puts a value that is no array into one; null makes an empty one.
func (c *canon) listed(dst []byte, s *shape, depth int) ([]byte, error) {
	open := len(dst)
	dst, err := c.value(append(dst, '['), s, depth+1)
	if err == nil && string(dst[open:]) == "[null" {
		dst = dst[:open+1]
	}
	return append(dst, ']'), err
}

func (c *canon) array(dst []byte, s *shape, depth int) ([]byte, error) {
	var element *shape
	if s != nil {
		element = s.element
	}
	c.Pos++
	dst = append(dst, '[')
	if c.Empty(']') {
		return append(dst, ']'), nil
	}
	for {
		var err error
		if dst, err = c.value(dst, element, depth+1); err != nil {
			return dst, err
		}
		more, err := c.More(']')
		switch {
		case err != nil:
			return dst, err
		case !more:
			return append(dst, ']'), nil
		}
		dst = append(dst, ',')
	}
}

// object writes the members as they come and orders them afterwards if they
// were not in order already.
func (c *canon) object(dst []byte, s *shape, depth int) ([]byte, error) {
	base, open := len(c.members), len(dst)
	defer func() { c.members = c.members[:base] }()
	c.Pos++
	dst = append(dst, '{')
	for more := !c.Empty('}'); more; {
		var err error
		if dst, err = c.member(dst, s, depth); err != nil {
			return dst, err
		}
		if more, err = c.More('}'); err != nil {
			return dst, err
		}
	}
	dst = c.fix(dst, s, base)
	return c.arrange(dst, open, c.members[base:]), nil
}

// fix appends the member that s has whatever was published; where it is there
// already, this later one takes its place. An object of it that has a shape of
// its own is right as it is.
func (c *canon) fix(dst []byte, s *shape, base int) []byte {
	if s == nil || s.fixed == "" {
		return dst
	}
	if s.inner[s.fixed] != nil {
		for _, m := range slices.Backward(c.members[base:]) {
			if string(dst[m.start+1:m.key]) == s.fixed {
				if dst[m.key+len(`":`)] == '{' {
					return dst
				}
				break
			}
		}
	}
	m := member{start: len(dst), order: s.rank[s.fixed]}
	dst = append(append(dst, '"'), s.fixed...)
	m.key = len(dst)
	dst = append(append(append(dst, `":`...), s.value...), ',')
	m.end = len(dst)
	c.members = append(c.members, m)
	return dst
}

// member appends one `"key":value,` and notes where it is.
func (c *canon) member(dst []byte, s *shape, depth int) ([]byte, error) {
	m := member{start: len(dst)}
	dst, err := c.text(dst)
	if err != nil {
		return dst, err
	}
	m.key = len(dst) - 1
	if err = c.Take(':'); err != nil {
		return dst, err
	}
	// The inner values move dst; the key is looked up before they do.
	key := dst[m.start+1 : m.key]
	inner := s.of(key)
	if m.order = indexOrder(key); m.order == 0 {
		m.order = s.place(key)
	}
	dst = append(dst, ':')
	if dst, err = c.value(dst, inner, depth+1); err != nil {
		return dst, err
	}
	if m.order == leftOut {
		return dst[:m.start], nil
	}
	dst = append(dst, ',')
	m.end = len(dst)
	c.members = append(c.members, m)
	return dst, nil
}

// arrange closes the object opened at open whose members are written behind it.
func (c *canon) arrange(dst []byte, open int, members []member) []byte {
	twice := repeated(dst, members)
	inOrder := slices.IsSortedFunc(members, byOrder)
	if twice || !inOrder {
		slices.SortStableFunc(members, byOrder)
		body := open + 1
		c.scratch = append(c.scratch[:0], dst[body:]...)
		dst = dst[:body]
		for _, m := range members {
			if !m.gone {
				dst = append(dst, c.scratch[m.start-body:m.end-body]...)
			}
		}
	}
	if len(members) == 0 {
		return append(dst, '}')
	}
	dst[len(dst)-1] = '}'
	return dst
}

func byOrder(a, b member) int {
	switch {
	case a.order < b.order:
		return -1
	case a.order > b.order:
		return 1
	}
	return 0
}

// few is the number of members up to which looking at all pairs is cheaper
// than a map.
const few = 24

// repeated lets the last of equal keys win: its value takes the place of the
// first, and the others are gone.
func repeated(dst []byte, members []member) (found bool) {
	key := func(m member) []byte { return dst[m.start+1 : m.key] }
	replace := func(first, later int) {
		m := members[later]
		members[first].start, members[first].key, members[first].end = m.start, m.key, m.end
		members[later].gone, found = true, true
	}
	if len(members) > few {
		firsts := make(map[string]int, len(members))
		for i, m := range members {
			if first, seen := firsts[string(key(m))]; seen {
				replace(first, i)
			} else {
				firsts[string(key(m))] = i
			}
		}
		return found
	}
	for i := range members {
		for j := 0; j < i; j++ {
			if !members[j].gone && string(key(members[j])) == string(key(members[i])) {
				replace(j, i)
				break
			}
		}
	}
	return found
}
