package shard

import (
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// asked is an event that filters are asked about: the endpoints that want it
// without being asked, in order of their ids, and those that are asked.
type asked struct {
	event     *transport.Event
	ids       []string
	questions []Question
	revision  uint64
}

// eventCame makes the leases of one event.
func (m *Machine) eventCame(now time.Time, in *Input) {
	ev := in.Event
	m.arrivals.come(ev.Seq, now)
	m.unblock = true
	if m.events[ev.Seq] != nil {
		return // a copy of what is in hand
	}
	skipped, known := m.recovered.Skipped[ev.Seq]
	switch {
	case m.settled.has(ev.Seq) || known && skipped.Fits(ev):
		m.routedTo(ev.Seq)
		m.ackProved(in.Handle)
		return
	case m.draining || m.halted:
		m.arrivals.missing(ev.Seq, now)
		m.do(Effect{Do: Nak, Handle: in.Handle})
		return
	}
	ids, known := m.fanOut(ev)
	switch {
	case known:
		m.route(m.hold(now, in, ev.Seq, 1, len(ids)), ev, ids, nil, true, 0)
	case ev.DuplicateOf != 0:
		m.skipEvent(m.hold(now, in, ev.Seq, 1, 1), ev, transport.ReasonDuplicate)
	default:
		m.match(now, in)
	}
}

// match finds who wants an event, as far as that can be told without filters.
func (m *Machine) match(now time.Time, in *Input) {
	ev := in.Event
	ids, questions := m.routes.match(ev)
	switch {
	case len(questions) > 0:
		h := m.hold(now, in, ev.Seq, 1, 0)
		h.asked = &asked{event: ev, ids: ids, questions: questions, revision: m.routes.revision}
		m.asking[ev.Seq] = true
		m.arrivals.missing(ev.Seq, now) // an ordered endpoint may want it
		m.do(Effect{Do: Ask, Event: ev, Message: questions})
	case len(ids) == 0:
		m.do(Effect{Do: Routed, Event: ev})
		m.nobodyWants(ev.Seq, in.Handle)
	default:
		m.route(m.hold(now, in, ev.Seq, 1, len(ids)), ev, ids, nil, false, m.routes.revision)
	}
}

// filtered goes on with an event when its filters have told.
func (m *Machine) filtered(now time.Time, in *Input) {
	h := m.events[in.Seq]
	if h == nil || h.asked == nil {
		return // it was handed back meanwhile
	}
	a := h.asked
	h.asked = nil
	delete(m.asking, in.Seq)
	m.arrivals.come(in.Seq, now)
	m.unblock = true
	ids, untold := a.told(in.Verdicts)
	if len(ids) == 0 {
		m.do(Effect{Do: Routed, Event: a.event})
		m.drop(h)
		m.nobodyWants(in.Seq, h.handle)
		return
	}
	m.route(h, a.event, ids, untold, false, a.revision)
}

// told gives who wants the event, in order of their ids; with those, listed once
// more, of which it would cost too much to tell.
func (a *asked) told(verdicts []Verdict) (ids, untold []string) {
	ids = slices.Clone(a.ids)
	for i, q := range a.questions {
		if i >= len(verdicts) || verdicts[i] == Unwanted {
			continue
		}
		at, _ := slices.BinarySearch(ids, q.Endpoint)
		ids = slices.Insert(ids, at, q.Endpoint)
		if verdicts[i] == Untold {
			untold = append(untold, q.Endpoint)
		}
	}
	return ids, untold
}

// nobodyWants settles an event of which no record will tell: of another owner of the
// shard, whose endpoints may want it, no guarded write would show. So it is acked
// behind a write that was sent after it came.
func (m *Machine) nobodyWants(seq uint64, h transport.Handle) {
	m.routedTo(seq)
	m.settled.add(seq)
	m.ackProved(h)
}

// ackProved settles what may be settled by no record; so too its copies, which may
// come before that.
func (m *Machine) ackProved(h transport.Handle) {
	if m.halted {
		m.ack(h) // it waits for a proof
		return
	}
	m.do(Effect{Do: AckProved, Handle: h})
}

// routedTo notes that seq was routed.
func (m *Machine) routedTo(seq uint64) { m.highest = max(m.highest, seq) }

// Routed is the highest event that was routed together with all that came before
// it.
func (m *Machine) Routed() uint64 {
	routed := m.highest
	for seq := range m.asking {
		routed = min(routed, seq-1)
	}
	return routed
}

// route makes the leases of an event that is wanted, and hands them out. known
// tells that its fan-out was recorded before.
func (m *Machine) route(h *message, ev *transport.Event, ids, untold []string, known bool, revision uint64) {
	m.routedTo(ev.Seq)
	m.do(Effect{Do: Routed, Event: ev, Number: uint64(len(ids))})
	if len(ids) > 1 {
		m.fresh.take(len(ids)-1, 0)
		h.room = len(ids)
	}
	if !known {
		m.do(Effect{Do: FanOut, Event: ev, Endpoints: ids, Revision: revision})
	}
	m.leaseEvent(h, ev, ids)
	if !known && len(h.leases) < len(ids) { // others ended, or wait in DEFERRED: the ack would not wait for the fan-out
		h.leases = append(h.leases, m.eventLease(h, ev))
	}
	m.give(h, untold)
}

func (m *Machine) leaseEvent(h *message, ev *transport.Event, ids []string) {
	if len(h.block) < len(ids) {
		h.block = make([]handed, len(ids))
	}
	for _, id := range ids {
		pair := transport.Pair{Seq: ev.Seq, Endpoint: id}
		st, ok := m.state(pair, ev)
		if ok && (st.Final || st.Hop > 0) {
			continue // ended, or parked: it comes back from there
		}
		l := h.newLease()
		l.Pair, l.Event, l.Owner = pair, ev, m.owner
		if ok {
			l.Tries, l.Due = slices.Clip(st.Tries), st.Next
		}
		h.leases = append(h.leases, l)
	}
}

// fanOut is to whom an event went before. That of another event, which had its
// sequence in a log that lost its end, is not believed.
func (m *Machine) fanOut(ev *transport.Event) (ids []string, known bool) {
	f, known := m.recovered.FanOuts[ev.Seq]
	if known && !f.Fits(ev) {
		delete(m.recovered.FanOuts, ev.Seq)
		return nil, false
	}
	return f.Endpoints, known
}

// state is what is known of the pair of ev.
func (m *Machine) state(p transport.Pair, ev *transport.Event) (st transport.PairState, known bool) {
	st, known = m.recovered.Pairs[p]
	return st, known && st.Fits(ev)
}

// give hands the leases of h to their endpoints; one whose event is gone from the
// log, or has lost its data, is buried, and one whose endpoint is among the untold is skipped.
func (m *Machine) give(h *message, untold []string) {
	h.left = len(h.leases)
	if h.left == 0 {
		m.finish(h)
		return
	}
	for _, l := range h.leases {
		if l.Endpoint == "" {
			m.do(Effect{Do: Follow, Lease: &l.Lease})
			continue
		}
		if l.Event.Gone {
			m.do(Effect{Do: Bury, Lease: &l.Lease, Reason: transport.ReasonEventGone})
			continue
		}
		if l.Event.Object != "" && len(l.Event.Data) == 0 {
			m.do(Effect{Do: Bury, Lease: &l.Lease, Reason: transport.ReasonPayloadGone})
			continue
		}
		for len(untold) > 0 && untold[0] < l.Endpoint { // both are in order of the ids
			untold = untold[1:]
		}
		if len(untold) > 0 && untold[0] == l.Endpoint {
			m.do(Effect{Do: Skip, Lease: &l.Lease, Reason: transport.ReasonFilterCost})
			continue
		}
		m.lease(l)
	}
}

// skipEvent ends an event as a whole.
func (m *Machine) skipEvent(h *message, ev *transport.Event, reason string) {
	m.routedTo(ev.Seq)
	l := m.eventLease(h, ev)
	h.leases, h.left = append(h.leases, l), 1
	m.do(Effect{Do: Skip, Lease: &l.Lease, Reason: reason})
}

// maxPanics is how often one event may break whoever handles it.
const maxPanics = 3

// eventBroke hands an event back that a step broke over, or buries it where that
// was the third time.
func (m *Machine) eventBroke(now time.Time, in *Input) {
	ev := in.Event
	m.arrivals.missing(ev.Seq, now)
	delete(m.asking, ev.Seq)
	if h := m.events[ev.Seq]; h != nil && h.handle == in.Handle {
		m.drop(h)
	}
	if m.panics[ev.Seq]++; m.panics[ev.Seq] < maxPanics {
		m.do(Effect{Do: Nak, Handle: in.Handle})
		return
	}
	h := m.hold(now, in, ev.Seq, 1, 1)
	l := m.eventLease(h, ev)
	h.leases, h.left = append(h.leases, l), 1
	m.do(Effect{Do: Bury, Lease: &l.Lease, Reason: transport.ReasonPanic})
}

// undo takes back what was noted of effects that were not carried out. Leases of
// other messages are handed out again.
func (m *Machine) undo(effects []Effect) {
	for i := range effects {
		e := &effects[i]
		switch e.Do {
		case Hand:
			l := e.Lease.Mark.(*handed)
			e.To.inHand--
			*e.To.holds(l.of.due)--
			l.to = nil
			m.blocked = append(m.blocked, l)
		case Bury, Skip:
			m.blocked = append(m.blocked, e.Lease.Mark.(*handed))
		case Open:
			delete(m.active, e.To.id)
		}
	}
	m.unblock = true
}

// unparked tells that the lease of a due segment is not parked with it any more.
func unparked(l *endpoint.Lease) endpoint.Unparked {
	return endpoint.Unparked{Place: l.Place(), Hop: l.Hop}
}
