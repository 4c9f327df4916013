package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

func (a *Actor) perform(e *Effect) {
	switch e.Do {
	case Send:
		a.send(e.Lease, e.Number)
	case Record:
		a.record(e)
	case Park:
		a.park(e)
	case Bury:
		a.bury(e)
	case Skip:
		e.Lease.Skip(&a.deps, e.Reason)
	case Release:
		e.Lease.Release()
	case Remember:
		a.retained.remember(*e.Memory)
		a.deps.Memories.Remember(transport.Remembered{
			Endpoint: a.endpoint.ID, Customer: a.endpoint.Customer, Memory: *e.Memory}, done{a.self, stored{}})
	case Tell:
		a.deps.Teller.Tell(transport.News{Endpoint: a.endpoint.ID, Customer: a.endpoint.Customer,
			What: e.News, Reason: e.Reason, Since: e.Since, At: a.deps.Now()})
	case Wake:
		a.wake(e.At)
	case Recall:
		a.deps.Parker.Recall(a.endpoint.ID, e.Entries, e.Last, done{a.self, recalled{}})
	case List:
		a.list(e.Number)
	}
}

// list asks DEFERRED, behind the parkings that wait for the journal, and the
// shard, which knows the pairs of segments in its hands that have ended.
func (a *Actor) list(number int) {
	self, parker, id := a.self, a.deps.Parker, a.endpoint.ID
	a.deps.Journal.After(then(func() {
		parker.List(id, func(all []ParkedPair) { self.Send(listed{number, all}) })
	}))
	if a.deps.Unparked != nil {
		a.deps.Unparked(id)
	}
}

// then does something when what it waits for is durable.
type then func()

// Done does it.
func (f then) Done() { f() }

func (a *Actor) wake(at time.Time) {
	wait := at.Sub(a.deps.Now())
	if a.timer == nil {
		self := a.self
		a.timer = a.deps.After(wait, func() { self.Send(tick{}) })
		return
	}
	a.timer.Reset(wait)
}

// send makes the attempt on a goroutine of its own. There are never more of
// them than the endpoint's concurrency, and no pool that endpoints share.
func (a *Actor) send(l *Lease, number int) {
	s := sents.Get().(*sent)
	s.lease, s.began = l, a.deps.Now()
	if a.broken != nil {
		s.answer = transport.Answer{Class: transport.Refused, Reason: "endpoint_invalid", Detail: a.broken.Error()}
		a.self.Send(s)
		return
	}
	j := attempts.Get().(*Attempt)
	*j = Attempt{ctx: a.attempts, target: a.target, self: a.self, sent: s, number: number}
	a.deps.Runner.Start(j)
}

func (a *Actor) record(e *Effect) {
	l := e.Lease
	r := l.base(transport.Tried, e.Began)
	r.Number, r.Answer, r.NextAt = e.Number, *e.Answer, e.At
	a.deps.Observer.Record(r)
	l.await(1)
	if e.Answer.Class != transport.Delivered {
		l.await(1) // for the park or burial that follows and closes the lease
		l.closing = true
	}
	l.keep(&a.deps, r)
	l.handed = e.Answer.Class == transport.Delivered
}

func (a *Actor) bury(e *Effect) {
	var kept transport.Waiter
	if e.Wait {
		kept = done{a.self, stored{}}
	}
	e.Lease.bury(&a.deps, e.Reason, e.Answer, kept)
}

func (a *Actor) park(e *Effect) {
	l := e.Lease
	l.awaitClosing()
	entry := transport.Entry{
		Event: l.Event, Replay: l.Replay, Tries: l.Tries, Hop: l.Hop + 1, Due: l.Due, At: e.At,
	}
	a.retained.count(&entry, 1)
	l.handed, l.parked = true, true
	parker := a.deps.Parker
	l.whenOwed(&a.deps, func() { parker.Park(l.Event.Customer, l.Endpoint, entry, l) })
}
