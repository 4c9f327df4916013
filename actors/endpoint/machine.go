package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// Machine decides for one endpoint: as the unordered machine or as the ordered
// one, by its policy. Where that changes, the one gives the other all leases it
// has in hand. Its first input must be Begun.
type Machine struct {
	control
	free    unordered
	ordered ordered
	now     discipline
	in      Input
}

// discipline is the part of a machine that is its own: which lease is next, and
// where the others wait. It is given what the other inputs say by control.
type discipline interface {
	// begin takes the leases over that the other machine had in hand.
	begin(now time.Time, inHand []*Delivery)
	// end gives all leases away that wait in hand, the oldest first.
	end() []*Delivery
	// take takes an input in that is about leases, or what is parked.
	take(now time.Time, in *Input)
	// work starts what may start now, parks what must not wait in hand, and asks
	// to be stepped again.
	work(now time.Time)
	// waiting counts the leases that wait in hand.
	waiting() int
}

// Step takes one input and returns what to do, in order. The slice is valid
// until the next Step.
func (m *Machine) Step(now time.Time, in Input) []Effect {
	clear(m.effects)
	m.effects = m.effects[:0]
	m.collect()
	m.parked = in.Parked
	m.in = in // it stays off the heap
	switch in.Kind {
	case Begun:
		m.control.begin(now, &m.in)
		m.free.control, m.ordered.control = &m.control, &m.control
		m.choose(now)
	case Changed:
		m.change(now, &m.in)
		m.choose(now)
	default:
		m.told(&m.in)
		m.now.take(now, &m.in)
	}
	m.now.work(now)
	m.in = Input{}
	return m.effects
}

// choose goes over to the machine that the policy asks for.
func (m *Machine) choose(now time.Time) {
	m.free.replan(now)
	next := discipline(&m.free)
	if m.policy.Ordered {
		next = &m.ordered
	}
	if next == m.now {
		return
	}
	var inHand []*Delivery
	if m.now != nil {
		inHand = m.now.end()
	}
	m.now = next
	next.begin(now, inHand)
}

// Waiting counts the leases in hand that are not in flight.
func (m *Machine) Waiting() int { return m.now.waiting() }

// InFlight counts the attempts under way.
func (m *Machine) InFlight() int { return m.inFlight }

// Standing is how the endpoint stands at now.
func (m *Machine) Standing(now time.Time) transport.Standing {
	s := m.standing(now)
	s.Waiting += m.Waiting() + m.inFlight
	s.InFlight = m.inFlight
	return s
}
