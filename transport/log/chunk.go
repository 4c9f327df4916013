package log

import (
	"encoding/binary"
	"slices"

	"github.com/postrider/postrider/transport"
)

// maxRows bounds a chunk, so that a row's number fits in rowBits and no ref
// has all its bits set.
const (
	rowBits = 12
	maxRows = 1<<rowBits - 1
)

// place is where in the journal something was told: the message's sequence and
// the record's number in it.
type place uint64

const numberBits = 16

func placeOf(seq uint64, number int) place { return place(seq<<numberBits | uint64(number)) }

func (p place) seq() uint64 { return uint64(p) >> numberBits }
func (p place) number() int { return int(p & (1<<numberBits - 1)) }

// mark is one record of a row after its first, and the number of the one
// before it, counted from 1; 0: there is none.
type mark struct {
	at   place
	prev uint32
}

// chunk is some rows, one for each delivery, a column for each field, in the
// order in which the journal told of them first.
type chunk struct {
	n int

	seq    []uint64
	born   []uint64 // the place of the first record
	sub    []uint32 // which of the deliveries that began there
	since  []int64  // unix milliseconds
	change []uint32 // milliseconds after since
	next   []uint32 // milliseconds after since; 0: none
	who    []uint32 // number of the customer and endpoint
	typ    []uint32
	reason []uint32
	id     []uint32 // where in ids the event's id is
	head   []uint32 // newest mark, counted from 1
	tries  []uint16
	status []uint16
	state  []uint8
	class  []uint8

	// replays are those of the rows that have one.
	replays map[uint16]uint64
	ids     []byte // each with its length before it, two bytes
	trail   []mark
	// The rows' least and greatest since.
	first, last int64
}

func newChunk(rows int) *chunk {
	return &chunk{
		seq: make([]uint64, rows), born: make([]uint64, rows), sub: make([]uint32, rows), since: make([]int64, rows),
		change: make([]uint32, rows), next: make([]uint32, rows), who: make([]uint32, rows), typ: make([]uint32, rows),
		reason: make([]uint32, rows), id: make([]uint32, rows), head: make([]uint32, rows), tries: make([]uint16, rows),
		status: make([]uint16, rows), state: make([]uint8, rows), class: make([]uint8, rows),
		replays: map[uint16]uint64{},
	}
}

const (
	rowBytes    = 8 + 8 + 4 + 8 + 4 + 4 + 4 + 4 + 4 + 4 + 4 + 2 + 2 + 1 + 1
	refBytes    = 8 // of pairs, on average
	markBytes   = 16
	replayBytes = 32
)

// bytes is the memory that the chunk takes.
func (c *chunk) bytes() int {
	return len(c.seq)*(rowBytes+refBytes) + cap(c.ids) + cap(c.trail)*markBytes + len(c.replays)*replayBytes
}

func (c *chunk) full() bool { return c.n == len(c.seq) }

// add makes a row for a delivery; the caller has taken who and typ for it.
func (c *chunk) add(at place, sub uint32, seq, replay uint64, since int64, who, typ, reason uint32, eventID string) int {
	i := c.n
	c.n++
	c.seq[i], c.born[i], c.sub[i], c.since[i] = seq, uint64(at), sub, since
	c.who[i], c.typ[i], c.reason[i] = who, typ, reason
	c.state[i] = uint8(transport.StateWaiting)
	if replay != 0 {
		c.replays[uint16(i)] = replay
	}
	c.keepID(i, eventID)
	if i == 0 {
		c.first, c.last = since, since
	}
	c.first, c.last = min(c.first, since), max(c.last, since)
	return i
}

// keepID shares the id of the row before, which mostly is the same event's.
func (c *chunk) keepID(i int, id string) {
	if i > 0 && c.seq[i-1] == c.seq[i] && string(c.eventID(i-1)) == id {
		c.id[i] = c.id[i-1]
		return
	}
	id = id[:min(len(id), 1<<16-1)]
	c.id[i] = uint32(len(c.ids))
	c.ids = grown(c.ids, 2+len(id), len(c.seq)*16)
	c.ids = append(binary.LittleEndian.AppendUint16(c.ids, uint16(len(id))), id...)
}

// eventID is the row's event id; it must not be changed.
func (c *chunk) eventID(i int) []byte {
	at := c.id[i]
	n := uint32(binary.LittleEndian.Uint16(c.ids[at:]))
	return c.ids[at+2 : at+2+n]
}

// note adds a mark to row i.
func (c *chunk) note(i int, at place) {
	c.trail = grown(c.trail, 1, len(c.seq)/4)
	c.trail = append(c.trail, mark{at, c.head[i]})
	c.head[i] = uint32(len(c.trail))
}

// grown makes room for more in steps: doubling would leave half of it unused.
func grown[T any](s []T, more, step int) []T {
	if len(s)+more <= cap(s) {
		return s
	}
	return slices.Grow(s, max(more, step))
}

// marks gives row i's records after its first, oldest first.
func (c *chunk) marks(i int) []place {
	var all []place
	for m := c.head[i]; m != 0; m = c.trail[m-1].prev {
		all = append(all, c.trail[m-1].at)
	}
	slices.Reverse(all)
	return all
}

// follows tells whether row i is behind a place of the list, newest first.
func (c *chunk) follows(i int, at place, sub uint32) bool {
	born := place(c.born[i])
	return born < at || born == at && c.sub[i] < sub
}
