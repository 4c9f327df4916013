package endpoint

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// Sender compiles an endpoint into a Target.
type Sender interface {
	Prepare(ep *transport.Endpoint) (Target, error)
}

// Target makes attempts at one endpoint.
type Target interface {
	// Send makes one attempt, within the endpoint's time limit.
	Send(ctx context.Context, ev *transport.Event, number int) transport.Answer
	// Close gives back what the target holds; attempts under way go on.
	Close()
}

// Journal keeps records. Append reads r before it returns; w may be nil.
// Records become durable in the order they were appended, so that an event's
// fan-out is durable before any end of it that is journaled.
type Journal interface {
	Append(r *transport.Record, w transport.Waiter)
}

// Parker keeps entries until they are due.
type Parker interface {
	Park(customer, endpoint string, e transport.Entry, w transport.Waiter)
}

// Graveyard keeps what was given up.
type Graveyard interface {
	Bury(d *transport.DeadLetter, w transport.Waiter)
}

// Observer sees each record once, as it is decided; it must not keep it.
type Observer interface {
	Record(r *transport.Record)
}

// Deps are an actor's surroundings.
type Deps struct {
	Sender    Sender
	Journal   Journal
	Parker    Parker
	Graveyard Graveyard
	Observer  Observer
	Runner    *Runner
	// Now is the node's clock.
	Now func() time.Time
	// Context ends the attempts under way, at the end of a shutdown's patience.
	Context context.Context
}

// Mailbox is where the ends of attempts are sent: the actor's own reference.
type Mailbox interface{ Send(msg any) }

// Actor carries out what the machine of one endpoint decides.
type Actor struct {
	deps    Deps
	machine Machine
	self    Mailbox
	target  Target
	broken  error // why there is no target
}

// NewActor makes the actor of ep. Bind must be called before it is sent anything.
func NewActor(ep *transport.Endpoint, deps Deps) *Actor {
	a := &Actor{deps: deps}
	a.change(ep)
	return a
}

// Bind tells the actor its own mailbox.
func (a *Actor) Bind(self Mailbox) { a.self = self }

// Messages an actor understands, besides *Lease.
type (
	// Change brings new settings.
	Change struct {
		Endpoint *transport.Endpoint
		// Taken is closed when the settings are in effect.
		Taken chan struct{}
	}
	// Close says why everything is buried from now on.
	Close struct {
		Reason string
		// Taken: see Change.
		Taken chan struct{}
	}
	// Drain hands back what waits.
	Drain struct{}
	// Quit hands back what waits and frees what the actor holds; it is the
	// last message.
	Quit struct{}

	// sent is the end of an attempt.
	sent struct {
		lease  *Lease
		answer transport.Answer
		began  time.Time
	}
)

// sents are used again, but for those that nobody receives.
var sents = sync.Pool{New: func() any { return new(sent) }}

// LeaseIn gives the lease a message is about, or nil.
func LeaseIn(msg any) *Lease {
	switch msg := msg.(type) {
	case *Lease:
		return msg
	case *sent:
		return msg.lease
	}
	return nil
}

// Receive handles one message.
func (a *Actor) Receive(msg any) {
	switch msg := msg.(type) {
	case *Lease:
		a.step(Input{Kind: Leased, Lease: msg})
	case *sent:
		a.step(Input{Kind: Answered, Lease: msg.lease, Answer: &msg.answer, Began: msg.began})
		*msg = sent{}
		sents.Put(msg)
	case Change:
		a.change(msg.Endpoint)
		close(msg.Taken)
	case Close:
		p := a.machine.policy
		p.Closed = msg.Reason
		a.step(Input{Kind: Changed, Policy: &p})
		close(msg.Taken)
	case Drain:
		a.step(Input{Kind: Drained})
	case Quit:
		a.step(Input{Kind: Drained})
		a.Free()
	}
}

func (a *Actor) change(ep *transport.Endpoint) {
	a.Free()
	a.prepare(ep)
	p := PolicyOf(ep)
	a.step(Input{Kind: Changed, Policy: &p})
}

// prepare makes the target. A panic over an endpoint's settings is a fault of
// those settings: it must cost that endpoint alone.
func (a *Actor) prepare(ep *transport.Endpoint) {
	defer func() {
		if v := recover(); v != nil {
			a.target, a.broken = nil, errors.New("a panic while preparing the endpoint; change its settings")
		}
	}()
	a.target, a.broken = a.deps.Sender.Prepare(ep)
}

// Free gives back what the actor holds outside; for its own use, and for the
// owner of an actor that broke.
func (a *Actor) Free() {
	if a.target != nil {
		t := a.target
		a.target = nil
		t.Close()
	}
}

func (a *Actor) step(in Input) {
	for _, e := range a.machine.Step(a.deps.Now(), in) {
		a.perform(&e)
	}
}

func (a *Actor) perform(e *Effect) {
	switch e.Do {
	case Send:
		a.send(e.Lease, e.Number)
	case Record:
		a.record(e)
	case Park:
		a.park(e)
	case Bury:
		e.Lease.Bury(&a.deps, e.Reason, e.Answer)
	case Skip:
		e.Lease.Skip(&a.deps, e.Reason)
	case Release:
		e.Lease.Release()
	}
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
	a.deps.Runner.start(job{ctx: a.deps.Context, target: a.target, self: a.self, sent: s, number: number})
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

func (a *Actor) park(e *Effect) {
	l := e.Lease
	l.awaitClosing()
	a.deps.Parker.Park(l.Event.Customer, l.Endpoint, transport.Entry{
		Event: l.Event, Replay: l.Replay, Tries: l.Tries, Hop: l.Hop + 1, Due: e.At,
	}, l)
	l.handed = true
}
