package shard

import (
	"context"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// past is what is kept of an endpoint between its actors; it is made where
// there is none.
func (s *Shard) past(ep *transport.Endpoint) *endpoint.Retained {
	if p := s.pasts[ep.ID]; p != nil {
		return p
	}
	p := endpoint.NewRetained(transport.Memory{}, s.lastSend(ep))
	s.pasts[ep.ID] = p
	return p
}

// lastSend: an endpoint that is older than this shard may have been sent
// something until the moment the shard began.
func (s *Shard) lastSend(ep *transport.Endpoint) time.Time {
	if ep.CreatedAt.After(s.began) {
		return time.Time{}
	}
	return s.began
}

// beganPasts notes of the endpoints there are at the start that they may have
// been sent something just before, whatever the clock says of their making.
func (s *Shard) beganPasts() {
	for id, ep := range s.routes.byID {
		if ep.Delivery.Rate > 0 && s.pasts[id] == nil {
			s.pasts[id] = endpoint.NewRetained(transport.Memory{}, s.began)
		}
	}
}

// recallPasts gives the pasts what was found at the start.
func (s *Shard) recallPasts() {
	for id, parked := range s.recovered.Parked {
		if parked.Entries > 0 {
			s.parked[id] = parked
		}
		s.pasts[id] = endpoint.NewRetained(s.o.Memories[id], s.began)
	}
	for id, m := range s.o.Memories {
		if s.pasts[id] == nil {
			s.pasts[id] = endpoint.NewRetained(m, s.began)
		}
	}
	s.recovered.Parked = nil
}

// forgetPast drops what says no more than a new one would.
func (s *Shard) forgetPast(id string, now time.Time) {
	p, ep := s.pasts[id], s.routes.byID[id]
	if p == nil || s.parked.of(id).Entries > 0 {
		return
	}
	refill := time.Duration(0)
	if ep != nil && ep.Delivery.Rate > 0 {
		refill = time.Duration(float64(ep.Delivery.Burst+1) / ep.Delivery.Rate * float64(time.Second))
	}
	if p.Blank(now, refill) {
		delete(s.pasts, id)
	}
}

// returned counts what came back from DEFERRED.
func (s *Shard) returned(seg *transport.Segment) {
	moved := endpoint.ParkedChange{}
	for i := range seg.Entries {
		e := &seg.Entries[i]
		if e.Replay != 0 && e.Hop <= 1 {
			continue // the first parking of a replay is none of ours, and was not counted
		}
		s.parked.count(seg.Endpoint, e.Event, e.Due.IsZero(), -1)
		moved.Entries--
		moved.Bytes -= int64(e.Event.Size())
		if e.Due.IsZero() {
			moved.Ready--
		}
	}
	if sl := s.slots[seg.Endpoint]; sl != nil && moved.Entries != 0 {
		sl.ref.Send(moved)
	}
}

// countParked takes in that a lease was parked. The actor counted it itself,
// unless it is one that came after.
func (s *Shard) countParked(l *handed, ready bool) {
	s.parked.count(l.Endpoint, l.Event, ready, 1)
	sl := s.slots[l.Endpoint]
	if sl != nil && l.to != nil && sl != l.to {
		moved := endpoint.ParkedChange{Entries: 1, Bytes: int64(l.Event.Size())}
		if ready {
			moved.Ready = 1
		}
		sl.ref.Send(moved)
	}
	if ep := s.routes.byID[l.Endpoint]; endpoint.IsClosed(ep) {
		s.o.RecallAll(l.Endpoint) // it was closed as this was on its way
	}
}

// tellGone tells an ordered endpoint which pairs of a due segment are not parked
// with it any more: the segment is listed until all of it has ended.
func (s *Shard) tellGone(id string, gone ...endpoint.Unparked) {
	sl, ep := s.slots[id], s.routes.byID[id]
	if len(gone) > 0 && sl != nil && ep != nil && ep.Delivery.Ordered {
		sl.ref.Send(endpoint.NotParked(gone))
	}
}

// goneOf are those of a segment that have settled, whether as this message or
// as the one that it is a copy of.
func (s *Shard) goneOf(seg *transport.Segment, copyOf uint64) []endpoint.Unparked {
	h, settled := s.dues[copyOf], s.settledIn.has(copyOf)
	if h == nil && !settled {
		return nil // it was handed back, and comes again
	}
	gone := make([]endpoint.Unparked, 0, len(seg.Entries))
	for i := range seg.Entries {
		e := &seg.Entries[i]
		g := endpoint.Unparked{Place: transport.Place{Replay: e.Replay, Seq: e.Event.Seq}, Hop: e.Hop}
		if settled || !h.holds(g.Place) {
			gone = append(gone, g)
		}
	}
	return gone
}

// unparkedInHand tells an ordered endpoint, which has what is parked listed, the
// pairs that have ended of its segments that are not acked yet: they are listed.
func (s *Shard) unparkedInHand(id string) {
	var gone []endpoint.Unparked
	for _, h := range s.dues {
		if h.endpoint != id {
			continue
		}
		gone = append(gone, h.gone...)
		for _, l := range h.leases {
			if l.end.Settled() {
				gone = append(gone, goneWith(&l.Lease))
			}
		}
	}
	s.tellGone(id, gone...)
}

// Standing tells how an endpoint stands now; false where the registry's word
// is all there is.
func (s *Shard) Standing(ctx context.Context, id string) (transport.Standing, bool) {
	answer := make(endpoint.Ask, 1)
	s.call(func() { s.ask(id, answer) })
	select {
	case st, ok := <-answer:
		return st, ok
	case <-s.stop:
	case <-ctx.Done():
	}
	return transport.Standing{}, false
}

func (s *Shard) ask(id string, answer endpoint.Ask) {
	if sl := s.slots[id]; sl != nil {
		sl.ref.Send(answer)
		return
	}
	p := s.pasts[id]
	if p == nil {
		close(answer)
		return
	}
	answer <- endpoint.StandingOf(p.Memory(), s.parked.of(id), s.o.Deps.Now())
}

// Standings is the state (active or failing) and what waits of all endpoints
// that have something of either, by id.
func (s *Shard) Standings(ctx context.Context) map[string]transport.Standing {
	done := make(chan map[string]transport.Standing, 1)
	s.call(func() {
		now, all := s.o.Deps.Now(), make(map[string]transport.Standing, len(s.pasts))
		for id, p := range s.pasts {
			st := endpoint.StandingOf(p.Memory(), s.parked.of(id), now)
			if sl := s.slots[id]; sl != nil {
				st.Waiting += sl.inHand + sl.waiting.Len()
			}
			all[id] = st
		}
		done <- all
	})
	select {
	case all := <-done:
		return all
	case <-s.stop:
	case <-ctx.Done():
	}
	return nil
}
