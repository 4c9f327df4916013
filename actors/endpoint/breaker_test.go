package endpoint

import (
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"
)

// The library decides, by the machine's time, whatever the wall clock says.
func TestTheBreakerGoesByTheMachinesTime(t *testing.T) {
	tuning := DefaultTuning()
	for _, start := range []time.Time{time.Unix(0, 0), time.Now(), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)} {
		b, now := newBreaker(&tuning), start
		is := func(want gobreaker.State) {
			t.Helper()
			if lib := b.lib.CircuitBreaker.State(); b.state != want || lib != want {
				t.Fatalf("from %s: is %s, by the library %s, want %s", start, b.state, lib, want)
			}
		}
		fail := func(probe bool) bool { return b.failed(now, probe, 1) }
		for range 4 {
			if fail(false) {
				t.Fatal("opened too soon")
			}
		}
		b.succeeded(now, false)
		for range 4 {
			fail(false)
		}
		is(gobreaker.StateClosed)
		if !fail(false) {
			t.Fatal("five failures in a row did not open it")
		}
		is(gobreaker.StateOpen)
		for turn, wait := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second} {
			if ok, at := b.ready(now.Add(wait - 1)); ok || !at.Equal(now.Add(wait)) {
				t.Fatalf("turn %d: ready %t, until %s", turn, ok, at.Sub(now))
			}
			now = now.Add(wait)
			if ok, _ := b.ready(now); !ok {
				t.Fatalf("turn %d: no probe after %s", turn, wait)
			}
			probe := b.sent(now)
			is(gobreaker.StateHalfOpen)
			if ok, at := b.ready(now.Add(time.Hour)); ok || !at.IsZero() || !b.awaits(probe) {
				t.Fatalf("turn %d: a second one beside the probe", turn)
			}
			if !fail(true) {
				t.Fatalf("turn %d: the probe's failure did not open it again", turn)
			}
			is(gobreaker.StateOpen)
		}
		now = now.Add(80 * time.Second)
		b.sent(now)
		b.excluded(now, true)
		if ok, at := b.ready(now); ok || !at.Equal(now.Add(10*time.Second)) {
			t.Fatal("a probe that says nothing must be waited for anew")
		}
		now = now.Add(10 * time.Second)
		b.sent(now)
		b.unsent(true)
		b.sent(now)
		if !b.succeeded(now, true) {
			t.Fatal("the probe's success did not close it")
		}
		is(gobreaker.StateClosed)
		if b.row != 0 || b.opens != 4 {
			t.Errorf("%d failures in a row, opened %d times", b.row, b.opens)
		}
	}
}

// Failures far apart are failures in a row, also over several actors.
func TestABreakerGoesOnFromWhatAnotherCounted(t *testing.T) {
	tuning, now := DefaultTuning(), time.Unix(1_700_000_000, 0)
	b := newBreaker(&tuning)
	for range 4 {
		b.failed(now, false, 1)
	}
	next := newBreaker(&tuning)
	if next.resume(b.tally()); next.row != 4 || next.window.n != 4 {
		t.Fatalf("goes on from %+v", next.tally())
	}
	if !next.failed(now, false, 1) {
		t.Error("the fifth failure in a row did not open it")
	}
}

// Half of the last twenty is counted by attempts: the library has windows of time.
func TestHalfOfTheLastTwentyOpensIt(t *testing.T) {
	tuning, now := DefaultTuning(), time.Unix(1_700_000_000, 0)
	b := newBreaker(&tuning)
	for i := range 19 {
		if i%2 == 1 {
			b.succeeded(now, false)
		} else if b.failed(now, false, 1) {
			t.Fatalf("opened by attempt %d", i+1)
		}
		now = now.Add(time.Hour)
	}
	if b.succeeded(now, false); b.open() {
		t.Fatal("a success opened it")
	}
	if !b.failed(now, false, 1) {
		t.Error("ten failures in twenty did not open it")
	}
}
