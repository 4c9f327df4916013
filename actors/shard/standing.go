package shard

import (
	"context"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// retain begins with what endpoints remember from before.
func (s *Shard) retain() {
	for id, m := range s.o.Memories {
		s.retained[id] = endpoint.NewRetained(m, s.began)
	}
}

// retainedOf is what is kept of an endpoint between its actors; it is made where
// there is none. An endpoint that is older than this shard may have been sent
// something until the moment the shard began.
func (s *Shard) retainedOf(ep *transport.Endpoint) *endpoint.Retained {
	r := s.retained[ep.ID]
	if r == nil {
		lastSend := s.began
		if ep.CreatedAt.After(s.began) {
			lastSend = time.Time{}
		}
		r = endpoint.NewRetained(transport.Memory{}, lastSend)
		s.retained[ep.ID] = r
	}
	return r
}

// retainLimited notes of the endpoints with a rate that they may have been sent
// something just before the start, whatever the clock says of their making.
func (s *Shard) retainLimited() {
	for id, ep := range s.machine.routes.byID {
		if ep.Delivery.Rate > 0 && s.retained[id] == nil {
			s.retained[id] = endpoint.NewRetained(transport.Memory{}, s.began)
		}
	}
}

// forget drops what is retained of endpoints without an actor where that says no
// more than nothing would.
func (s *Shard) forget(now time.Time) {
	for id, r := range s.retained {
		if s.machine.active[id] != nil {
			continue
		}
		refill := time.Duration(0)
		if ep := s.machine.routes.byID[id]; ep != nil && ep.Delivery.Rate > 0 {
			refill = time.Duration(float64(ep.Delivery.Burst+1) / ep.Delivery.Rate * float64(time.Second))
		}
		if r.Blank(now, refill) {
			delete(s.retained, id)
		}
	}
}

// Standing tells how an endpoint stands now; false where the registry's word
// is all there is.
func (s *Shard) Standing(ctx context.Context, id string) (transport.Standing, bool) {
	answer := make(endpoint.Ask, 1)
	s.call(func(now time.Time) { s.ask(now, id, answer) })
	select {
	case st, ok := <-answer:
		return st, ok
	case <-s.stop:
	case <-ctx.Done():
	}
	return transport.Standing{}, false
}

func (s *Shard) ask(now time.Time, id string, answer endpoint.Ask) {
	if a := s.machine.active[id]; a != nil {
		a.actor.ref.Send(answer)
		return
	}
	st, known := s.standingOf(now, id)
	if !known {
		close(answer)
		return
	}
	answer <- st
}

// standingOf is how an endpoint stands by what is retained and counted of it.
func (s *Shard) standingOf(now time.Time, id string) (st transport.Standing, known bool) {
	r, parked := s.retained[id], s.machine.parked.of(id)
	if r == nil && parked.Entries == 0 {
		return st, false
	}
	var memory transport.Memory
	if r != nil {
		memory = r.Memory()
	}
	return endpoint.StandingOf(memory, parked, now), true
}

// Standings is the state (active or failing) and what waits of all endpoints
// that have something of either, by id.
func (s *Shard) Standings(ctx context.Context) map[string]transport.Standing {
	done := make(chan map[string]transport.Standing, 1)
	s.call(func(now time.Time) { done <- s.standings(now) })
	select {
	case all := <-done:
		return all
	case <-s.stop:
	case <-ctx.Done():
	}
	return nil
}

func (s *Shard) standings(now time.Time) map[string]transport.Standing {
	all := make(map[string]transport.Standing, len(s.retained))
	add := func(id string) {
		st, known := s.standingOf(now, id)
		if !known {
			return
		}
		if a := s.machine.active[id]; a != nil {
			st.Waiting += a.inHand + a.waiting.Len()
		}
		all[id] = st
	}
	for id := range s.retained {
		add(id)
	}
	for id := range s.machine.parked {
		if s.retained[id] == nil {
			add(id)
		}
	}
	return all
}
