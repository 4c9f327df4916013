package log

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

var errSnapshot = errors.New("it is no snapshot of this version")

// reader reads until the first error, and believes nothing: what it gives back
// without an error can be used without another check.
type reader struct {
	r   io.Reader
	err error
}

func (r *reader) get(into ...any) {
	for _, v := range into {
		if r.err == nil {
			r.err = binary.Read(r.r, binary.LittleEndian, v)
		}
	}
}

// want notes what must hold.
func (r *reader) want(ok bool) {
	if r.err == nil && !ok {
		r.err = errSnapshot
	}
}

func (r *reader) number() (n uint32) {
	r.get(&n)
	return n
}

// atOnce is what is made room for before it is known to be there.
const atOnce = 2 << 20

func (r *reader) bytes(n uint32) []byte {
	if r.err != nil {
		return nil
	}
	if n <= atOnce {
		b := make([]byte, n)
		_, r.err = io.ReadFull(r.r, b)
		return b
	}
	b, err := io.ReadAll(io.LimitReader(r.r, int64(n)))
	if r.err = err; len(b) != int(n) {
		r.want(false)
	}
	return b
}

func (r *reader) text() string {
	var n uint16
	r.get(&n)
	r.want(n <= maxText)
	return string(r.bytes(uint32(n)))
}

func (r *reader) table(rows int) (at transport.JournalPosition, t *table) {
	t = newTable(rows)
	r.want(string(r.bytes(uint32(len(snapshotMagic)))) == snapshotMagic)
	var unix int64
	var nano uint32
	at.Journal = r.text()
	r.get(&at.Seq, &unix, &nano, &t.pruned)
	at.At = time.Unix(unix, int64(nano)).UTC()
	readNames(r, t.parties, func() party { return party{r.text(), r.text()} })
	readNames(r, t.types, r.text)
	readNames(r, t.reasons, r.text)
	for which := range t.shelves {
		for range r.number() {
			c := r.chunk(t)
			if r.err != nil {
				return at, nil
			}
			t.shelves[which].chunks = append(t.shelves[which].chunks, c)
			t.adopt(c, which)
		}
	}
	t.parties.tidy()
	t.types.tidy()
	t.reasons.tidy()
	return at, t
}

// readNames fills n with values that nothing uses yet.
func readNames[K comparable](r *reader, n *names[K], value func() K) {
	for range r.number() {
		v := value()
		if r.err != nil {
			return
		}
		n.values, n.uses = append(n.values, v), append(n.uses, 0)
	}
}

// tidy makes the map of the values in use, and frees the numbers of the rest.
func (n *names[K]) tidy() {
	var none K
	for i, v := range n.values {
		if n.uses[i] == 0 {
			n.values[i] = none
			n.free = append(n.free, uint32(i))
			continue
		}
		n.numbers[v] = uint32(i)
		n.bytes += nameBytes + n.text(v)
	}
}

// adopt counts what the rows of a chunk just put on a shelf use, and makes them
// found.
func (t *table) adopt(c *chunk, which int) {
	newest := t.last(which)
	for i := range c.n {
		t.parties.uses[c.who[i]]++
		t.types.uses[c.typ[i]]++
		t.reasons.uses[c.reason[i]]++
		t.pairs.add(newest - ref(c.n-1-i))
	}
}

func (r *reader) chunk(t *table) *chunk {
	n := r.number()
	if r.want(n > 0 && n <= uint32(t.rows)); r.err != nil {
		return nil
	}
	c := newChunk(t.rows)
	c.n = int(n)
	r.get(c.columns(c.n)...)
	for range r.number() {
		var i uint16
		var replay uint64
		if r.get(&i, &replay); r.err != nil {
			return nil
		}
		r.want(uint32(i) < n && replay != 0)
		c.replays[i] = replay
	}
	c.ids = r.bytes(r.number())
	r.trail(c)
	if r.err == nil {
		r.rows(c, t)
	}
	return c
}

func (r *reader) trail(c *chunk) {
	n := r.number()
	places := r.bytes(saturated(n, 8))
	prevs := r.bytes(saturated(n, 4))
	if r.err != nil {
		return
	}
	c.trail = make([]mark, n)
	for i := range c.trail {
		c.trail[i] = mark{place(binary.LittleEndian.Uint64(places[8*i:])), binary.LittleEndian.Uint32(prevs[4*i:])}
		r.want(c.trail[i].prev <= uint32(i))
	}
}

// saturated is n*size, or more than any file has.
func saturated(n, size uint32) uint32 {
	return uint32(min(uint64(n)*uint64(size), 1<<32-1))
}

// rows checks what the columns point at, and finds the chunk's times.
func (r *reader) rows(c *chunk, t *table) {
	for i := range c.n {
		end := uint64(c.id[i]) + 2
		if r.want(end <= uint64(len(c.ids))); r.err != nil {
			return
		}
		end += uint64(binary.LittleEndian.Uint16(c.ids[c.id[i]:]))
		r.want(end <= uint64(len(c.ids)) && c.head[i] <= uint32(len(c.trail)) &&
			c.who[i] < uint32(len(t.parties.values)) && c.typ[i] < uint32(len(t.types.values)) && c.reason[i] < uint32(len(t.reasons.values)) &&
			c.state[i] >= uint8(transport.StateWaiting) && c.state[i] <= uint8(transport.StateSkipped))
	}
	c.first, c.last = slices.Min(c.since[:c.n]), slices.Max(c.since[:c.n])
}
