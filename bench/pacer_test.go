package bench

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPacer(t *testing.T) {
	ramp := Pacer{From: 0, To: 100, Over: 2 * time.Second, For: 4 * time.Second}
	for _, c := range []struct {
		name    string
		pacer   Pacer
		elapsed time.Duration
		hits    uint64
		wait    time.Duration
		stop    bool
	}{
		{"the first hit is at once", Constant(10, time.Second), 0, 0, 0, false},
		{"the second one interval later", Constant(10, time.Second), 0, 1, 100 * time.Millisecond, false},
		{"what has passed of the interval counts", Constant(10, time.Second), 60 * time.Millisecond, 1, 40 * time.Millisecond, false},
		{"one who is late does not wait", Constant(10, time.Second), 500 * time.Millisecond, 3, 0, false},
		{"ten hits fill the second", Constant(10, time.Second), time.Second, 10, 0, true},
		{"a hit that is late is made after the end", Constant(10, time.Second), 5 * time.Second, 9, 0, false},
		{"half the ramp's time, a quarter of its hits", ramp, 0, 25, time.Second, false},
		{"the ramp's end", ramp, 0, 100, 2 * time.Second, false},
		{"then the full rate", ramp, 0, 200, 3 * time.Second, false},
		{"until its end", ramp, 0, 300, 0, true},
		{"no rate, one hit", Constant(0, time.Second), 0, 1, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wait, stop := c.pacer.Pace(c.elapsed, c.hits)
			if wait.Round(time.Microsecond) != c.wait || stop != c.stop {
				t.Errorf("Pace(%s, %d) = %s, %t; want %s, %t", c.elapsed, c.hits, wait, stop, c.wait, c.stop)
			}
		})
	}
}

func anyPacer(t *rapid.T) Pacer {
	return Pacer{
		From: rapid.Float64Range(0, 50_000).Draw(t, "from"),
		To:   rapid.Float64Range(1, 50_000).Draw(t, "to"),
		Over: time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "over")),
		For:  time.Duration(rapid.Int64Range(1, int64(2*time.Minute)).Draw(t, "for")),
	}
}

// hitsBy is the number of hits meant before t: the integral of the rate.
func hitsBy(p Pacer, t time.Duration) float64 {
	s, over := t.Seconds(), p.Over.Seconds()
	if s <= over {
		return p.From*s + (p.To-p.From)*s*s/(2*over)
	}
	return (p.From+p.To)/2*over + p.To*(s-over)
}

func TestPacerKeepsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPacer(t)
		hit := rapid.Uint64Range(0, 10_000_000).Draw(t, "hit")
		at, next := p.At(hit), p.At(hit+1)
		if next < at {
			t.Fatalf("hit %d at %s, the next one earlier, at %s", hit, at, next)
		}
		if got := hitsBy(p, at); got < float64(hit)-1 || got > float64(hit)+1 {
			t.Fatalf("%f hits are meant by the time of hit %d", got, hit)
		}
	})
}

func TestPacerDoesNotForgetWhoIsLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPacer(t)
		hit := rapid.Uint64Range(0, 10_000_000).Draw(t, "hit")
		late := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "late"))
		_, stop := p.Pace(0, hit)
		wait, stopLate := p.Pace(p.At(hit)+late, hit)
		if stop != stopLate {
			t.Fatalf("whether hit %d is made depends on the time it is asked for", hit)
		}
		if wait != 0 {
			t.Fatalf("hit %d is late and waits %s more", hit, wait)
		}
	})
}
