package sim

import (
	"time"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
)

// recover takes the shard with the shipped recovery, which is given what it asks
// for from the modelled streams; nil where the node came to its end over it.
func (w *world) recover(n *node) *transport.Recovered {
	if !n.meanwhile() {
		return nil
	}
	t, state := recovery.NewTaking(), w.shardState()
	w.unseen = false
	t.Begin(state)
	for next := t.Next(); next.What != transport.ReadNothing; next = t.Next() {
		if !n.meanwhile() {
			return nil
		}
		w.read(t, &next)
	}
	r := t.Recovered()
	if !n.mend(r, &state) {
		return nil
	}
	w.filling = false
	return r
}

// shardState sets the consumers back and tells how the streams stand.
func (w *world) shardState() (s transport.ShardState) {
	s.Floor = w.log.toFloor()
	w.deferred.toFloor()
	if s.Floor < w.log.last() {
		s.NextAt = w.log.at(s.Floor + 1).event.Stored
	}
	for _, p := range w.deferred.all {
		if !p.gone && p.due {
			s.FirstDue, s.DueAt = p.seq, p.stored
			break
		}
	}
	s.DeferredLast, s.JournaledAt = w.deferred.seq, w.journal.last()
	s.Mark, s.DeferredFirst = w.deferred.mark, w.deferred.first()
	s.JournalLast = uint64(len(w.journal.batches))
	if s.EventsLast, s.Reached = w.log.last(), w.journal.reached; s.EventsLast > 0 {
		s.OldAt = w.log.at(s.EventsLast).event.Stored
	}
	if at := s.Reached.Event; at > 0 && at <= s.EventsLast {
		s.ReachedAt = w.log.at(at).event.Stored
	}
	return s
}

// meanwhile lets others do what they do while the shard is being taken, and waits
// while the node is frozen; false where it came to its end.
func (n *node) meanwhile() bool {
	w := n.w
	if w.dice.one(4) {
		w.pass(w.now + w.dice.between(time.Millisecond, 300*time.Millisecond))
	}
	for n.alive && (n.frozen || n.away()) && w.breach == nil {
		w.pass(w.now + 20*time.Millisecond)
	}
	return n.alive && w.breach == nil
}

func (w *world) read(t *recovery.Taking, next *transport.Reading) {
	asked := map[transport.ParkedSegment]bool{}
	for _, p := range next.Segments {
		asked[p] = true
	}
	for _, p := range w.deferred.all {
		wanted := false
		switch next.What {
		case transport.ReadDeferred:
			wanted = p.seq >= next.From
		case transport.ReadDue:
			wanted = p.due && p.seq >= next.From
		case transport.ReadSegments:
			wanted = !p.due && asked[p.name]
		}
		if wanted && !p.gone {
			seg := p.segment()
			t.Segment(seg, transport.Lying{Seq: p.seq, Stored: p.stored, Due: p.due})
		}
	}
	switch next.What {
	case transport.ListParked, transport.ListDue:
		for _, p := range w.deferred.named(next.What == transport.ListDue) {
			t.Listed(&p.name, p.messages)
		}
	case transport.ReadJournal:
		w.journal.since(next.Since, t.Record)
	}
}

// named are the names of what lies in DEFERRED, each with how many messages
// have it, in the order of their first ones.
func (d *deferred) named(due bool) (all []named) {
	places := map[transport.ParkedSegment]int{}
	for _, p := range d.all {
		if p.gone || p.due != due {
			continue
		}
		i, known := places[p.name]
		if !known {
			i = len(all)
			places[p.name], all = i, append(all, named{name: p.name})
		}
		all[i].messages++
	}
	return all
}

type named struct {
	name     transport.ParkedSegment
	messages uint64
}
