package quota

import "time"

// News is that a customer came near the bound of a quota, or reached it.
type News struct {
	Customer, Quota string
	Reached         bool // not only near
	Used, Bound     float64
	At              time.Time
}

// Shares of a bound at which it is near, and below which it is no more.
const (
	nearShare  = 0.8
	clearShare = 0.7
	// quiet is how long nothing is told again of the same quota.
	quiet = time.Hour
)

type level uint8

const (
	within level = iota
	near
	reached
)

// standing is where a customer is with a quota. The zero value is well within.
type standing struct {
	level level
	since time.Time // it is near or reached
	told  time.Time // the last news
	of    level     // what the last news was of
}

// look takes in how much is used, and gives the news of it; nil: there are none.
func (s *standing) look(now time.Time, used, bound float64, refused bool) *News {
	next := levelOf(used, bound, refused, s.level)
	rose := next > s.level
	switch {
	case next == within:
		s.since = time.Time{}
	case s.level == within:
		s.since = now
	}
	s.level = next
	if !rose || next <= s.of && now.Sub(s.told) < quiet {
		return nil
	}
	s.told, s.of = now, next
	return &News{Reached: next == reached, Used: used, Bound: bound, At: now}
}

func levelOf(used, bound float64, refused bool, was level) level {
	switch {
	case bound <= 0:
		return within
	case refused || used >= bound:
		return reached
	case used >= nearShare*bound, was != within && used >= clearShare*bound:
		return near
	}
	return within
}

// window is a rate over the last seconds. The zero value is empty.
type window struct {
	at           time.Time // when the present span began
	before, here float64   // what was counted in the span before, and in this one
}

// span is what a rate is taken over.
const span = 10 * time.Second

func (w *window) add(now time.Time, n float64) {
	w.turn(now)
	w.here += n
}

// turn begins another span where the present one is over. A clock set back
// begins anew.
func (w *window) turn(now time.Time) {
	since := now.Sub(w.at)
	switch {
	case since >= 0 && since < span:
		return
	case since >= span && since < 2*span:
		w.at, w.before, w.here = w.at.Add(span), w.here, 0
	default:
		w.at, w.before, w.here = now, 0, 0
	}
}

// rate is what was counted over the last span, for each second.
func (w *window) rate(now time.Time) float64 {
	if w.at.IsZero() {
		return 0
	}
	w.turn(now)
	gone := now.Sub(w.at).Seconds() / span.Seconds()
	return (w.before*(1-gone) + w.here) / span.Seconds()
}
