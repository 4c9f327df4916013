package recovery

import (
	"hash/maphash"
	"slices"

	"github.com/postrider/postrider/transport"
)

// age is where an entry was found: parked, or due when there may be records of
// it in the journal, or after that.
type age int

const (
	notDue age = iota
	dueLong
	dueYoung
)

func (t *Taking) age(at transport.Lying) age {
	switch {
	case !at.Due:
		return notDue
	case at.Stored.After(t.state.JournaledAt.Add(t.Margin)):
		return dueYoung
	}
	return dueLong
}

// entries notes the highest hop of each pair that may come back.
func (t *Taking) entries(s *transport.Segment, at transport.Lying) {
	age := t.age(at)
	for i := range s.Entries {
		t.entry(s.Endpoint, &s.Entries[i], age)
	}
	if age == notDue || len(s.Entries) == 0 {
		return
	}
	if t.due[s.Endpoint] == nil {
		t.due[s.Endpoint] = &spans{}
	}
	t.due[s.Endpoint].add(s.Entries)
}

func (t *Taking) entry(endpoint string, e *transport.Entry, age age) {
	pair := transport.Pair{Seq: e.Event.Seq, Endpoint: endpoint, Replay: e.Replay}
	t.reach(pair.Seq)
	if t.losses.any() {
		t.losses.lies(pair)
	}
	state, known := t.out.Pairs[pair]
	if !known {
		state.Hop, known = t.young.hop(pair)
	}
	switch {
	case known || age == dueLong || t.comesAgain(pair.Seq) || t.losses.whole:
	case age == dueYoung:
		t.young.note(pair, e.Hop)
		return
	default:
		return
	}
	if !known || e.Hop > state.Hop {
		state.Hop, state.Tries, state.Stored = e.Hop, slices.Clone(e.Tries), e.Event.Stored
	}
	t.out.Pairs[pair] = state
}

// comesAgain tells whether the event of a sequence will.
func (t *Taking) comesAgain(seq uint64) bool { return seq > t.out.Floor && !t.losses.gone(seq) }

// young are the hops of what came due so much later than the journal's last
// record that none can be of it, and is there once so far: hashes alone, since
// an overdue backlog may be long. Its pairs are kept where another message has
// them too.
type young struct {
	seed maphash.Seed
	hops map[uint64]uint32
}

func (y *young) hop(p transport.Pair) (uint32, bool) {
	hop, known := y.hops[maphash.Comparable(y.seed, p)]
	return hop, known
}

func (y *young) note(p transport.Pair, hop uint32) { y.hops[maphash.Comparable(y.seed, p)] = hop }

// Record takes one record of the journal in, in its order. It keeps nothing of
// it but texts.
func (t *Taking) Record(r *transport.Record) {
	if t.since.IsZero() {
		return
	}
	again := t.comesAgain(r.Seq)
	switch {
	case r.Kind == transport.Lost:
		if r.Reason == transport.StreamEvents {
			t.forget(r.Seq, r.To)
		}
	case r.Kind == transport.FanOut:
		if t.losses.counts(r) {
			t.losses.fanOut(r)
		}
		if again && r.Replay == 0 {
			t.fanOut(r)
		}
	case r.Endpoint == "":
		if again && r.Kind == transport.Skipped {
			t.out.Skipped[r.Seq] = transport.EventMark{Customer: r.Customer, Stored: r.Stored}
		}
	default:
		if t.losses.any() {
			t.losses.record(r)
		}
		t.outcome(r, again)
	}
}

// fanOut keeps an event's first one; a repeat is of a crash, unless it is
// another event's.
func (t *Taking) fanOut(r *transport.Record) {
	mark := transport.EventMark{Customer: r.Customer, Stored: r.Stored}
	if was, known := t.out.FanOuts[r.Seq]; known {
		if was.Customer == mark.Customer && was.Stored.Equal(mark.Stored) {
			return
		}
		t.forget(r.Seq, r.Seq)
	}
	t.out.FanOuts[r.Seq] = transport.EventFanOut{EventMark: mark, Endpoints: slices.Clone(r.Endpoints)}
}

func (t *Taking) outcome(r *transport.Record, again bool) {
	pair := transport.Pair{Seq: r.Seq, Endpoint: r.Endpoint, Replay: r.Replay}
	state, known := t.out.Pairs[pair]
	if known || again {
		advance(&state, r)
		t.out.Pairs[pair] = state
	}
}

// forget drops what the journal told of events whose numbers are others' now.
// What lies in DEFERRED of them stays: it has its event with it.
func (t *Taking) forget(from, to uint64) {
	t.losses.forget(from, to)
	for seq, f := range t.out.FanOuts {
		if seq < from || seq > to {
			continue
		}
		for _, id := range f.Endpoints {
			if pair := (transport.Pair{Seq: seq, Endpoint: id}); t.out.Pairs[pair].Hop == 0 {
				delete(t.out.Pairs, pair)
			}
		}
		delete(t.out.FanOuts, seq)
	}
	for seq := range t.out.Skipped {
		if seq >= from && seq <= to {
			delete(t.out.Skipped, seq)
		}
	}
}

// advance adds a record to what is known of its pair. Attempts are told by
// their number: those that the parked entry carries are in the journal too.
func advance(state *transport.PairState, r *transport.Record) {
	if state.Final {
		return
	}
	if r.Final() {
		*state = transport.PairState{Final: true, Hop: state.Hop, Stored: state.Stored}
		return
	}
	if r.Kind != transport.Tried || r.Number < len(state.Tries) {
		return
	}
	if r.Number > len(state.Tries) {
		state.Tries = append(state.Tries, transport.Try{At: r.At, Took: r.Answer.Took,
			Status: r.Answer.Status, Class: r.Answer.Class, Reason: r.Answer.Reason})
	}
	state.Next = r.NextAt
}
