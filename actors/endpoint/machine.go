package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// Machine decides for one endpoint. The zero value with a policy set by a
// Changed input is ready.
type Machine struct {
	policy   Policy
	waiting  Queue
	inFlight int
	draining bool
	effects  []Effect
}

// Input is what happened. Kind says which fields are set.
type Input struct {
	Kind InputKind
	// Lease: Leased, Answered.
	Lease *Lease
	// Answer and Began: Answered.
	Answer *transport.Answer
	Began  time.Time
	// Policy: Changed.
	Policy *Policy
}

// InputKind names what happened.
type InputKind uint8

const (
	// Leased: a pair was handed over.
	Leased InputKind = iota + 1
	// Answered: an attempt ended.
	Answered
	// Changed: the endpoint's settings are new; they hold from the next attempt on.
	Changed
	// Drained: hand back what waits; finish what is in flight.
	Drained
)

// Effect is what to do now. Do says which fields are set.
type Effect struct {
	Do    Verb
	Lease *Lease
	// Number of the attempt, from 1: Send, Record.
	Number int
	// Answer and Began: Record.
	Answer *transport.Answer
	Began  time.Time
	// At: the next attempt's due time (Record, Park); zero: none.
	At time.Time
	// Reason: Bury, Skip.
	Reason string
}

// Verb names an effect.
type Verb uint8

const (
	// Send: make an attempt; its end comes back as Answered.
	Send Verb = iota + 1
	// Record: journal an attempt. It closes the lease when it delivered.
	Record
	// Park: keep the pair in DEFERRED until At; closes the lease.
	Park
	// Bury: give the pair up; closes the lease.
	Bury
	// Skip: the pair ends without a delivery; closes the lease.
	Skip
	// Release: hand the lease back unsettled.
	Release
)

// maxPanics is how often rendering or sending an event may panic.
const maxPanics = 3

// Step takes one input and returns what to do, in order. The slice is valid
// until the next Step.
func (m *Machine) Step(now time.Time, in Input) []Effect {
	m.effects = m.effects[:0]
	switch in.Kind {
	case Leased:
		m.leased(in.Lease)
	case Answered:
		m.inFlight--
		m.answered(now, in)
	case Changed:
		m.policy = *in.Policy
	case Drained:
		m.draining = true
	}
	m.fill(now)
	return m.effects
}

// Waiting and InFlight count the leases in hand.
func (m *Machine) Waiting() int { return m.waiting.Len() }

// InFlight counts the attempts under way.
func (m *Machine) InFlight() int { return m.inFlight }

func (m *Machine) leased(l *Lease) {
	if m.draining {
		m.do(Effect{Do: Release, Lease: l})
		return
	}
	m.waiting.Push(l)
}

// fill starts what may start now.
func (m *Machine) fill(now time.Time) {
	for m.waiting.Len() > 0 && (m.draining || m.policy.Closed != "" || m.inFlight < m.policy.Concurrency) {
		l := m.waiting.Pop()
		switch {
		case m.draining:
			m.do(Effect{Do: Release, Lease: l})
		case m.policy.Closed != "":
			m.do(Effect{Do: Bury, Lease: l, Reason: m.policy.Closed})
		case m.expired(now, l):
			m.do(Effect{Do: Skip, Lease: l, Reason: transport.ReasonExpired})
		case l.Due.After(now):
			m.do(Effect{Do: Park, Lease: l, At: l.Due})
		default:
			m.inFlight++
			m.do(Effect{Do: Send, Lease: l, Number: len(l.Tries) + 1})
		}
	}
}

func (m *Machine) expired(now time.Time, l *Lease) bool {
	return m.policy.MaxAge > 0 && now.Sub(l.Event.Time) > m.policy.MaxAge
}

func (m *Machine) answered(now time.Time, in Input) {
	l, a := in.Lease, in.Answer
	switch a.Class {
	case transport.Aborted:
		m.do(Effect{Do: Release, Lease: l})
		return
	case transport.Skip:
		m.do(Effect{Do: Skip, Lease: l, Reason: a.Reason})
		return
	}
	number := len(l.Tries) + 1
	record := Effect{Do: Record, Lease: l, Number: number, Answer: a, Began: in.Began}
	if a.Class == transport.Delivered {
		m.do(record)
		return
	}
	l.Tries = append(l.Tries, transport.Try{At: in.Began, Took: a.Took, Status: a.Status, Class: a.Class, Reason: a.Reason})
	if reason := m.hopeless(l, a); reason != "" {
		m.do(record)
		m.do(Effect{Do: Bury, Lease: l, Reason: reason, Answer: a})
		return
	}
	wait, _ := m.policy.wait(now, number)
	record.At = now.Add(max(wait, a.RetryAfter))
	m.do(record)
	m.do(Effect{Do: Park, Lease: l, At: record.At})
}

// hopeless gives the reason why no further attempt will be made, or "".
func (m *Machine) hopeless(l *Lease, a *transport.Answer) string {
	switch {
	case m.policy.Closed != "":
		return m.policy.Closed
	case a.Reason == transport.ReasonUnrenderable:
		return transport.ReasonUnrenderable
	case a.Reason == transport.ReasonPanic && panics(l.Tries) >= maxPanics:
		return transport.ReasonPanic
	case a.Class == transport.Gone && m.policy.GoneAtOnce:
		return transport.ReasonGone
	case !m.policy.Retries:
		return transport.ReasonRetriesOff
	case len(l.Tries) > len(m.policy.Schedule):
		return transport.ReasonExhausted
	}
	return ""
}

func panics(tries []transport.Try) (n int) {
	for _, t := range tries {
		if t.Reason == transport.ReasonPanic {
			n++
		}
	}
	return n
}

func (m *Machine) do(e Effect) { m.effects = append(m.effects, e) }
