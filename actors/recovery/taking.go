package recovery

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// Margin is how much earlier than needed the journal's reading begins, and how
// much younger than its end a due message may be and have a record: the
// server's clock may have been set back meanwhile.
const Margin = time.Minute

// Taking is one taking of a shard. Begin is first; then what Next asks for is
// read and given in, until it asks for nothing.
//
// The journal is read from a minute before the oldest message that will come
// again: no record of it can be older. Kept are pairs of events above the floor,
// and pairs whose due message was not acked; nothing else can come back. A pair
// that was parked and never tried is met by its event, above the floor, or by
// its due message. A schedule that the server fires a second time around a
// kill -9 shows by what was parked again of it, and by its segment's name; where
// it fires after this, and its first copy was settled before, the pair may be
// sent again.
//
// A stream that lost its end (a power cut without sync, a copy put back) is
// found by what others tell of it. EVENTS: its lost numbers are given to nobody
// again, and what was owed of them and is not parked is gone. DEFERRED, or the
// journal: all of both is read, and what fan-outs owe and nothing ended or parks
// is to be parked anew; what the journal no longer tells is done again, never left.
// So it is read at each start while a message of DEFERRED is there that a copy put
// back: it may tell of less than has been done since.
type Taking struct {
	// Margin is the constant, but in tests.
	Margin time.Duration

	state  transport.ShardState
	out    *transport.Recovered
	since  time.Time // of the oldest message that comes again, less the margin
	losses *losses
	asked  transport.Readable
	step   int

	read   uint64 // up to here nothing of DEFERRED is due that was not read
	due    map[string]*spans
	needed []transport.ParkedSegment
	young  young

	seed  maphash.Seed
	names map[uint64]struct{} // of segments that were counted
	old   bool                // there are some that a version wrote that did not count
}

// NewTaking gives a Taking.
func NewTaking() *Taking {
	seed := maphash.MakeSeed()
	return &Taking{Margin: Margin, due: map[string]*spans{}, names: map[uint64]struct{}{}, seed: seed,
		young: young{seed: seed, hops: map[uint64]uint32{}},
		out: &transport.Recovered{
			FanOuts: map[uint64]transport.EventFanOut{},
			Pairs:   map[transport.Pair]transport.PairState{},
			Skipped: map[uint64]transport.EventMark{},
			Parked:  map[string]transport.Parked{},
		}}
}

// Begin tells how the streams stand.
func (t *Taking) Begin(s transport.ShardState) {
	t.state, t.out.Floor, t.read = s, s.Floor, s.DeferredLast
	t.out.Lost = lostTails(&s)
	whole, mark := readMark(&s, slices.ContainsFunc(t.out.Lost, func(l transport.LostTail) bool { return l.Stream == transport.StreamDeferred }))
	t.out.Mark = mark
	t.losses = newLosses(t.seed, t.out.Lost, whole)
	t.reach(max(s.Floor, s.Reached.Event))
	for _, at := range []time.Time{s.NextAt, s.DueAt} {
		if !at.IsZero() && (t.since.IsZero() || at.Before(t.since)) {
			t.since = at
		}
	}
	if !t.since.IsZero() {
		t.since = t.since.Add(-t.Margin)
	}
	if t.losses.any() {
		t.sinceLost()
	}
}

// beginning is before any record.
var beginning = time.Unix(1, 0)

// sinceLost has the journal read from where it may tell of what is lost: of
// events that are gone, from the last one before them; of pairs that may lie
// nowhere, whole.
func (t *Taking) sinceLost() {
	from := beginning
	if !t.losses.whole && !t.state.OldAt.IsZero() {
		from = t.state.OldAt.Add(-t.Margin)
	}
	if t.since.IsZero() || from.Before(t.since) {
		t.since = from
	}
}

// reach notes a sequence that no event may get any more.
func (t *Taking) reach(seq uint64) {
	if seq > t.state.EventsLast {
		t.out.FillFrom, t.out.FillTo = t.state.EventsLast+1, max(t.out.FillTo, seq)
	}
}

// Next is what is to be read next. What is due is read first, with all that
// lies behind it: what is parked again of it, and has perhaps come due since,
// does. Then what is parked, where its name tells that it may hold pairs of
// events above the floor, or that are due; then what came due meanwhile; and
// the journal last, so that every pair is known by then that records are kept of.
func (t *Taking) Next() transport.Reading {
	for {
		t.step++
		if r, more := t.reading(); r.What != transport.ReadNothing || !more {
			t.asked = r.What
			return r
		}
	}
}

func (t *Taking) reading() (r transport.Reading, more bool) {
	again := !t.since.IsZero()
	switch t.step {
	case 1:
		switch {
		case t.losses.whole:
			r = transport.Reading{What: transport.ReadDeferred, From: 1}
		case again && t.state.FirstDue > 0:
			r = transport.Reading{What: transport.ReadDeferred, From: t.state.FirstDue}
		}
	case 2:
		for _, s := range t.due {
			s.sort()
		}
		r.What = transport.ListParked
	case 3:
		if len(t.needed) > 0 {
			r = transport.Reading{What: transport.ReadSegments, Segments: t.needed}
		}
	case 4:
		r.What, t.needed = transport.ListDue, nil
	case 5:
		if again {
			r = transport.Reading{What: transport.ReadDue, From: t.read + 1}
		}
	case 6:
		if t.old {
			r.What = transport.CountSegments
		}
	case 7:
		if since := t.journalSince(); !since.IsZero() {
			r = transport.Reading{What: transport.ReadJournal, Since: since}
		}
	default:
		return r, false
	}
	return r, true
}

// journalSince is where the reading of the journal begins; zero: it is not read.
func (t *Taking) journalSince() time.Time {
	if ids := t.state.SeenSince; !ids.IsZero() && (t.since.IsZero() || ids.Before(t.since)) {
		return ids
	}
	return t.since
}

// Segment takes a segment in that was asked for.
func (t *Taking) Segment(s *transport.Segment, at transport.Lying) {
	if t.asked == transport.CountSegments {
		t.countRead(s)
		return
	}
	if t.asked == transport.ReadDeferred {
		t.read = max(t.read, at.Seq)
	}
	t.entries(s, at)
}

// Listed takes in the name of what lies in DEFERRED, and how many messages have it.
func (t *Taking) Listed(p *transport.ParkedSegment, messages uint64) {
	t.count(p, messages)
	if last, known := p.Last(); known {
		t.reach(last)
	}
	if t.asked == transport.ListParked && !t.since.IsZero() && t.mayHoldWhatComes(p) {
		t.needed = append(t.needed, *p)
	}
}

// mayHoldWhatComes tells of a parked segment by its name whether any of its
// pairs may come back without it: as an event above the floor, or as something
// that is due, whose schedule fires a second time after a kill.
func (t *Taking) mayHoldWhatComes(p *transport.ParkedSegment) bool {
	last, known := p.Last()
	return p.Endpoint != "" && !t.losses.whole && (!known || last > t.out.Floor || t.losses.gone(last) || t.due[p.Endpoint].meets(p.First.Seq, last))
}

// Recovered is what was found; it is no more the Taking's.
func (t *Taking) Recovered() *transport.Recovered {
	t.out.Owed, t.out.Gone, t.out.Above = t.losses.nowhere(t.out.Floor)
	return t.out
}
