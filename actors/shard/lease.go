package shard

import (
	"fmt"
	"slices"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// maxPanics is how often one event may break whoever handles it.
const maxPanics = 3

// arrived makes the leases of one message. A panic over it costs that message
// alone: it is handed back, and buried the third time.
func (s *Shard) arrived(a *arrival) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(a, v)
		}
	}()
	if a.due != nil {
		s.dueArrived(a)
		return
	}
	s.eventArrived(a)
}

func (s *Shard) eventArrived(a *arrival) {
	ev := a.event
	s.taken.take(ev.Seq, s.o.Deps.Now())
	defer s.letGo()
	if s.events[ev.Seq] != nil {
		s.fresh.release(1, a.bytes) // a copy of what is in hand
		return
	}
	s.routed.Store(max(s.routed.Load(), ev.Seq))
	if skipped, known := s.recovered.Skipped[ev.Seq]; s.settled.has(ev.Seq) || known && skipped.Fits(ev) {
		s.drop(a, 1)
		return
	}
	if s.draining {
		s.fresh.release(1, a.bytes)
		a.handle.Nak()
		return
	}
	ids, known := s.fanOut(ev)
	if !known && ev.DuplicateOf != 0 {
		s.skipEvent(a, transport.ReasonDuplicate)
		return
	}
	var untold []string
	if !known {
		ids, untold = s.routes.match(ev)
	}
	s.o.Routed(ev, len(ids))
	if len(ids) == 0 {
		s.settled.add(ev.Seq)
		s.drop(a, 1)
		return
	}
	s.fresh.add(len(ids) - 1)
	h := s.hold(a, ev.Seq, len(ids))
	if !known {
		s.recordFanOut(ev, 0, ids)
	}
	s.leaseEvent(h, ev, ids)
	if !known && len(h.leases) < len(ids) { // others ended, or wait in DEFERRED: the ack would not wait for the fan-out
		h.leases = append(h.leases, s.eventOnly(h, ev))
	}
	s.give(h, untold)
}

// fanOut is to whom an event went before. That of another event, which had its
// sequence in a log that lost its end, is not believed.
func (s *Shard) fanOut(ev *transport.Event) (ids []string, known bool) {
	f, known := s.recovered.FanOuts[ev.Seq]
	if known && !f.Fits(ev) {
		delete(s.recovered.FanOuts, ev.Seq)
		return nil, false
	}
	return f.Endpoints, known
}

// state is what is known of the pair of ev.
func (s *Shard) state(p transport.Pair, ev *transport.Event) (st transport.PairState, known bool) {
	st, known = s.recovered.Pairs[p]
	return st, known && st.Fits(ev)
}

func (s *Shard) leaseEvent(h *held, ev *transport.Event, ids []string) {
	h.leases = make([]*handed, 0, len(ids))
	block := make([]handed, len(ids)) // one piece of memory: they go together
	for i, id := range ids {
		pair := transport.Pair{Seq: ev.Seq, Endpoint: id}
		l := &block[i]
		l.Pair, l.Event, l.Owner, l.Mark, l.of = pair, ev, s, l, h
		if st, ok := s.state(pair, ev); ok {
			if st.Final || st.Hop > 0 {
				continue // ended, or parked: it comes back from there
			}
			l.Tries, l.Due = slices.Clip(st.Tries), st.Next
		}
		h.leases = append(h.leases, l)
	}
}

func (s *Shard) dueArrived(a *arrival) {
	seg := a.due
	n := len(seg.Entries)
	if s.dues[seg.Seq] != nil {
		s.back.release(n, a.bytes)
		return
	}
	if s.settledIn.has(seg.Seq) {
		s.tellGone(seg.Endpoint, s.goneOf(seg, seg.Seq)...)
		s.drop(a, n)
		return
	}
	if s.draining {
		s.back.release(n, a.bytes)
		a.handle.Nak()
		return
	}
	first, copyOf := s.segments.note(seg)
	if copyOf != 0 { // its schedule was fired twice
		s.tellGone(seg.Endpoint, s.goneOf(seg, copyOf)...)
		s.drop(a, n)
		return
	}
	h := s.hold(a, seg.Seq, n)
	h.endpoint, h.leases = seg.Endpoint, make([]*handed, 0, n)
	if first {
		s.returned(seg)
	}
	for i := range seg.Entries {
		if l := s.entryLease(h, seg.Endpoint, &seg.Entries[i]); l != nil {
			h.leases = append(h.leases, l)
		}
	}
	s.tellGone(h.endpoint, h.gone...)
	s.give(h, nil)
}

