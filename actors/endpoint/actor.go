package endpoint

import (
	"context"
	"errors"

	"github.com/postrider/postrider/transport"
)

// Mailbox is where the ends of attempts are sent: the actor's own reference.
type Mailbox interface{ Send(msg any) }

// Actor carries out what the machine of one endpoint decides.
type Actor struct {
	deps     Deps
	endpoint *transport.Endpoint
	retained *Retained
	parked   transport.Parked // what lies in DEFERRED for the endpoint
	closed   Numbers          // of the leases whose closing was asked for
	machine  Machine
	self     Mailbox
	timer    Timer
	target   Target
	broken   error // why there is no target
	// attempts ends what is under way where the actor breaks.
	attempts context.Context
	abort    context.CancelFunc
}

// NewActor makes the actor of ep, which goes on from what was retained; parked lies in
// DEFERRED for it now. Bind must be called before it is sent anything.
func NewActor(ep *transport.Endpoint, r *Retained, parked transport.Parked, deps Deps) *Actor {
	if deps.After == nil {
		deps.After = realTime
	}
	if deps.Context == nil {
		deps.Context = context.Background()
	}
	a := &Actor{endpoint: ep, retained: r, parked: parked, deps: deps}
	a.attempts, a.abort = context.WithCancel(deps.Context)
	return a
}

// Bind tells the actor its own mailbox, into which it puts its first message.
func (a *Actor) Bind(self Mailbox) {
	a.self = self
	self.Send(begin{})
}

func (a *Actor) begin() {
	a.prepare(a.endpoint)
	p := PolicyOf(a.endpoint, a.deps.Tuning)
	in := a.retained.begun()
	in.Policy = &p
	a.step(in)
}

// Receive handles one message.
func (a *Actor) Receive(msg any) {
	switch msg := msg.(type) {
	case *Lease:
		a.step(Input{Kind: Leased, Lease: msg})
	case Aside:
		a.step(Input{Kind: PutAside, Lease: msg.Lease})
	case *sent:
		a.answered(msg)
	case Change:
		a.change(msg.Endpoint)
		close(msg.InEffect)
	case Close:
		p := a.machine.policy
		p.Closed = msg.Reason
		a.step(Input{Kind: Changed, Policy: &p})
		close(msg.InEffect)
	case Drain:
		a.step(Input{Kind: Drained})
	case Quit:
		a.step(Input{Kind: Drained})
		a.Free()
	default:
		a.told(msg)
	}
}

// told handles what is not about a lease.
func (a *Actor) told(msg any) {
	switch msg := msg.(type) {
	case begin:
		a.begin()
	case tick:
		a.step(Input{})
	case stored:
		a.step(Input{Kind: Stored})
	case buried:
		a.step(Input{Kind: Buried, Place: msg.place})
	case recalled:
		a.step(Input{Kind: Recalled})
	case listed:
		a.step(Input{Kind: Listed, Number: msg.number, Pairs: msg.all})
	case ShedTo:
		a.step(Input{Kind: Shed, Keep: int(msg)})
	case UplinkChange:
		a.step(Input{Kind: InputKind(msg)})
	case NotParked:
		a.step(Input{Kind: NoLongerParked, Unparked: msg})
	case ParkedChange:
		a.parked.Entries += msg.Entries
		a.parked.Ready += msg.Ready
		a.parked.Bytes += msg.Bytes
	case Ask:
		a.machine.parked = a.inDeferred()
		msg <- a.machine.Standing(a.deps.Now())
	}
}

func (a *Actor) answered(s *sent) {
	ours := a.deps.Uplink != nil && a.deps.Uplink.Answered(a.deps.Now(), s.delivery.Endpoint, &s.answer)
	a.step(Input{Kind: Answered, Delivery: s.delivery, Answer: &s.answer, Began: s.began, Ours: ours})
	*s = sent{}
	sents.Put(s)
}

func (a *Actor) change(ep *transport.Endpoint) {
	a.closeTarget()
	a.prepare(ep)
	was := a.endpoint
	a.endpoint = ep
	p := PolicyOf(ep, a.deps.Tuning)
	a.step(Input{Kind: Changed, Policy: &p, Resumed: stopped(was) && !stopped(ep),
		Moved: was.URL != ep.URL || was.Address != ep.Address})
}

// stopped: somebody, or a 410, stopped the deliveries until they are resumed.
func stopped(ep *transport.Endpoint) bool {
	return IsClosed(ep) || ep.State == transport.StatePaused
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

// BreakOff ends what an actor that broke has under way, so that it does not go
// on beside its successor's.
func (a *Actor) BreakOff() {
	a.abort()
	a.Free()
}

// Free gives back what the actor holds outside; attempts under way go on.
func (a *Actor) Free() {
	if a.machine.InFlight() == 0 {
		a.abort()
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	a.closeTarget()
}

func (a *Actor) closeTarget() {
	if a.target != nil {
		t := a.target
		a.target = nil
		t.Close()
	}
}

func (a *Actor) step(in Input) {
	in.Parked = a.inDeferred()
	for _, e := range a.machine.Step(a.deps.Now(), in) {
		a.perform(&e)
	}
	a.retained.busy(&a.machine)
	if in.Kind == Answered || in.Kind == Changed {
		a.retained.counts(&a.machine)
	}
}

// inDeferred is what lies in DEFERRED; what was parked twice over a crash may
// have come back more often than it was counted.
func (a *Actor) inDeferred() transport.Parked {
	return transport.Parked{Entries: max(0, a.parked.Entries), Ready: max(0, a.parked.Ready), Bytes: max(0, a.parked.Bytes)}
}
