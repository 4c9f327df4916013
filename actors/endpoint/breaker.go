package endpoint

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// breaker is gobreaker's under the machine's time. The library counts what it is
// told, decides when a closed breaker opens, that an open one whose time is over
// is half-open, and whether the probe closes it or opens it again. Until when it
// is open is decided here, since the library has one fixed time-out and this one
// grows; and it is asked whether that is over only when it may be (see openTime).
type breaker struct {
	tuning *Tuning
	lib    *gobreaker.DistributedCircuitBreaker[struct{}]
	shared sharedState
	state  gobreaker.State // as the library told last
	row    uint32          // failures in a row, as it counts them
	window window

	probing  bool // the probe is under way, the probes-th
	probes   int
	opens    int // in a row
	until    time.Time
	closedAt time.Time
}

var (
	errFailed   = errors.New("the attempt failed")
	errExcluded = errors.New("the attempt says nothing about the endpoint")
)

// The ends of an attempt, as the library takes them.
var (
	asSuccess  = func() (none struct{}, err error) { return none, nil }
	asFailure  = func() (none struct{}, err error) { return none, errFailed }
	asExcluded = func() (none struct{}, err error) { return none, errExcluded }
)

func newBreaker(t *Tuning) *breaker {
	b := &breaker{tuning: t}
	b.reset()
	return b
}

// reset closes it and forgets what was counted.
func (b *breaker) reset() {
	b.row, b.window, b.probing, b.opens, b.until = 0, window{}, false, 0, time.Time{}
	b.state = gobreaker.StateClosed
	b.shared = sharedState{}
	lib, err := gobreaker.NewDistributedCircuitBreaker[struct{}](&b.shared, gobreaker.Settings{
		MaxRequests:   1,
		ReadyToTrip:   b.ripe,
		IsExcluded:    func(err error) bool { return errors.Is(err, errExcluded) },
		OnStateChange: func(_ string, _, to gobreaker.State) { b.state = to },
	})
	if err != nil {
		panic(err) // its store never fails
	}
	b.lib = lib
}

// restore opens a new one as it was before the node or the actor was there.
func (b *breaker) restore(opens int, until, closedAt time.Time) {
	if b.closedAt = closedAt; b.tuning.BreakerFailures == 0 {
		return
	}
	if b.opens, b.until = opens, until; !until.IsZero() {
		b.state = gobreaker.StateOpen
	}
}

// tally is what an actor has counted, for the next one.
type tally struct {
	window window
	row    uint32
}

func (b *breaker) tally() tally { return tally{window: b.window, row: b.row} }

// resume goes on, where it is closed, from what an actor before has counted.
func (b *breaker) resume(c tally) {
	if b.open() || c == (tally{}) {
		return
	}
	b.window, b.row = c.window, c.row
	b.give(gobreaker.SharedState{State: gobreaker.StateClosed, Counts: gobreaker.Counts{
		Requests: c.row, TotalFailures: c.row, ConsecutiveFailures: c.row}})
}

// ripe: so many in a row, as the library counts them, or half of the last so many.
func (b *breaker) ripe(c gobreaker.Counts) bool {
	of := b.tuning.BreakerWindow
	return b.tuning.BreakerFailures > 0 && (int(c.ConsecutiveFailures) >= b.tuning.BreakerFailures ||
		b.window.n >= of && 2*b.window.failed(of) >= of)
}

// tell brings the end of an attempt to the library; in the states in which it is
// told, the library does not ask for the time.
func (b *breaker) tell(end func() (struct{}, error)) {
	_, _ = b.lib.CircuitBreaker.Execute(end)
	b.row = b.lib.Counts().ConsecutiveFailures
}

// open tells whether nothing but a probe may go.
func (b *breaker) open() bool { return b.state != gobreaker.StateClosed }

// ready tells whether an attempt may go, or when the next probe may; a zero
// time: when the one under way has ended.
func (b *breaker) ready(now time.Time) (bool, time.Time) {
	switch {
	case b.state == gobreaker.StateClosed:
		return true, time.Time{}
	case b.probing:
		return false, time.Time{}
	}
	return !now.Before(b.until), b.until
}

// sent notes that an attempt goes, for which it was ready; of an open breaker it
// is the probe, with a number of its own, else 0.
func (b *breaker) sent(now time.Time) (probe int) {
	if b.state == gobreaker.StateClosed {
		return 0
	}
	if b.state == gobreaker.StateOpen {
		b.give(gobreaker.SharedState{State: gobreaker.StateOpen, Expiry: openTime(now, b.until)})
	}
	b.probing = true
	b.probes++
	return b.probes
}

// awaits tells whether probe is the one under way: a breaker that was reset
// waits for none of before.
func (b *breaker) awaits(probe int) bool { return b.probing && probe == b.probes }

// unsent ends a probe that never went out: the next may go at once.
func (b *breaker) unsent(probe bool) {
	if probe {
		b.probing = false
	}
}

// excluded ends an attempt that says nothing about the endpoint; where it was the
// probe, the breaker is open for another wait.
func (b *breaker) excluded(now time.Time, probe bool) {
	if probe {
		b.probing = false
		b.tell(asExcluded)
		b.state, b.until = gobreaker.StateOpen, now.Add(b.tuning.BreakerWait)
	}
}

// succeeded counts a success; true where it closed the breaker.
func (b *breaker) succeeded(now time.Time, probe bool) (closed bool) {
	switch {
	case b.open() && !probe:
		return false // sent before it opened
	case !b.open():
		b.window.add(false)
		if b.row > 0 { // else it changes nothing that the library decides by
			b.tell(asSuccess)
		}
		b.calm(now)
		return false
	}
	b.probing = false
	b.tell(asSuccess)
	b.window, b.until, b.closedAt = window{}, time.Time{}, now
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
	case !b.open():
		b.calm(now)
		b.window.add(true)
	}
	b.probing = false
	if b.tell(asFailure); !b.open() {
		return false
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
