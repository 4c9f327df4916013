package endpoint

import (
	"math"
	"time"

	"github.com/postrider/postrider/transport"
)

// gate tells whether an attempt may begin now, as far as breaker, rate and ramp
// do not matter, or when it may; a zero time: when something else has happened.
func (c *control) gate(now time.Time) (open bool, at time.Time) {
	switch {
	case c.storing > 0 || c.policy.Paused || c.away && !c.canary:
		return false, time.Time{}
	case now.Before(c.heldUntil):
		return false, c.heldUntil
	case c.inFlight >= c.allowed(now):
		return false, time.Time{}
	}
	return true, time.Time{}
}

// paced tells whether breaker, rate and ramp let an attempt begin now, or when
// they may.
func (c *control) paced(now time.Time) (open bool, at time.Time) {
	if open, at = c.breaker.ready(now); !open {
		return false, at
	}
	if open, at = c.limiter.ready(now, c.inFlight); !open {
		return false, at
	}
	return c.ramp.ready(now, c.policy.Tuning)
}

// allowed is how many attempts may be in flight. One that has fallen silent is
// given little more to hang on to; where others need the room, it keeps to its
// share.
func (c *control) allowed(now time.Time) int {
	if c.away {
		return 1
	}
	allowed := c.concurrency.allowed()
	silence := c.silence(now)
	if silence > max(silent, slower*c.concurrency.recent) {
		allowed = min(allowed, max(2, allowed/4))
	}
	if c.shed > 0 && silence > silent {
		allowed = min(allowed, c.shed)
	}
	return allowed
}

// silent is how long an endpoint with attempts under way gives no answer before
// it counts as one that may never, unless it takes its time anyway.
const silent = time.Second

// closedUntil is when the endpoint may take something again at the earliest;
// zero: now. Where the end is not known (a pause) it is as far ahead as is parked.
func (c *control) closedUntil(now time.Time) time.Time {
	var until time.Time
	switch {
	case c.policy.Paused:
		until = now.Add(c.policy.Tuning.Horizon)
	case c.away:
		until = now.Add(c.policy.Tuning.BreakerWait)
	case c.breaker.probing:
		until = now.Add(max(c.policy.Timeout, minPark))
	}
	if until = later(until, c.askedUntil()); !until.After(now) {
		return time.Time{}
	}
	return until
}

// askedUntil is before when nothing goes, by the receiver's word or the breaker's.
func (c *control) askedUntil() time.Time { return later(c.heldUntil, c.breaker.until) }

// narrow: less goes than comes, by the endpoint's own limits or the shard's word.
func (c *control) narrow(now time.Time) bool {
	return c.policy.Rate > 0 || c.shed > 0 || c.policy.Paused || c.away ||
		!c.ramp.from.IsZero() || c.breaker.open() || c.heldUntil.After(now)
}

// silence is how long attempts have been under way without any answer.
func (c *control) silence(now time.Time) time.Duration {
	if c.inFlight == 0 {
		return 0
	}
	return now.Sub(c.silentSince)
}

// busyUntil is when to look again whether an endpoint whose every attempt hangs
// has room: as long again as it has been silent.
func (c *control) busyUntil(now time.Time) time.Time {
	if silence := c.silence(now); c.inFlight >= c.allowed(now) && silence > slowest {
		return now.Add(min(silence, c.policy.Timeout))
	}
	return time.Time{}
}

// keep is how many leases may wait in hand, of an endpoint that takes none before
// closed; limited: it does not take all that come at once.
func (c *control) keep(now, closed time.Time, limited bool) int {
	most := c.mostInHand()
	switch {
	case c.policy.Paused:
		return 0
	case c.storing > 0:
		return most
	case c.breaker.probing:
		return min(most, transport.MaxSegmentEntries)
	case c.away:
		return min(most, c.policy.Concurrency)
	case closed.Sub(now) > inHandFor:
		return 0
	case !limited:
		return most
	}
	soon := int(inHandFor.Seconds() * c.throughput(now, now))
	if c.policy.Rate > 0 {
		soon += c.limiter.free(now, c.inFlight)
	}
	return min(most, max(1, soon))
}

// mostInHand is how many leases may wait in hand by the shard's word.
func (c *control) mostInHand() int {
	if c.shed > 0 {
		return c.shed
	}
	return math.MaxInt
}

// shedOver ends the shard's word on how many leases may wait in hand, where
// none wait and none is parked for room.
func (c *control) shedOver(now time.Time, waiting int) {
	if waiting == 0 && c.silence(now) <= silent {
		c.shed = 0
	}
}
