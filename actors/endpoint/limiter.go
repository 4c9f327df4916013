package endpoint

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// limiter keeps a receiver's rate by the receiver's own clock, in a token bucket
// of x/time/rate that is given the machine's time. When a request arrived is not
// known, only that it was between its send and its answer: so one that is in
// flight counts as arriving now, and its token is taken at its answer. Whatever
// the network does, no window of time at the receiver then holds more than burst
// + rate × its length, and what was sent twice within an attempt: for that the
// tokens may be below none.
type limiter struct {
	tokens *rate.Limiter // nil: no limit
	at     time.Time     // no token is taken at an earlier time
}

// set takes a changed limit; requests that were answered still count.
func (l *limiter) set(now time.Time, perSecond float64, burst int) {
	burst = max(1, burst)
	switch {
	case perSecond <= 0:
		l.tokens = nil
	case l.tokens == nil:
		l.tokens = rate.NewLimiter(rate.Limit(perSecond), burst)
	case l.tokens.Burst() == burst:
		l.tokens.SetLimitAt(now, rate.Limit(perSecond))
	default:
		used := float64(l.tokens.Burst()) - l.tokens.TokensAt(now)
		l.tokens = rate.NewLimiter(rate.Limit(perSecond), burst)
		l.take(now, min(burst, int(math.Ceil(used))))
	}
}

// empty takes every token: what was sent before, and when, is not known.
func (l *limiter) empty(now time.Time) { l.take(now, l.tokens.Burst()) }

// refill is how long an empty bucket takes to be full; 0: there is no limit.
func (l *limiter) refill() time.Duration {
	if l.tokens == nil {
		return 0
	}
	return seconds(float64(l.tokens.Burst()) / float64(l.tokens.Limit()))
}

func (l *limiter) take(now time.Time, n int) {
	l.at = later(l.at, now)
	l.tokens.ReserveN(l.at, n)
}

// answered counts a request that ended.
func (l *limiter) answered(now time.Time) {
	if l.tokens != nil {
		l.take(now, 1)
	}
}

// grain makes up for what is lost in the arithmetic of small fractions.
const grain = 1e-6

// ready tells whether a request may go beside those in flight, or when it may;
// a zero time: when one of those has ended.
func (l *limiter) ready(now time.Time, inFlight int) (bool, time.Time) {
	if l.tokens == nil {
		return true, time.Time{}
	}
	missing := float64(inFlight) + 1 - l.tokens.TokensAt(now)
	switch {
	case missing <= grain:
		return true, time.Time{}
	case inFlight >= l.tokens.Burst():
		return false, time.Time{}
	}
	return false, now.Add(time.Duration(math.Ceil(missing / float64(l.tokens.Limit()) * float64(time.Second))))
}

// free is how many requests may go at once now, where there is a limit.
func (l *limiter) free(now time.Time, inFlight int) int {
	return max(0, int(l.tokens.TokensAt(now)-float64(inFlight)+grain))
}
