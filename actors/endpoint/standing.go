package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// Standing is how the endpoint stands at now.
func (m *Machine) Standing(now time.Time) transport.Standing {
	memory := m.memory()
	s := StandingOf(memory, m.parked, now)
	s.Waiting += m.Waiting() + m.inFlight
	s.Concurrency, s.Most = m.allowed(now), m.policy.Concurrency
	s.Pace = m.ramp.pace(now, m.policy.Tuning)
	if m.breaker.probing() {
		s.Breaker, s.OpenUntil = "probing", time.Time{}
	}
	return s
}

// StandingOf is how an endpoint without an actor stands.
func StandingOf(r transport.Memory, parked transport.Parked, now time.Time) transport.Standing {
	s := transport.Standing{State: transport.StateActive, Waiting: parked.Entries, Breaker: "closed", Concurrency: r.Concurrency}
	if !r.OpenUntil.IsZero() {
		s.Breaker, s.OpenUntil = "open", r.OpenUntil
	}
	if r.HeldUntil.After(now) {
		s.HeldUntil, s.Reason = r.HeldUntil, r.Reason
	}
	if !r.FailingSince.IsZero() {
		s.State, s.Reason = transport.StateFailing, r.Reason
	}
	return s
}
