package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

func (a *Actor) perform(e *Effect) {
	switch e.Do {
	case Send:
		a.send(e.Delivery, e.Number)
	case Record:
		a.record(e)
	case Park:
		a.park(e)
	case Bury:
		a.bury(e)
	case Skip:
		r := e.Delivery.skipped(&a.deps, e.Reason)
		a.closing(e)
		keep(&a.deps, r, (*final)(e.Delivery.Lease))
	case Release:
		a.closing(e)
		e.Delivery.Release()
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
func (a *Actor) send(d *Delivery, number int) {
	s := sents.Get().(*sent)
	s.delivery, s.began = d, a.deps.Now()
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
	l := e.Delivery.Lease
	r := l.base(transport.Tried, e.Began)
	r.Number, r.Answer, r.NextAt = e.Number, *e.Answer, e.At
	a.deps.Observer.Record(r)
	if !e.closes() { // what follows does
		keep(&a.deps, r, nil)
		return
	}
	a.closing(e)
	keep(&a.deps, r, (*final)(l))
}

func (a *Actor) bury(e *Effect) {
	b := e.Delivery.buried(&a.deps, e.Delivery.Tries, e.Reason, e.Answer)
	if e.Wait {
		b.then = done{a.self, buried{e.Delivery.Place()}}
	}
	a.closing(e)
	b.leave()
}

func (a *Actor) park(e *Effect) {
	d := e.Delivery
	l := d.Lease
	entry := transport.Entry{
		Event: l.Event, Replay: l.Replay, Tries: d.Tries, Hop: l.Hop + 1, Due: d.Due, At: e.At,
	}
	a.closing(e)
	ended := transport.Waiter((*parkedForTime)(l))
	if d.Due.IsZero() {
		ended = (*parkedForRoom)(l)
	}
	a.count(&entry)
	parker := a.deps.Parker
	l.whenOwed(&a.deps, func() { parker.Park(l.Event.Customer, l.Endpoint, entry, ended) })
}

// count notes a parking.
func (a *Actor) count(e *transport.Entry) {
	a.parked.Entries++
	a.parked.Bytes += int64(e.Event.Size())
	if e.Due.IsZero() {
		a.parked.Ready++
	}
}

// closing notes that the lease ends by itself from here on, whatever becomes of
// the actor.
func (a *Actor) closing(e *Effect) { a.closed.Add(e.Delivery.Number) }

// Closing are the numbers of the leases that end by themselves: what closes them
// was asked for. It must be asked after the actor's last act.
func (a *Actor) Closing() *Numbers { return &a.closed }
