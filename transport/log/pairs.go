package log

// ref is a row: the shelf's bit, the chunk's number on it, the row's in it.
type ref uint32

// noRef is no row: a chunk's rows end before all bits are set.
const noRef = ^ref(0)

// pairs finds rows by a hash of what they are about. It holds refs alone and
// asks its owner for the hash of a row, so a row costs 4 bytes in a slot of
// which 2 in 7 or more are free.
type pairs struct {
	slots []ref
	used  int
	hash  func(ref) uint64
}

func newPairs(hash func(ref) uint64) *pairs {
	p := &pairs{hash: hash}
	p.resize(1 << 10)
	return p
}

func (p *pairs) resize(slots int) {
	old := p.slots
	p.slots, p.used = make([]ref, slots), 0
	for i := range p.slots {
		p.slots[i] = noRef
	}
	for _, r := range old {
		if r != noRef {
			p.add(r)
		}
	}
}

func (p *pairs) mask() int { return len(p.slots) - 1 }

// find gives the row with that hash that is right, or noRef.
func (p *pairs) find(hash uint64, right func(ref) bool) ref {
	for at := int(hash) & p.mask(); ; at = (at + 1) & p.mask() {
		if r := p.slots[at]; r == noRef || right(r) {
			return r
		}
	}
}

// add takes in a row that is not there yet.
func (p *pairs) add(r ref) {
	if p.used*7 >= len(p.slots)*5 {
		p.resize(2 * len(p.slots))
	}
	at := int(p.hash(r)) & p.mask()
	for p.slots[at] != noRef {
		at = (at + 1) & p.mask()
	}
	p.slots[at] = r
	p.used++
}

// remove drops a row and moves those behind it up, so that no gap stands
// between a row and where its hash begins.
func (p *pairs) remove(r ref) {
	at := int(p.hash(r)) & p.mask()
	for p.slots[at] != r {
		if p.slots[at] == noRef {
			return
		}
		at = (at + 1) & p.mask()
	}
	for next := (at + 1) & p.mask(); p.slots[next] != noRef; next = (next + 1) & p.mask() {
		home := int(p.hash(p.slots[next])) & p.mask()
		if (next-home)&p.mask() >= (next-at)&p.mask() {
			p.slots[at] = p.slots[next]
			at = next
		}
	}
	p.slots[at] = noRef
	p.used--
}

// mixed is a hash of three numbers that are close to each other.
func mixed(seq, replay uint64, who uint32) uint64 {
	h := seq*0x9e3779b97f4a7c15 ^ replay*0xd6e8feb86659fd93 ^ uint64(who)*0xa0761d6478bd642f
	h ^= h >> 32
	h *= 0xe9846af9b1a615d5
	return h ^ h>>29
}
