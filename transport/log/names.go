package log

// names gives a number to each of few values among many rows, for as long as a
// row uses it. Numbers of values no longer used are given again.
type names[K comparable] struct {
	numbers map[K]uint32
	values  []K
	uses    []uint32
	free    []uint32
	// text is the length of a value's texts, bytes the memory of all.
	text  func(K) int
	bytes int
}

// nameBytes is about what a value takes beside its text: in the map, in the lists.
const nameBytes = 96

func newNames[K comparable](text func(K) int) *names[K] {
	return &names[K]{numbers: map[K]uint32{}, text: text}
}

// take gives v's number and counts one more use of it.
func (n *names[K]) take(v K) uint32 {
	i, known := n.numbers[v]
	if !known {
		i = n.number(v)
	}
	n.uses[i]++
	return i
}

// number gives one to a new value; the caller counts the use.
func (n *names[K]) number(v K) uint32 {
	n.bytes += nameBytes + n.text(v)
	if last := len(n.free) - 1; last >= 0 {
		i := n.free[last]
		n.free = n.free[:last]
		n.values[i], n.numbers[v] = v, i
		return i
	}
	i := uint32(len(n.values))
	n.values, n.uses = append(n.values, v), append(n.uses, 0)
	n.numbers[v] = i
	return i
}

// drop counts one use less.
func (n *names[K]) drop(i uint32) {
	if n.uses[i]--; n.uses[i] > 0 {
		return
	}
	var none K
	v := n.values[i]
	n.bytes -= nameBytes + n.text(v)
	delete(n.numbers, v)
	n.values[i] = none
	n.free = append(n.free, i)
}

// choice is a set of numbers.
type choice struct {
	all, none bool
	one       uint32
	many      []bool // where there are several
}

func (c *choice) has(i uint32) bool {
	return c.all || i == c.one && !c.none || c.many != nil && c.many[i]
}

// choose gives the numbers whose values want likes; a nil want likes all.
func (n *names[K]) choose(want func(K) bool) choice {
	if want == nil {
		return choice{all: true}
	}
	c := choice{none: true}
	for i, v := range n.values {
		switch {
		case n.uses[i] == 0 || !want(v):
		case c.none:
			c.none, c.one = false, uint32(i)
		default:
			if c.many == nil {
				c.many = make([]bool, len(n.values))
			}
			c.many[i] = true
		}
	}
	return c
}
