package shard

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

func (s *Shard) perform(now time.Time, e *Effect) {
	switch e.Do {
	case Hand:
		e.To.actor.ref.Send(e.Lease)
	case Ack:
		e.Handle.Ack()
	case AckProved:
		s.o.Deps.Journal.After(proved{e.Handle})
	case Routed:
		s.o.Routed(e.Event, int(e.Number))
	case FanOut:
		s.fanOut(now, e)
	case Nak:
		e.Handle.Nak()
	case InProgress:
		e.Handle.InProgress()
	case Skip:
		e.Lease.Skip(&s.o.Deps, e.Reason)
	case Bury:
		e.Lease.Bury(&s.o.Deps, e.Reason)
	case Follow:
		e.Lease.Follow(&s.o.Deps)
	default:
		s.performSeldom(now, e)
	}
}

// proved acks a message.
type proved struct{ transport.Handle }

// Done does it.
func (p proved) Done() { p.Ack() }

func (s *Shard) performSeldom(now time.Time, e *Effect) {
	switch e.Do {
	case Open:
		s.open(e.To, e.Message.(Opening))
	case Tell:
		e.To.actor.tell(e.Message)
	case End:
		e.To.actor.retained.Ended(now)
		s.retire(e.To)
	case Seek:
		s.seek(e.Message.([]uint64))
	case Ask:
		s.filters.put(filterWork{event: e.Event, questions: e.Message.([]Question)})
	case InEffect:
		close(e.Message.(chan struct{}))
	case RecallAll:
		s.o.RecallAll(e.Reason)
	case Figures:
		s.stats.Store(e.Message.(*Stats))
		s.forget(now)
	case Warn:
		s.o.Logger.Warn(e.Reason)
	case Inform:
		s.o.Logger.Info(e.Reason)
	case AllDrained:
		for _, done := range s.drained {
			close(done)
		}
		s.drained = nil
	}
}

// seek asks which events the log has.
func (s *Shard) seek(asked []uint64) {
	if s.o.There == nil {
		s.input(Input{Kind: Sought, Asked: asked})
		return
	}
	s.o.There(asked, func(there []uint64) { s.input(Input{Kind: Sought, Asked: asked, There: there}) })
}

// fanOut journals what is owed.
func (s *Shard) fanOut(now time.Time, e *Effect) {
	ev := e.Event
	s.record = transport.Record{
		Kind: transport.FanOut, Seq: ev.Seq, Replay: e.Number, Customer: ev.Customer,
		EventID: ev.ID, EventType: ev.Type, At: now, Stored: ev.Stored,
		IDGiven: ev.IDGiven, Revision: e.Revision, Endpoints: e.Endpoints,
	}
	s.o.Deps.Observer.Record(&s.record)
	s.o.Deps.Journal.Append(&s.record, nil)
}

// actorRef is an endpoint's actor.
type actorRef struct {
	actor    *endpoint.Actor
	ref      *actors.Ref
	retained *endpoint.Retained
	// changes were sent to it; those in effect are closed.
	changes []chan struct{}
}

func (s *Shard) open(a *active, o Opening) {
	r := &actorRef{retained: s.retainedOf(o.Endpoint)}
	r.actor = endpoint.NewActor(o.Endpoint, r.retained, o.Parked, s.o.Deps)
	r.ref = s.o.System.Spawn("endpoint", r.actor, func(p *actors.Panic) {
		s.call(func(now time.Time) { s.broke(now, a, p) })
	})
	a.actor = r
	r.actor.Bind(r.ref)
}

func (r *actorRef) tell(msg any) {
	var inEffect chan struct{}
	switch msg := msg.(type) {
	case endpoint.Change:
		inEffect = msg.InEffect
	case endpoint.Close:
		inEffect = msg.InEffect
	}
	if inEffect != nil {
		r.changes = append(slices.DeleteFunc(r.changes, isClosed), inEffect)
	}
	r.ref.Send(msg)
}

// inEffect tells who waits for a change of a broken actor.
func (r *actorRef) inEffect() {
	for _, c := range r.changes {
		if !isClosed(c) {
			close(c)
		}
	}
	r.changes = nil
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// stopPatience bounds the stop of one idle actor.
const stopPatience = 10 * time.Second

// retire ends an actor that is sent nothing more.
func (s *Shard) retire(a *active) {
	ref := a.actor.ref
	ref.Send(endpoint.Quit{})
	if s.o.System.Stepped() {
		_ = ref.Stop(context.Background()) // it does not wait
		return
	}
	s.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		if err := ref.Stop(ctx); err != nil {
			s.o.Logger.Warn("an idle actor did not stop", "endpoint", a.id, "error", err)
		}
	})
}
