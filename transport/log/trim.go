package log

import (
	"slices"

	"github.com/postrider/postrider/transport"
)

// elderShare is the part of the memory that elder may take: 1/elderShare.
const elderShare = 4

// bytes is about the memory of the table.
func (t *table) bytes() int {
	n := t.parties.bytes + t.types.bytes + t.reasons.bytes
	for which := range t.shelves {
		n += t.shelfBytes(which)
	}
	return n
}

func (t *table) shelfBytes(which int) (n int) {
	for _, c := range t.shelves[which].chunks {
		n += c.bytes()
	}
	return n
}

// trim drops the oldest chunks while the table takes more than limit bytes, and
// those whose deliveries are all from before oldest (unix milliseconds). What
// is not settled in them, or was given up, moves to elder. The chunk being
// filled stays.
func (t *table) trim(limit int, oldest int64) {
	for s := &t.shelves[recent]; len(s.chunks) > 1; {
		if s.chunks[0].last >= oldest && t.bytes() <= limit {
			break
		}
		t.retire()
	}
	for len(t.shelves[elder].chunks) > 1 && t.shelfBytes(elder) > limit/elderShare {
		t.forget(elder)
	}
}

// retire drops the oldest chunk of recent and keeps of it what elder is for.
func (t *table) retire() {
	c := t.shelves[recent].chunks[0]
	for i := range c.n {
		switch transport.DeliveryState(c.state[i]) {
		case transport.StateWaiting, transport.StateRetrying, transport.StateDeadLettered:
			t.keep(c, i)
		}
	}
	t.forget(recent)
}

// keep copies row i of c, which is about to be forgotten, to elder.
func (t *table) keep(c *chunk, i int) {
	e := t.open(elder)
	who, typ := t.parties.take(t.parties.values[c.who[i]]), t.types.take(t.types.values[c.typ[i]])
	reason := t.reasons.take(t.reasons.values[c.reason[i]])
	j := e.add(place(c.born[i]), c.sub[i], c.seq[i], c.replays[uint16(i)], c.since[i], who, typ, reason, string(c.eventID(i)))
	e.change[j], e.next[j], e.tries[j] = c.change[i], c.next[i], c.tries[i]
	e.status[j], e.state[j], e.class[j] = c.status[i], c.state[i], c.class[i]
	for _, at := range c.marks(i) {
		e.note(j, at)
	}
	t.pairs.add(t.last(elder))
}

// forget drops the oldest chunk of a shelf.
func (t *table) forget(which int) {
	s := &t.shelves[which]
	c := s.chunks[0]
	for i := range c.n {
		t.pairs.remove(ref(uint32(which)<<31 | s.base<<rowBits | uint32(i)))
		t.parties.drop(c.who[i])
		t.types.drop(c.typ[i])
		t.reasons.drop(c.reason[i])
	}
	t.pruned = max(t.pruned, c.last)
	s.chunks = slices.Delete(s.chunks, 0, 1)
	s.base = (s.base + 1) & (1<<chunkBits - 1)
}
