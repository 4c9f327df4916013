package shard

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// slot is one endpoint that has leases, or had some a moment ago.
type slot struct {
	id     string
	actor  *endpoint.Actor
	past   *endpoint.Retained
	ref    *actors.Ref
	inHand int
	// What it holds of either window, waiting included.
	fresh, due int
	// shedding: the credit is off, so that what waits here can be parked.
	shedding bool
	kept     int // by the last word, at shedAt
	shedAt   time.Time
	// waiting are leases beyond the endpoint's credit.
	waiting endpoint.Queue[*handed]
	handed  uint64 // leases, so far
	idle    time.Time
	// changes were sent to the actor; those taken are closed.
	changes []chan struct{}
}

// credit is how many leases an endpoint's mailbox may hold, unless it is
// ordered. It covers what is in flight and what waits for the journal at full
// speed.
const credit = 1024

// stopPatience bounds the stop of one idle actor.
const stopPatience = 10 * time.Second

// lease hands one lease to its endpoint, or ends it where there is none.
func (s *Shard) lease(l *handed) {
	ep := s.routes.byID[l.Endpoint]
	switch {
	case ep == nil:
		l.Bury(&s.o.Deps, transport.ReasonEndpointRemoved)
		return
	case l.Panics >= maxPanics:
		l.Bury(&s.o.Deps, transport.ReasonPanic)
		return
	case s.draining:
		l.Release()
		return
	}
	if s.mustWait(ep, l) {
		s.behind = append(s.behind, l)
		return
	}
	sl := s.slotOf(ep)
	if sl.inHand >= credit && !sl.shedding && !ep.Delivery.Ordered {
		sl.waiting.Push(l)
		*sl.holdsLike(l)++
		return
	}
	sl.send(l)
}

// holds is how many leases it holds of the window of events, or of what is due.
func (sl *slot) holds(due bool) *int {
	if due {
		return &sl.due
	}
	return &sl.fresh
}

// holdsLike is that of the window that l belongs to.
func (sl *slot) holdsLike(l *handed) *int { return sl.holds(l.of.due) }

func (sl *slot) send(l *handed) {
	sl.take(l)
	sl.ref.Send(&l.Lease)
}

// take counts l against the endpoint's credit.
func (sl *slot) take(l *handed) {
	sl.handed++
	l.to, l.Number = sl, sl.handed
	sl.inHand++
	*sl.holdsLike(l)++
}

// next takes the oldest that waits.
func (sl *slot) next() *handed {
	l := sl.waiting.Pop()
	*sl.holdsLike(l)--
	return l
}

// sendAll gives the endpoint what waits for credit. An ordered one must have all
// in hand: the pair that the others wait for may be among it.
func (sl *slot) sendAll() {
	for sl.waiting.Len() > 0 {
		sl.send(sl.next())
	}
}

func (s *Shard) slotOf(ep *transport.Endpoint) *slot {
	if sl := s.slots[ep.ID]; sl != nil {
		return sl
	}
	return s.open(ep)
}

func (s *Shard) open(ep *transport.Endpoint) *slot {
	past := s.past(ep)
	sl := &slot{id: ep.ID, past: past, actor: endpoint.NewActor(ep, past, s.parked.of(ep.ID), s.o.Deps), idle: s.o.Deps.Now()}
	sl.ref = s.o.System.Spawn("endpoint", sl.actor, func(p *actors.Panic) {
		s.call(func() { s.broke(sl, p) })
	})
	sl.actor.Bind(sl.ref)
	s.slots[ep.ID] = sl
	if s.away {
		sl.ref.Send(endpoint.UplinkChange(endpoint.UplinkLost))
	}
	return sl
}

// freeSlot gives an ended lease's credit to the next that waits.
func (s *Shard) freeSlot(l *handed) {
	sl := l.to
	if sl == nil {
		return
	}
	sl.inHand--
	*sl.holdsLike(l)--
	if sl.waiting.Len() > 0 {
		sl.send(sl.next())
		return
	}
	if sl.inHand == 0 {
		sl.idle = s.o.Deps.Now()
	}
}

