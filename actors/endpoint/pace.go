package endpoint

import (
	"math"
	"time"
)

// throughput is how many a second the endpoint takes at the time t, as far as
// is known now.
func (c *control) throughput(now, t time.Time) float64 {
	tuning := c.policy.Tuning
	pace := least(tuning.DrainMost, c.policy.Rate)
	if took := max(c.concurrency.recent, c.silence(now)); took > 0 {
		pace = least(pace, float64(c.allowed(now))/took.Seconds())
	}
	from := c.drainFrom(now)
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

// takes is how long the endpoint takes for n deliveries, from then on.
func (c *control) takes(now, from time.Time, n int) time.Duration {
	t := c.policy.Tuning
	d := float64(n) / c.throughput(now, from.Add(t.Horizon))
	if !c.drainFrom(now).IsZero() { // the time of a doubling pace
		growth := t.DrainDoubling.Seconds()
		d = math.Max(d, growth*math.Log2(1+float64(n)*math.Ln2/(t.DrainPace*growth)))
	}
	return seconds(d)
}

// drainFrom is when the growing pace began, or will; zero: there is none.
func (c *control) drainFrom(now time.Time) time.Time {
	switch {
	case c.breaker.open():
		return later(c.breaker.until, c.heldUntil)
	case c.heldUntil.After(now):
		return c.heldUntil
	}
	return c.ramp.from
}

func seconds(s float64) time.Duration {
	return time.Duration(math.Min(s, 1e9) * float64(time.Second))
}

func later(first time.Time, rest ...time.Time) time.Time {
	for _, t := range rest {
		if t.After(first) {
			first = t
		}
	}
	return first
}
