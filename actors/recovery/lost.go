package recovery

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/postrider/postrider/transport"
)

// lostTails compares how far the streams go with what others tell of them.
func lostTails(s *transport.ShardState) (lost []transport.LostTail) {
	add := func(stream string, from, to uint64) {
		if from <= to {
			lost = append(lost, transport.LostTail{Stream: stream, From: from, To: to})
		}
	}
	overtaken := !s.ReachedAt.IsZero() && !s.Reached.EventStored.IsZero() && !s.ReachedAt.Equal(s.Reached.EventStored)
	if s.Reached.Event > s.EventsLast || overtaken {
		from := s.EventsLast + 1
		if s.NewFrom > 0 {
			from = s.NewFrom
		}
		add(transport.StreamEvents, min(from, s.Reached.Event), s.Reached.Event)
	}
	add(transport.StreamDeferred, s.DeferredLast+1, s.Reached.Deferred)
	add(transport.StreamAttempts, s.JournalLast+1, s.Reached.Journal)
	return lost
}

// losses are what is to be made good, and what is known towards it: what
// fan-outs owe that no record has ended and nothing parks.
type losses struct {
	// Events from From to To (0: none) are gone; what the journal has of them is
	// of none that EVENTS has now.
	from, to uint64
	// whole: DEFERRED or the journal lost its end, so that any pair may lie nowhere,
	// or be parked as it was before.
	whole bool

	seed maphash.Seed
	open map[transport.Pair]*transport.OwedPair
	// before are those of events that the journal says were lost before: where
	// they were parked, and the record of their end is lost, they are nowhere.
	before map[transport.Pair]*transport.OwedPair
	fanned map[uint64]uint64   // a bit for each event whose fan-out was met
	parked map[uint64]struct{} // hashes of pairs that lie in DEFERRED
}

func newLosses(seed maphash.Seed, lost []transport.LostTail, whole bool) *losses {
	l := &losses{whole: whole, seed: seed, open: map[transport.Pair]*transport.OwedPair{},
		before: map[transport.Pair]*transport.OwedPair{}, fanned: map[uint64]uint64{}, parked: map[uint64]struct{}{}}
	for _, one := range lost {
		if one.Stream == transport.StreamEvents {
			l.from, l.to = one.From, one.To
		} else {
			l.whole = true
		}
	}
	return l
}

func (l *losses) any() bool { return l.whole || l.to > 0 }

// gone tells whether EVENTS has lost the event that had the sequence.
func (l *losses) gone(seq uint64) bool { return l.to > 0 && seq >= l.from && seq <= l.to }

// counts tells of a record whether its pair may lie nowhere.
func (l *losses) counts(r *transport.Record) bool {
	return l.whole || l.gone(r.Seq) && r.Replay == 0
}

func (l *losses) fanOut(r *transport.Record) {
	if word, bit := r.Seq>>6, uint64(1)<<(r.Seq&63); r.Replay == 0 {
		if l.fanned[word]&bit != 0 {
			return // of a crash
		}
		l.fanned[word] |= bit
	}
	for _, id := range r.Endpoints {
		p := transport.Pair{Seq: r.Seq, Endpoint: id, Replay: r.Replay}
		l.open[p] = &transport.OwedPair{Pair: p, EventMark: transport.EventMark{Customer: r.Customer, Stored: r.Stored},
			EventID: r.EventID, EventType: r.EventType}
	}
}

func (l *losses) record(r *transport.Record) {
	pair := transport.Pair{Seq: r.Seq, Endpoint: r.Endpoint, Replay: r.Replay}
	from := l.open
	if from[pair] == nil {
		from = l.before
	}
	owed := from[pair]
	if owed == nil {
		return
	}
	if r.Final() {
		delete(from, pair)
		return
	}
	st := transport.PairState{Tries: owed.Tries, Next: owed.Next}
	advance(&st, r)
	owed.Tries, owed.Next = st.Tries, st.Next
}

// forget sets aside what is known of events that were lost before: the journal
// says so behind that, and what follows may be of others that have their numbers.
// All that was owed of them and not parked was given up then.
func (l *losses) forget(from, to uint64) {
	for pair, one := range l.open {
		if pair.Seq >= from && pair.Seq <= to && pair.Replay == 0 {
			l.before[pair] = one
			delete(l.open, pair)
		}
	}
	for word := from >> 6; word <= to>>6; word++ {
		if l.fanned[word] == 0 {
			continue
		}
		for seq := max(from, word<<6); seq <= min(to, word<<6|63); seq++ {
			l.fanned[word] &^= 1 << (seq & 63)
		}
	}
}

func (l *losses) lies(p transport.Pair) { l.parked[maphash.Comparable(l.seed, p)] = struct{}{} }

// nowhere sorts what neither ended nor is parked, in the order of the log: what
// is to be parked anew, since neither its event comes again nor the message that a
// replay is by itself; what was owed of events that are gone; and what is owed of
// events above the floor, which come again where the log has them.
func (l *losses) nowhere(floor uint64) (owed, gone, above []transport.OwedPair) {
	for pair, one := range l.open {
		if _, parked := l.parked[maphash.Comparable(l.seed, pair)]; parked {
			continue
		}
		switch {
		case pair.Replay != 0:
			owed = append(owed, *one)
		case l.gone(pair.Seq):
			gone = append(gone, *one)
		case pair.Seq > floor:
			above = append(above, *one)
		default:
			owed = append(owed, *one)
		}
	}
	for pair, one := range l.before {
		if _, parked := l.parked[maphash.Comparable(l.seed, pair)]; !parked && l.whole {
			gone = append(gone, *one)
		}
	}
	slices.SortFunc(owed, compareOwed)
	slices.SortFunc(gone, compareOwed)
	slices.SortFunc(above, compareOwed)
	return owed, gone, above
}

func compareOwed(a, b transport.OwedPair) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Replay, b.Replay), cmp.Compare(a.Endpoint, b.Endpoint))
}