// broke takes the leases of a broken actor back and gives them to a new one.
// The lease it broke over is counted, and buried the third time.
func (s *Shard) broke(sl *slot, p *actors.Panic) {
	s.o.Logger.Error("an endpoint's actor broke and is replaced", "endpoint", sl.id, "panic", p.Value, "stack", string(p.Stack))
	s.free(sl)
	s.retire(sl)
	if s.slots[sl.id] != sl {
		return // it held no lease any more
	}
	delete(s.slots, sl.id)
	culprit := endpoint.LeaseIn(p.Message)
	for _, h := range s.allHeld() {
		for i, l := range h.leases {
			if l.to != sl || l.end != 0 || sl.actor.Closes(&l.Lease) {
				continue
			}
			again := l.again()
			if culprit == &l.Lease {
				again.Panics++
			}
			h.leases[i] = again
			s.lease(again)
		}
	}
	for sl.waiting.Len() > 0 {
		s.lease(sl.waiting.Pop())
	}
}

// free gives back what a broken actor held, and lets go who waits for it.
func (s *Shard) free(sl *slot) {
	for _, taken := range sl.changes {
		if !isClosed(taken) {
			close(taken)
		}
	}
	sl.changes = nil
	defer func() {
		if v := recover(); v != nil {
			s.o.Logger.Error("a broken actor's target did not close", "endpoint", sl.id, "panic", v)
		}
	}()
	sl.actor.BreakOff()
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// allHeld lists what is held, oldest first.
func (s *Shard) allHeld() []*held {
	all := make([]*held, 0, len(s.events)+len(s.dues))
	for _, h := range s.events {
		all = append(all, h)
	}
	for _, h := range s.dues {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *held) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.seq, b.seq)) })
	return all
}

// retire ends an actor that is sent nothing more.
func (s *Shard) retire(sl *slot) {
	sl.ref.Send(endpoint.Quit{})
	if s.o.System.Stepped() {
		_ = sl.ref.Stop(context.Background()) // it does not wait
		return
	}
	s.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		if err := sl.ref.Stop(ctx); err != nil {
			s.o.Logger.Warn("an idle actor did not stop", "endpoint", sl.id, "error", err)
		}
	})
}

// change takes a change of the registry in; taken is closed when it is in effect.
func (s *Shard) change(c transport.Change, taken chan struct{}) {
	_, known := s.routes.byID[c.ID]
	s.routes.apply(c)
	defer s.letGo() // one that is removed, or ordered no longer, waits for no earlier event
	sl := s.slots[c.ID]
	if sl == nil {
		s.changeIdle(c, known)
		close(taken)
		return
	}
	if endpoint.IsClosed(c.Endpoint) && s.parked.of(c.ID).Entries > 0 {
		s.o.RecallAll(c.ID)
	}
	sl.changes = append(slices.DeleteFunc(sl.changes, isClosed), taken)
	if c.Endpoint == nil {
		sl.ref.Send(endpoint.Close{Reason: transport.ReasonEndpointRemoved, InEffect: taken})
	} else {
		sl.ref.Send(endpoint.Change{Endpoint: c.Endpoint, InEffect: taken})
		if c.Endpoint.Delivery.Ordered {
			sl.sendAll()
		}
	}
}

// changeIdle: of an endpoint without an actor only what is parked matters. It
// is given up where the endpoint is closed, and looked after where it is not.
func (s *Shard) changeIdle(c transport.Change, known bool) {
	p := s.parked.of(c.ID)
	switch {
	case p.Entries == 0:
	case endpoint.IsClosed(c.Endpoint):
		s.o.RecallAll(c.ID)
	case p.Ready > 0 && !s.draining && known:
		s.open(c.Endpoint)
	}
}
