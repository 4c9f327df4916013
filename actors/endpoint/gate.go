package endpoint

import "time"

// gate tells whether an attempt with l may begin now, or when it may; a zero
// time: when something else has happened.
func (m *Machine) gate(now time.Time, l *Delivery) (open bool, at time.Time) {
	switch {
	case m.storing > 0 || m.policy.Paused || m.away && !m.canary:
		return false, time.Time{}
	case now.Before(m.heldUntil):
		return false, m.heldUntil
	case m.inFlight >= m.allowed(now):
		return false, time.Time{}
	case m.policy.Ordered && !m.order.lets(l.Place()):
		return false, time.Time{}
	case l.Due.After(now):
		return false, l.Due
	}
	return m.paced(now)
}

// paced tells whether breaker, rate and ramp let an attempt begin now, or when
// they may.
func (m *Machine) paced(now time.Time) (open bool, at time.Time) {
	if open, at = m.breaker.ready(now); !open {
		return false, at
	}
	if open, at = m.bucket.ready(now, m.inFlight); !open {
		return false, at
	}
	return m.ramp.ready(now, m.policy.Tuning)
}

// allowed is how many attempts may be in flight. One that has fallen silent is
// given little more to hang on to; where others need the room, it keeps to its
// share.
func (m *Machine) allowed(now time.Time) int {
	if m.policy.Ordered || m.away {
		return 1
	}
	allowed := m.concurrency.allowed()
	silence := m.silence(now)
	if silence > max(silent, slower*m.concurrency.recent) {
		allowed = min(allowed, max(2, allowed/4))
	}
	if m.shed > 0 && silence > silent {
		allowed = min(allowed, m.shed)
	}
	return allowed
}

// silent is how long an endpoint with attempts under way gives no answer before
// it counts as one that may never, unless it takes its time anyway.
const silent = time.Second

// closedUntil is when the endpoint may take something again at the earliest;
// zero: now. Of what has no known end it is as far as is parked ahead.
func (m *Machine) closedUntil(now time.Time) time.Time {
	var until time.Time
	switch {
	case m.policy.Paused:
		until = now.Add(m.policy.Tuning.Horizon)
	case m.away:
		until = now.Add(m.policy.Tuning.BreakerWait)
	case m.breaker.probing():
		until = now.Add(max(m.policy.Timeout, minPark))
	}
	if until = later(until, m.askedUntil()); !until.After(now) {
		return time.Time{}
	}
	return until
}

// askedUntil is the latest of the times before which nothing goes: the
// receiver's word, the breaker's, and what an ordered endpoint must send first.
func (m *Machine) askedUntil() time.Time {
	until := later(m.heldUntil, m.breaker.until)
	if w, some := m.order.first(); some {
		until = later(until, w.Due)
	}
	return until
}

// narrow: less goes than comes, by the endpoint's own limits or the shard's word.
func (m *Machine) narrow(now time.Time) bool {
	return m.policy.Rate > 0 || m.shed > 0 || m.policy.Paused || m.away || m.policy.Ordered ||
		!m.ramp.from.IsZero() || m.breaker.open() || m.heldUntil.After(now)
}

// throughput is how many a second the endpoint takes at the time t, as far as
// is known now.
func (m *Machine) throughput(now, t time.Time) float64 {
	tuning := m.policy.Tuning
	pace := least(tuning.DrainMost, m.policy.Rate)
	if took := max(m.concurrency.recent, m.silence(now)); took > 0 {
		pace = least(pace, float64(m.allowed(now))/took.Seconds())
	}
	from := m.drainFrom(now)
	if !from.IsZero() {
		pace = least(pace, tuning.rampPace(t.Sub(from)))
	}
	if from.After(now) {
		pace = min(pace, hopeful) // it may not come back then; if it does, the rest is recalled
	}
	return pace
}

// hopeful is the most a second that is planned for an endpoint that is closed.
const hopeful = 1000

// least is pace under one more bound; 0 is none.
func least(pace, bound float64) float64 {
	if bound > 0 {
		return min(pace, bound)
	}
	return pace
}

// silence is how long attempts have been under way without any answer.
func (m *Machine) silence(now time.Time) time.Duration {
	if m.inFlight == 0 {
		return 0
	}
	return now.Sub(m.silentSince)
}

// busyUntil is when to look again whether an endpoint whose every attempt hangs
// has room: as long again as it has been silent.
func (m *Machine) busyUntil(now time.Time) time.Time {
	if silence := m.silence(now); m.inFlight >= m.allowed(now) && silence > slowest {
		return now.Add(min(silence, m.policy.Timeout))
	}
	return time.Time{}
}

// drainFrom is when the growing pace began, or will; zero: there is none.
func (m *Machine) drainFrom(now time.Time) time.Time {
	switch {
	case m.breaker.open():
		return later(m.breaker.until, m.heldUntil)
	case m.heldUntil.After(now):
		return m.heldUntil
	}
	return m.ramp.from
}
