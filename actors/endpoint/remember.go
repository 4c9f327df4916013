package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// begin takes the settings, and goes on from what an earlier machine knew.
func (c *control) begin(now time.Time, in *Input) {
	c.policy = *in.Policy
	c.breaker = newBreaker(c.policy.Tuning)
	c.limiter.set(now, c.policy.Rate, c.policy.Burst)
	c.concurrency.set(c.policy.atOnce())
	if !in.LastSend.IsZero() && now.Sub(in.LastSend) < c.limiter.refill() {
		c.limiter.empty(now)
	}
	if in.Memory != nil {
		c.restore(now, in.Memory)
	}
	c.breaker.resume(in.Counted)
}

// memory is what must outlive the machine.
func (c *control) memory() transport.Memory {
	return transport.Memory{
		FailingSince: c.failingSince, Reason: c.reason,
		Opens: c.breaker.opens, OpenUntil: c.breaker.until, ClosedAt: c.breaker.closedAt,
		HeldUntil: c.heldUntil, Holds: c.holds, RampFrom: c.ramp.from, Concurrency: c.concurrency.cutTo(),
	}
}

// remember has the memory stored before the next send.
func (c *control) remember() {
	memory := c.memory()
	c.storing++
	c.marked = !memory.IsZero()
	c.do(Effect{Do: Remember, Memory: &memory})
}

// maxAsked is the longest wait that a receiver may ask for.
const maxAsked = 24 * time.Hour

// restore takes up what was remembered. No time is further ahead than it can
// have been set: a clock that was put back meanwhile would close the endpoint
// for as long.
func (c *control) restore(now time.Time, r *transport.Memory) {
	t := c.policy.Tuning
	c.marked = !r.IsZero()
	c.failingSince, c.reason = atMost(r.FailingSince, now), r.Reason
	c.breaker.restore(r.Opens, atMost(r.OpenUntil, now.Add(c.policy.longest(t.BreakerMost))), atMost(r.ClosedAt, now))
	if !c.breaker.open() {
		c.failingSince = time.Time{}
	}
	c.heldUntil, c.holds = atMost(r.HeldUntil, now.Add(maxAsked)), r.Holds
	c.ramp = ramp{from: atMost(r.RampFrom, later(now, c.heldUntil))}
	if r.Concurrency > 0 {
		c.concurrency.limit = float64(min(r.Concurrency, c.policy.atOnce()))
	}
}

// atMost is t, no later than most; zero stays zero.
func atMost(t, most time.Time) time.Time {
	if t.After(most) {
		return most
	}
	return t
}

// change takes new settings.
func (c *control) change(now time.Time, in *Input) {
	c.policy = *in.Policy
	if c.disabled = c.disabled && c.policy.Closed == "" && !in.Resumed && !in.Moved; c.disabled {
		c.policy.Closed = transport.ReasonEndpointDisabled
	}
	c.limiter.set(now, c.policy.Rate, c.policy.Burst)
	c.concurrency.set(c.policy.atOnce())
	if in.Resumed || in.Moved {
		c.forgive()
	}
	if in.Moved {
		c.heldUntil = time.Time{}
	}
	if c.marked && (in.Resumed || in.Moved) {
		c.remember()
	}
}

// forgive forgets the failures that were counted against the endpoint; the time
// before which the receiver asked for nothing stays.
func (c *control) forgive() {
	c.breaker.reset()
	c.breaker.closedAt = time.Time{}
	c.failingSince, c.reason = time.Time{}, ""
	c.holds, c.ramp = 0, ramp{}
	c.concurrency = concurrency{}
	c.concurrency.set(c.policy.atOnce())
}
