package endpoint

import (
	"math"
	"time"
)

// bucket keeps a receiver's rate by the receiver's own clock. When a request
// arrived is not known, only that it was between its send and its answer: so
// one that is in flight counts as arriving now, and drains from its answer on.
// Whatever the network does, no window of time at the receiver then holds more
// than burst + rate × its length, and what was sent twice within an attempt:
// the level may stand above burst for that.
type bucket struct {
	rate  float64 // a second; 0: no limit
	burst float64
	level float64 // answered, not yet drained
	at    time.Time
}

// set takes a changed limit; what was sent still counts.
func (b *bucket) set(now time.Time, rate float64, burst int) {
	b.drain(now)
	b.rate, b.burst = rate, math.Max(1, float64(burst))
	b.level = math.Min(b.level, b.burst)
}

// fill takes every token: what was sent before, and when, is not known.
func (b *bucket) fill(now time.Time) { b.level, b.at = b.burst, now }

func (b *bucket) drain(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.level = math.Max(0, b.level-b.rate*passed.Seconds())
		b.at = now
	}
}

// answered counts a request that ended.
func (b *bucket) answered(now time.Time) {
	if b.rate > 0 {
		b.drain(now)
		b.level++
	}
}

// grain makes up for what is lost in the arithmetic of small fractions.
const grain = 1e-6

// ready tells whether a request may go beside those in flight, or when it may;
// a zero time: when one of those has ended.
func (b *bucket) ready(now time.Time, inFlight int) (bool, time.Time) {
	if b.rate <= 0 {
		return true, time.Time{}
	}
	b.drain(now)
	over := b.level + float64(inFlight) + 1 - b.burst
	switch {
	case over <= grain:
		return true, time.Time{}
	case over > b.level+grain:
		return false, time.Time{}
	}
	return false, now.Add(time.Duration(math.Ceil(over / b.rate * float64(time.Second))))
}

// free is how many requests may go at once now.
func (b *bucket) free(now time.Time, inFlight int) int {
	b.drain(now)
	return max(0, int(b.burst-b.level-float64(inFlight)+grain))
}
