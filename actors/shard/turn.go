package shard

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
)

// Receive is one turn of the actor: it steps the machine with all that has
// arrived, at one time.
func (s *Shard) Receive(any) {
	now := s.o.Deps.Now()
	b := s.box.take(s.spare)
	for i := range b.ends {
		s.step(now, Input{Kind: LeaseEnded, Lease: b.ends[i].lease, End: b.ends[i].how})
	}
	var events, segments int
	var fresh, back room // what was let in for them
	for i := range b.arrivals {
		a := &b.arrivals[i]
		s.arrived(now, a)
		if a.due != nil {
			segments++
			back.take(len(a.due.Entries), a.bytes)
			continue
		}
		events++
		fresh.take(1, a.bytes)
	}
	for _, f := range b.calls {
		f(now)
	}
	s.routed.Store(s.machine.Routed())
	s.fresh.stepped(events, fresh, s.machine.fresh)
	s.back.stepped(segments, back, s.machine.back)
	s.spare = b.reset()
}

func (s *Shard) step(now time.Time, in Input) {
	s.done = 0
	effects := s.machine.Step(now, in)
	for i := range effects {
		s.perform(now, &effects[i])
		s.done++
	}
}

// arrived steps the machine with one message. A panic over it costs that message
// alone.
func (s *Shard) arrived(now time.Time, a *arrival) {
	defer func() {
		if v := recover(); v != nil {
			s.arrivalBroke(now, a, v)
		}
	}()
	if a.due != nil {
		s.step(now, Input{Kind: SegmentCame, Segment: a.due, Handle: a.handle, Bytes: a.bytes})
		return
	}
	s.step(now, Input{Kind: EventCame, Event: a.event, Handle: a.handle, Bytes: a.bytes})
}

func (s *Shard) arrivalBroke(now time.Time, a *arrival, v any) {
	if a.due != nil {
		s.o.Fatal(fmt.Errorf("a due segment broke the shard: %v", v))
		return
	}
	s.o.Logger.Error("an event broke the shard", "seq", a.event.Seq, "event", a.event.ID, "panic", v)
	s.step(now, Input{Kind: EventBroke, Event: a.event, Handle: a.handle, Bytes: a.bytes, Done: s.done})
}

// Tick is one tick of the shard, as its own ticker has it every 100 ms.
func (s *Shard) Tick() {
	s.call(func(now time.Time) {
		in := Input{Kind: Ticked, Away: s.o.Away(), EventWaits: s.fresh.waits(), SegmentWaits: s.back.waits()}
		if s.machine.Pressed() {
			in.Took = s.took(now)
		}
		s.step(now, in)
	})
}

// took is how long the attempts last of endpoints where that is long.
func (s *Shard) took(now time.Time) map[string]time.Duration {
	took := map[string]time.Duration{}
	for id, a := range s.machine.active {
		if d := a.actor.retained.Took(now); d > slowUnderPressure {
			took[id] = d
		}
	}
	return took
}

// broke is told that an endpoint's actor did.
func (s *Shard) broke(now time.Time, a *active, p *actors.Panic) {
	s.o.Logger.Error("an endpoint's actor broke and is replaced", "endpoint", a.id, "panic", p.Value, "stack", string(p.Stack))
	s.breakOff(a)
	s.step(now, Input{Kind: ActorBroke, Actor: a, Culprit: endpoint.LeaseIn(p.Message), Closing: a.actor.actor.Closing()})
}

// breakOff gives back what a broken actor held, and tells who waits for it.
func (s *Shard) breakOff(a *active) {
	a.actor.inEffect()
	defer func() {
		if v := recover(); v != nil {
			s.o.Logger.Error("a broken actor's target did not close", "endpoint", a.id, "panic", v)
		}
	}()
	a.actor.actor.BreakOff()
}
