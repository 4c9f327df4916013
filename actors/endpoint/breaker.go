package endpoint

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// breaker is gobreaker's two-step breaker under a clock that is given: it
// counts over the last attempts, and knows until when it is open and how often
// in a row it opened. The library decides when it opens, and holds the probe's
// place; when an open one may be probed is decided here, so the library's own
// time-out is the shortest there is.
type breaker struct {
	tuning *Tuning
	two    *gobreaker.TwoStepCircuitBreaker[struct{}]
	last   outcomes
	// done ends the probe that is under way, which is the probes-th; nil: none.
	done     func(error)
	probes   int
	opens    int
	until    time.Time
	closedAt time.Time
}

var (
	errFailed   = errors.New("the attempt failed")
	errExcluded = errors.New("the attempt says nothing about the endpoint")
)

// outcomes are the last attempts, newest in the lowest bit, failed ones set.
type outcomes struct {
	bits uint64
	n    int
	row  int // failures in a row
}

func (o *outcomes) add(failed bool) {
	o.bits, o.n = o.bits<<1, min(o.n+1, 64)
	if !failed {
		o.row = 0
		return
	}
	o.bits |= 1
	o.row++
}

func (o *outcomes) failed(of int) (n int) {
	for i := range min(of, o.n) {
		n += int(o.bits >> i & 1)
	}
	return n
}

func newBreaker(t *Tuning) *breaker {
	b := &breaker{tuning: t}
	b.reset()
	return b
}

// reset closes it and forgets what was counted.
func (b *breaker) reset() {
	b.last, b.done, b.opens, b.until = outcomes{}, nil, 0, time.Time{}
	b.two = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  1,
		Timeout:      1,
		ReadyToTrip:  func(gobreaker.Counts) bool { return b.ripe() },
		IsSuccessful: func(err error) bool { return err == nil },
		IsExcluded:   func(err error) bool { return errors.Is(err, errExcluded) },
	})
}

// restore opens it as it was before the node or the actor was there.
func (b *breaker) restore(opens int, until, closedAt time.Time) {
	b.reset()
	if b.closedAt = closedAt; b.tuning.BreakerFailures == 0 {
		return
	}
	b.opens, b.until = opens, until
	if b.open() {
		b.last.row = b.tuning.BreakerFailures
		b.tell(errFailed)
	}
}

// ripe: so many in a row, or half of the last so many.
func (b *breaker) ripe() bool {
	of := b.tuning.BreakerWindow
	return b.tuning.BreakerFailures > 0 && (b.last.row >= b.tuning.BreakerFailures || b.last.n >= of && 2*b.last.failed(of) >= of)
}

// tell brings one failure to a closed breaker; true where that opened it.
func (b *breaker) tell(err error) bool {
	if done, refused := b.two.Allow(); refused == nil {
		done(err)
	}
	return b.two.State() != gobreaker.StateClosed
}

// open tells whether nothing but a probe may go.
func (b *breaker) open() bool { return !b.until.IsZero() }

// probing tells whether a probe is under way.
func (b *breaker) probing() bool { return b.done != nil }

// ready tells whether an attempt may go, or when the next probe may; a zero
// time: when the one under way has ended.
func (b *breaker) ready(now time.Time) (bool, time.Time) {
	switch {
	case !b.open():
		return true, time.Time{}
	case b.probing():
		return false, time.Time{}
	}
	return !now.Before(b.until), b.until
}

// sent notes that an attempt goes; of an open breaker it is the probe, with a
// number of its own, else 0.
func (b *breaker) sent() (probe int) {
	if !b.open() {
		return 0
	}
	done, err := b.two.Allow()
	if err != nil { // the library's own clock has not moved since it opened
		done = func(error) {}
	}
	b.done = done
	b.probes++
	return b.probes
}

// awaits tells whether probe is the one under way: a breaker that was reset
// waits for none of before.
func (b *breaker) awaits(probe int) bool { return b.done != nil && probe == b.probes }

func (b *breaker) endProbe(err error) {
	if done := b.done; done != nil {
		b.done = nil
		done(err)
	}
}

// unsent ends a probe that never went out: the next may go at once.
func (b *breaker) unsent(probe bool) {
	if probe {
		b.endProbe(errExcluded)
	}
}

// excluded ends an attempt that says nothing about the endpoint.
func (b *breaker) excluded(now time.Time, probe bool) {
	if probe {
		b.endProbe(errExcluded)
		b.until = now.Add(b.tuning.BreakerWait)
	}
}

// succeeded counts a success; true where it closed the breaker.
func (b *breaker) succeeded(now time.Time, probe bool) (closed bool) {
	if !b.open() {
		b.last.add(false)
		b.calm(now)
		return false
	}
	if !probe {
		return false // sent before it opened
	}
	opens := b.opens
	b.endProbe(nil)
	b.reset()
	b.opens, b.closedAt = opens, now
	return true
}

// calm forgets how often it opened, once it has been closed for as long as it
// was open last: one that opens and closes in turn keeps its long waits.
func (b *breaker) calm(now time.Time) {
	if b.opens > 0 && now.Sub(b.closedAt) >= b.wait(b.opens) {
		b.opens = 0
	}
}

// failed counts a failure; true where it opened the breaker, or keeps it open:
// for stretch times as long as its turn is.
func (b *breaker) failed(now time.Time, probe bool, stretch float64) (opened bool) {
	switch {
	case b.open() && !probe:
		return false // sent before it opened
	case b.open():
		b.endProbe(errFailed)
	default:
		b.calm(now)
		b.last.add(true)
		if !b.tell(errFailed) {
			return false
		}
	}
	b.opens++
	b.until = now.Add(time.Duration(stretch * float64(b.wait(b.opens))))
	return true
}

// wait is how long it stays open the n-th time in a row.
func (b *breaker) wait(n int) time.Duration {
	return doubling(b.tuning.BreakerWait, b.tuning.BreakerMost, n)
}

// doubling is first, twice that, and so on, the n-th time; at most most.
func doubling(first, most time.Duration, n int) time.Duration {
	d := first
	for ; n > 1 && d < most; n-- {
		d *= 2
	}
	return min(d, most)
}
