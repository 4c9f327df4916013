package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// begin takes the settings, and goes on from what an earlier machine knew.
func (m *Machine) begin(now time.Time, in *Input) {
	m.policy = *in.Policy
	m.breaker = newBreaker(m.policy.Tuning)
	m.bucket.set(now, m.policy.Rate, m.policy.Burst)
	m.concurrency.set(m.policy.Concurrency)
	if m.bucket.rate > 0 && !in.LastSend.IsZero() && now.Sub(in.LastSend) < seconds(m.bucket.burst/m.bucket.rate) {
		m.bucket.fill(now)
	}
	if in.Memory != nil {
		m.restore(now, in.Memory)
	}
	if !m.breaker.open() {
		m.breaker.last = in.Counted
	}
	m.replan(now)
	m.reorder(now, false)
}

// memory is what must outlive the machine.
func (m *Machine) memory() transport.Memory {
	return transport.Memory{
		FailingSince: m.failingSince, Reason: m.reason,
		Opens: m.breaker.opens, OpenUntil: m.breaker.until, ClosedAt: m.breaker.closedAt,
		HeldUntil: m.heldUntil, Holds: m.holds, RampFrom: m.ramp.from, Concurrency: m.concurrency.cutTo(),
	}
}

// remember has the memory stored before the next send.
func (m *Machine) remember() {
	memory := m.memory()
	m.storing++
	m.marked = !memory.IsZero()
	m.do(Effect{Do: Remember, Memory: &memory})
}

// maxAsked is the longest wait that a receiver may ask for.
const maxAsked = 24 * time.Hour

// restore takes up what was remembered. No time is further ahead than it can
// have been set: a clock that was put back meanwhile would close the endpoint
// for as long.
func (m *Machine) restore(now time.Time, r *transport.Memory) {
	t := m.policy.Tuning
	m.marked = !r.IsZero()
	m.failingSince, m.reason = atMost(r.FailingSince, now), r.Reason
	m.breaker.restore(r.Opens, atMost(r.OpenUntil, now.Add(m.policy.longest(t.BreakerMost))), atMost(r.ClosedAt, now))
	if !m.breaker.open() {
		m.failingSince = time.Time{}
	}
	m.heldUntil, m.holds = atMost(r.HeldUntil, now.Add(maxAsked)), r.Holds
	m.ramp = ramp{from: atMost(r.RampFrom, later(now, m.heldUntil))}
	if r.Concurrency > 0 {
		m.concurrency.limit = float64(min(r.Concurrency, m.policy.Concurrency))
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
func (m *Machine) change(now time.Time, in *Input) {
	was := m.policy
	m.policy = *in.Policy
	if m.disabled = m.disabled && m.policy.Closed == "" && !in.Resumed && !in.Moved; m.disabled {
		m.policy.Closed = transport.ReasonEndpointDisabled
	}
	m.bucket.set(now, m.policy.Rate, m.policy.Burst)
	m.concurrency.set(m.policy.Concurrency)
	if in.Resumed || in.Moved {
		m.forgive()
	}
	if in.Moved {
		m.heldUntil = time.Time{}
	}
	if m.marked && (in.Resumed || in.Moved) {
		m.remember()
	}
	m.replan(now)
	m.reorder(now, was.Ordered)
}

// forgive forgets what was counted against the endpoint; what it asked for
// stays.
func (m *Machine) forgive() {
	m.breaker.reset()
	m.breaker.closedAt = time.Time{}
	m.failingSince, m.reason = time.Time{}, ""
	m.holds, m.ramp = 0, ramp{}
	m.concurrency = concurrency{}
	m.concurrency.set(m.policy.Concurrency)
}

// reorder: the endpoint became ordered, or is so no longer.
func (m *Machine) reorder(now time.Time, was bool) {
	if m.policy.Ordered == was {
		return
	}
	all := append(m.waiting.CutAfter(0), m.early...)
	m.early = nil
	m.order.forget()
	if m.policy.Ordered && m.parked.Entries > 0 {
		m.do(Effect{Do: List, Number: m.order.begin(all)})
	}
	for _, l := range all {
		switch {
		case m.policy.Ordered:
			m.waiting.Insert(l, inOrder)
		case l.Due.After(now):
			m.tooEarly(now, l)
		default:
			m.waiting.Push(l)
		}
	}
}

// relist forgets what is known of what is parked, and has it told anew.
func (m *Machine) relist() {
	m.order.forget()
	m.do(Effect{Do: List, Number: m.order.begin(m.waiting.All())})
}
