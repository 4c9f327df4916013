package matching

// chunkSize is how many entries grow at once; growing moves none, so that it
// never holds up those who match.
const chunkSize = 1 << 10

// chunks is a list whose entries keep their place. Entry 0 is never taken.
type chunks[T any] struct {
	list []*[chunkSize]T
	used uint32
	free []uint32
}

func (c *chunks[T]) at(i uint32) *T { return &c.list[i/chunkSize][i%chunkSize] }

func (c *chunks[T]) take() uint32 {
	if n := len(c.free); n > 0 {
		i := c.free[n-1]
		c.free = c.free[:n-1]
		return i
	}
	if c.used++; int(c.used/chunkSize) >= len(c.list) {
		c.list = append(c.list, new([chunkSize]T))
	}
	return c.used
}

func (c *chunks[T]) give(i uint32) {
	var zero T
	*c.at(i) = zero
	c.free = append(c.free, i)
}

// postings has, for each lane and key, the slots of the alerts that are found
// by it. Linking and unlinking take the same time however many alerts share a key.
type postings struct {
	// chains has a map for each lane: those of one lane are looked up together,
	// and a lane without alerts costs nothing.
	chains [lanes]map[uint64]chain
	nodes  chunks[node]
	// parts is the number of lanes from firstDeletion on that have chains.
	parts int
	// lengths are of the numbers in each lane of deletions.
	lengths [firstGram - firstDeletion]numberLengths
}

// chain is the alerts of one key.
type chain struct{ first, count uint32 }

// node is one alert under one key.
type node struct {
	key        uint64
	slot       uint32
	next, prev uint32 // in the chain
	sibling    uint32 // the same alert's next node
	lane       lane
	// gaps are those of the deletions that left key; length, with the whole
	// number's key alone, is the number's.
	gaps   gaps
	length uint8
}

// link puts the alert under key, and gives its node, which has sibling behind it.
func (p *postings) link(l lane, d deletion, slot, sibling uint32) uint32 {
	key := d.key
	if p.chains[l] == nil {
		p.chains[l] = map[uint64]chain{}
		p.countPart(l, 1)
	}
	c := p.chains[l][key]
	i := p.nodes.take()
	*p.nodes.at(i) = node{key: key, slot: slot, next: c.first, sibling: sibling, lane: l, gaps: d.gaps, length: d.length}
	p.countLength(l, d.length, 1)
	if c.first != 0 {
		p.nodes.at(c.first).prev = i
	}
	p.chains[l][key] = chain{i, c.count + 1}
	return i
}

// unlink takes out a node and all its siblings.
func (p *postings) unlink(i uint32) {
	for i != 0 {
		n := *p.nodes.at(i)
		c := p.chains[n.lane][n.key]
		if n.next != 0 {
			p.nodes.at(n.next).prev = n.prev
		}
		if n.prev != 0 {
			p.nodes.at(n.prev).next = n.next
		} else {
			c.first = n.next
		}
		c.count--
		p.put(n.lane, n.key, c)
		p.countLength(n.lane, n.length, ^uint32(0))
		p.nodes.give(i)
		i = n.sibling
	}
}

// put keeps a chain that was changed, unless it is empty.
func (p *postings) put(l lane, key uint64, c chain) {
	if c.count > 0 {
		p.chains[l][key] = c
		return
	}
	delete(p.chains[l], key)
	if len(p.chains[l]) == 0 {
		p.chains[l] = nil
		p.countPart(l, -1)
	}
}

func (p *postings) countPart(l lane, n int) {
	if l >= firstDeletion {
		p.parts += n
	}
}

// countLength counts a number of that length, once each; 0 is none.
func (p *postings) countLength(l lane, length uint8, by uint32) {
	if length > 0 {
		p.lengths[l-firstDeletion][length] += by
	}
}
