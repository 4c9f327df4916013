package shard

import (
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// segmentCame makes the leases of a segment that came back from DEFERRED.
func (m *Machine) segmentCame(now time.Time, in *Input) {
	seg := in.Segment
	switch {
	case m.dues[seg.Seq] != nil:
		return // a copy of what is in hand
	case m.returned.has(seg.Seq):
		m.notParked(seg.Endpoint, m.unparkedOf(seg, seg.Seq)...)
		m.ack(in.Handle)
		return
	case m.draining || m.halted:
		m.do(Effect{Do: Nak, Handle: in.Handle})
		return
	}
	first, copyOf := m.segments.note(seg)
	if copyOf != 0 { // its schedule was fired twice
		m.notParked(seg.Endpoint, m.unparkedOf(seg, copyOf)...)
		m.ack(in.Handle)
		return
	}
	n := len(seg.Entries)
	h := m.hold(now, in, seg.Seq, n, n)
	h.endpoint = seg.Endpoint
	if first {
		m.countReturned(seg)
	}
	for i := range seg.Entries {
		if l := m.entryLease(h, seg.Endpoint, &seg.Entries[i]); l != nil {
			h.leases = append(h.leases, l)
		}
	}
	m.notParked(h.endpoint, h.unparked...)
	m.give(h, nil)
}

// entryLease makes the lease of a parked entry; nil where the delivery ended
// meanwhile, or was parked again.
func (m *Machine) entryLease(h *message, id string, e *transport.Entry) *handed {
	l := h.newLease()
	l.Lease = endpoint.Lease{
		Pair:  transport.Pair{Seq: e.Event.Seq, Endpoint: id, Replay: e.Replay},
		Event: e.Event, Tries: e.Tries, Hop: e.Hop, Due: e.Due, Owner: m.owner, Mark: l,
	}
	if st, ok := m.state(l.Pair, e.Event); ok {
		if st.Final || st.Hop > e.Hop {
			h.unparked = append(h.unparked, unparked(&l.Lease))
			return nil
		}
		if len(st.Tries) > len(l.Tries) {
			l.Tries, l.Due = slices.Clip(st.Tries), st.Next
		}
	}
	if e.Replay != 0 && len(e.Tries) == 0 {
		m.do(Effect{Do: FanOut, Event: e.Event, Number: e.Replay, Endpoints: []string{id}, Revision: m.routes.revision})
	}
	return l
}

// notParked tells an ordered endpoint which deliveries of a due segment are not
// parked with it any more: the segment is listed until all of it has ended.
func (m *Machine) notParked(id string, pairs ...endpoint.Unparked) {
	a, ep := m.active[id], m.routes.byID[id]
	if len(pairs) > 0 && a != nil && ep != nil && ep.Delivery.Ordered {
		m.do(Effect{Do: Tell, To: a, Message: endpoint.NotParked(pairs)})
	}
}

// unparkedOf are those of a segment that have settled, whether as this message
// or as the one that it is a copy of.
func (m *Machine) unparkedOf(seg *transport.Segment, copyOf uint64) []endpoint.Unparked {
	h, settled := m.dues[copyOf], m.returned.has(copyOf)
	if h == nil && !settled {
		return nil // it was handed back, and comes again
	}
	pairs := make([]endpoint.Unparked, 0, len(seg.Entries))
	for i := range seg.Entries {
		e := &seg.Entries[i]
		p := endpoint.Unparked{Place: transport.Place{Replay: e.Replay, Seq: e.Event.Seq}, Hop: e.Hop}
		if settled || !h.holds(p.Place) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// tellUnparked tells an ordered endpoint, which has what is parked listed, what
// has ended of its segments that are not acked yet: they are listed.
func (m *Machine) tellUnparked(id string) {
	var pairs []endpoint.Unparked
	for _, h := range m.dues {
		if h.endpoint != id {
			continue
		}
		pairs = append(pairs, h.unparked...)
		for _, l := range h.leases {
			if l.end.Settled() {
				pairs = append(pairs, unparked(&l.Lease))
			}
		}
	}
	slices.SortFunc(pairs, func(a, b endpoint.Unparked) int { return a.Place.Compare(b.Place) })
	m.notParked(id, pairs...)
}
