package log

import (
	"math"
	"time"

	"github.com/postrider/postrider/transport"
)

// party is who a delivery is for.
type party struct{ customer, endpoint string }

// The shelves: what is told of every delivery, and what is kept of older ones
// because it is not settled or was given up.
const (
	recent = iota
	elder

	chunkBits = 31 - rowBits
)

// shelf is chunks in order of their rows' births, oldest first.
type shelf struct {
	// base is the number of the first chunk; numbers run round.
	base   uint32
	chunks []*chunk
}

// table is the rows of all deliveries, those of elder being older than those
// of recent. It is not safe for concurrent use.
type table struct {
	rows    int // of a chunk
	shelves [2]shelf
	pairs   *pairs
	parties *names[party]
	types   *names[string]
	reasons *names[string]
	// pruned: deliveries since then or before may have been dropped, in unix
	// milliseconds; 0: none was.
	pruned int64
	// touched are the rows that came or changed, while watched.
	touched []ref
	watched bool
}

func newTable(rows int) *table {
	t := &table{rows: rows}
	text := func(s string) int { return len(s) }
	t.pairs = newPairs(t.hash)
	t.parties = newNames(func(p party) int { return len(p.customer) + len(p.endpoint) })
	t.types, t.reasons = newNames(text), newNames(text)
	return t
}

func (t *table) row(r ref) (*chunk, int) {
	s := &t.shelves[r>>31]
	number := uint32(r) >> rowBits & (1<<chunkBits - 1)
	return s.chunks[(number-s.base)&(1<<chunkBits-1)], int(r & (1<<rowBits - 1))
}

// last gives the ref of the newest row of a shelf.
func (t *table) last(which int) ref {
	s := &t.shelves[which]
	at := len(s.chunks) - 1
	number := (s.base + uint32(at)) & (1<<chunkBits - 1)
	return ref(uint32(which)<<31 | number<<rowBits | uint32(s.chunks[at].n-1))
}

func (t *table) hash(r ref) uint64 {
	c, i := t.row(r)
	return mixed(c.seq[i], c.replays[uint16(i)], c.who[i])
}

// find gives the row of a delivery, noRef where there is none.
func (t *table) find(seq, replay uint64, who uint32) ref {
	return t.pairs.find(mixed(seq, replay, who), func(r ref) bool {
		c, i := t.row(r)
		return c.seq[i] == seq && c.who[i] == who && c.replays[uint16(i)] == replay
	})
}

// count is the number of rows.
func (t *table) count() int { return t.pairs.used }

// open gives the shelf's chunk that takes the next row.
func (t *table) open(which int) *chunk {
	s := &t.shelves[which]
	if n := len(s.chunks); n > 0 && !s.chunks[n-1].full() {
		return s.chunks[n-1]
	}
	s.chunks = append(s.chunks, newChunk(t.rows))
	return s.chunks[len(s.chunks)-1]
}

// record takes in one record of the journal.
func (t *table) record(at place, r *transport.Record) {
	switch r.Kind {
	case transport.Lost: // of no delivery
		return
	case transport.FanOut:
		for i, endpoint := range r.Endpoints {
			t.begin(at, uint32(i), r, endpoint)
		}
		return
	}
	row := t.begin(at, 0, r, r.Endpoint)
	c, i := t.row(row)
	c.note(i, at)
	t.advance(c, i, r)
	t.touch(row)
}

func (t *table) touch(r ref) {
	if t.watched {
		t.touched = append(t.touched, r)
	}
}

// begin gives the row of the pair that r tells of, a new one where there is none.
func (t *table) begin(at place, sub uint32, r *transport.Record, endpoint string) ref {
	p := party{r.Customer, endpoint}
	who, known := t.parties.numbers[p]
	if known {
		if found := t.find(r.Seq, r.Replay, who); found != noRef {
			return found
		}
	} else {
		who = t.parties.number(p)
	}
	t.parties.uses[who]++
	typ, reason := t.types.take(r.EventType), t.reasons.take("")
	t.open(recent).add(at, sub, r.Seq, r.Replay, millis(r.At), who, typ, reason, r.EventID)
	added := t.last(recent)
	t.pairs.add(added)
	t.touch(added)
	return added
}

// advance changes row i by a record of its pair. What has an outcome keeps it:
// a later record is a crash's repeat, and counted.
func (t *table) advance(c *chunk, i int, r *transport.Record) {
	settled := transport.DeliveryState(c.state[i]).Settled()
	reason := r.Reason
	if r.Kind == transport.Tried {
		c.tries[i] += uint16(min(1, math.MaxUint16-int(c.tries[i])))
		reason = r.Answer.Reason
	}
	if settled {
		return
	}
	c.change[i] = after(c.since[i], r.At.Add(r.Answer.Took)) // an attempt's record is made at its end
	c.next[i] = 0
	switch r.Kind {
	case transport.Tried:
		c.class[i], c.status[i] = uint8(r.Answer.Class), uint16(min(max(r.Answer.Status, 0), math.MaxUint16))
		c.state[i] = uint8(transport.StateRetrying)
		if r.Answer.Class == transport.Delivered {
			c.state[i] = uint8(transport.StateDelivered)
		} else if !r.NextAt.IsZero() {
			c.next[i] = max(after(c.since[i], r.NextAt), 1)
		}
	case transport.Skipped:
		c.state[i] = uint8(transport.StateSkipped)
	case transport.DeadLettered:
		c.state[i] = uint8(transport.StateDeadLettered)
	}
	if t.reasons.values[c.reason[i]] != reason {
		t.reasons.drop(c.reason[i])
		c.reason[i] = t.reasons.take(reason)
	}
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// after is how many milliseconds t lies after since, at most 49 days.
func after(since int64, t time.Time) uint32 {
	return uint32(min(max(millis(t)-since, 0), math.MaxUint32))
}
