package bench

import (
	"math"
	"time"
)

// Pacer says when hits are meant to be made: at a rate that grows evenly from
// From to To hits a second during Over, and stays at To until For. It is pure:
// how far its user is behind changes nothing, and a hit that is late is made
// all the same, with the time it was meant for.
type Pacer struct {
	From, To  float64
	Over, For time.Duration
}

// Constant is a pacer of rate hits a second, for the given time.
func Constant(rate float64, d time.Duration) Pacer {
	return Pacer{To: rate, For: d}
}

// Pace says how long to wait before the next hit, given the time since the
// start and the hits made so far; stop says that there is no next one.
func (p Pacer) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	at := p.At(hits)
	if at >= p.For {
		return 0, true
	}
	return max(0, at-elapsed), false
}

// At is when a hit (counted from 0) is meant to be made, since the start. It
// never decreases with hit; a hit that has no time is put at the end of time.
func (p Pacer) At(hit uint64) time.Duration {
	if hit == 0 {
		return 0
	}
	n, over := float64(hit), p.Over.Seconds()
	ramp := (p.From + p.To) / 2 * over
	if n >= ramp {
		return seconds(over + (n-ramp)/p.To)
	}
	// n = From·t + slope·t²/2, solved for t in the form that also holds for slope 0.
	slope := (p.To - p.From) / over
	return seconds(2 * n / (p.From + math.Sqrt(max(0, p.From*p.From+2*slope*n))))
}

func seconds(s float64) time.Duration {
	if nanos := s * float64(time.Second); nanos < math.MaxInt64 {
		return time.Duration(nanos)
	}
	return math.MaxInt64
}
