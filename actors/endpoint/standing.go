package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// standing is how the endpoint stands at now, but for the leases in hand.
func (c *control) standing(now time.Time) transport.Standing {
	s := StandingOf(c.memory(), c.parked, now)
	s.Concurrency, s.Most = c.allowed(now), c.policy.Concurrency
	s.Pace = c.ramp.pace(now, c.policy.Tuning)
	if c.breaker.probing {
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
		s.State, s.Reason, s.Since = transport.StateFailing, r.Reason, r.FailingSince
	}
	return s
}