// entryLease makes the lease of a parked entry; nil where the pair ended
// meanwhile, or was parked again.
func (s *Shard) entryLease(h *held, id string, e *transport.Entry) *handed {
	l := &handed{of: h, Lease: endpoint.Lease{
		Pair:  transport.Pair{Seq: e.Event.Seq, Endpoint: id, Replay: e.Replay},
		Event: e.Event, Tries: e.Tries, Hop: e.Hop, Due: e.Due, Owner: s,
	}}
	l.Mark = l
	if st, ok := s.state(l.Pair, e.Event); ok {
		if st.Final || st.Hop > e.Hop {
			h.gone = append(h.gone, goneWith(&l.Lease))
			return nil
		}
		if len(st.Tries) > len(l.Tries) {
			l.Tries, l.Due = slices.Clip(st.Tries), st.Next
		}
	}
	if e.Replay != 0 && len(e.Tries) == 0 {
		s.recordFanOut(e.Event, e.Replay, []string{id})
	}
	return l
}

// give hands the leases of h to their endpoints; one whose event has lost its
// data is buried, and one whose endpoint is among the untold is skipped.
func (s *Shard) give(h *held, untold []string) {
	h.left = len(h.leases)
	if h.left == 0 {
		s.finish(h)
		return
	}
	for _, l := range h.leases {
		if l.Endpoint == "" {
			l.Follow(&s.o.Deps)
			continue
		}
		if l.Event.Object != "" && len(l.Event.Data) == 0 {
			l.Bury(&s.o.Deps, transport.ReasonPayloadGone)
			continue
		}
		for len(untold) > 0 && untold[0] < l.Endpoint { // both are in order of the ids
			untold = untold[1:]
		}
		if len(untold) > 0 && untold[0] == l.Endpoint {
			l.Skip(&s.o.Deps, transport.ReasonFilterCost)
			continue
		}
		s.lease(l)
	}
}

// recordFanOut journals what is owed, ahead of any outcome of it.
func (s *Shard) recordFanOut(ev *transport.Event, replay uint64, ids []string) {
	s.record = transport.Record{
		Kind: transport.FanOut, Seq: ev.Seq, Replay: replay, Customer: ev.Customer,
		EventID: ev.ID, EventType: ev.Type, At: s.o.Deps.Now(), Stored: ev.Stored,
		IDGiven: ev.IDGiven, Revision: s.routes.revision, Endpoints: ids,
	}
	s.o.Deps.Observer.Record(&s.record)
	s.o.Deps.Journal.Append(&s.record, nil)
}

// skipEvent ends an event as a whole.
func (s *Shard) skipEvent(a *arrival, reason string) {
	h := s.hold(a, a.event.Seq, 1)
	l := s.eventOnly(h, a.event)
	h.leases, h.left = []*handed{l}, 1
	l.Skip(&s.o.Deps, reason)
}

// panicked hands the message back, or buries it when it broke us too often.
func (s *Shard) panicked(a *arrival, v any) {
	if a.due != nil {
		s.o.Fatal(fmt.Errorf("a due segment broke the shard: %v", v))
		return
	}
	seq, room := a.event.Seq, 1
	s.taken.missing(seq, s.o.Deps.Now())
	if h := s.events[seq]; h != nil && h.handle == a.handle {
		room = h.room
		delete(s.events, seq)
	}
	s.panics[seq]++
	s.o.Logger.Error("an event broke the shard", "seq", seq, "event", a.event.ID, "times", s.panics[seq], "panic", v)
	if s.panics[seq] < maxPanics {
		s.fresh.release(room, a.bytes)
		a.handle.Nak()
		return
	}
	h := s.hold(a, seq, room)
	l := s.eventOnly(h, a.event)
	h.leases, h.left = []*handed{l}, 1
	l.Bury(&s.o.Deps, transport.ReasonPanic)
}
