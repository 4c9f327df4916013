package shard

import (
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// active is an endpoint with an actor: it has leases, or had some a moment ago.
type active struct {
	id     string
	actor  *actorRef // the edge's own
	inHand int
	handed uint64 // leases, so far
	// What it holds of either window, waiting included.
	fresh, due int
	// shedding: the credit is off, so that what waits here can be parked.
	shedding bool
	kept     int // by the last word, at shedAt
	shedAt   time.Time
	// waiting are leases beyond the endpoint's credit.
	waiting endpoint.Queue[*handed]
	idle    time.Time
}

// credit is how many leases an endpoint's mailbox may hold, unless it is
// ordered. It covers what is in flight and what waits for the journal at full
// speed.
const credit = 1024

// lease hands one lease to its endpoint, or ends it where there is none.
func (m *Machine) lease(l *handed) {
	ep := m.routes.byID[l.Endpoint]
	switch {
	case ep == nil:
		m.do(Effect{Do: Bury, Lease: &l.Lease, Reason: transport.ReasonEndpointRemoved})
		return
	case l.Panics >= maxPanics:
		m.do(Effect{Do: Bury, Lease: &l.Lease, Reason: transport.ReasonPanic})
		return
	case m.draining:
		m.handBacks = append(m.handBacks, l)
		return
	}
	if m.mustWait(ep, l) {
		m.blocked = append(m.blocked, l)
		return
	}
	a := m.activeOf(ep)
	if a.inHand >= credit && !a.shedding && !ep.Delivery.Ordered {
		a.waiting.Push(l)
		*a.holds(l.of.due)++
		return
	}
	m.hand(a, l)
}

// holds is how many leases it holds of the window of events, or of what is due.
func (a *active) holds(due bool) *int {
	if due {
		return &a.due
	}
	return &a.fresh
}

func (m *Machine) hand(a *active, l *handed) {
	a.take(l)
	m.do(Effect{Do: Hand, To: a, Lease: &l.Lease})
}

// take counts l against the endpoint's credit.
func (a *active) take(l *handed) {
	a.handed++
	l.to, l.Number = a, a.handed
	a.inHand++
	*a.holds(l.of.due)++
}

// next takes the oldest that waits.
func (a *active) next() *handed {
	l := a.waiting.Pop()
	*a.holds(l.of.due)--
	return l
}

// handAll gives the endpoint what waits for credit. An ordered one must have all
// in hand: the delivery that the others wait for may be among it.
func (m *Machine) handAll(a *active) {
	for a.waiting.Len() > 0 {
		m.hand(a, a.next())
	}
}

func (m *Machine) activeOf(ep *transport.Endpoint) *active {
	if a := m.active[ep.ID]; a != nil {
		return a
	}
	return m.open(ep)
}

func (m *Machine) open(ep *transport.Endpoint) *active {
	a := &active{id: ep.ID, idle: m.now}
	m.active[ep.ID] = a
	m.do(Effect{Do: Open, To: a, Message: Opening{ep, m.parked.of(ep.ID)}})
	if m.away() {
		m.tell(a, endpoint.UplinkChange(endpoint.UplinkLost))
	}
	return a
}

// Opening is what an actor begins with: its endpoint, and what is parked for it.
type Opening struct {
	Endpoint *transport.Endpoint
	Parked   transport.Parked
}

func (m *Machine) tell(a *active, msg any) { m.do(Effect{Do: Tell, To: a, Message: msg}) }

// freeCredit gives an ended lease's credit to the next that waits.
func (m *Machine) freeCredit(now time.Time, l *handed) {
	a := l.to
	if a == nil {
		return
	}
	a.inHand--
	*a.holds(l.of.due)--
	if a.waiting.Len() > 0 {
		m.hand(a, a.next())
		return
	}
	if a.inHand == 0 {
		a.idle = now
	}
}
