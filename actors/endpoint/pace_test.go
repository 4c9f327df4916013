package endpoint

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func calmWorld(t *testing.T, p Policy) *world {
	w := newWorld(1)
	w.t, w.quiet = t, true
	p.Endpoint, p.Tuning, p.Timeout, p.Retries = "ep", &w.tuning, 15*time.Second, true
	w.start(p)
	return w
}

func (w *world) leaseAtOnce(n int) {
	for range n {
		seq := uint64(len(w.pairs) + 1)
		w.fresh(0, &transport.Event{Seq: seq, Time: w.now, Data: make([]byte, 1024)})
	}
}

// ended is how long it takes until all has ended.
func (w *world) ended(most time.Duration) time.Duration {
	start, open := w.now, 0
	for w.now.Sub(start) < most && open < len(w.pairs) {
		w.pass(w.now.Add(100 * time.Millisecond))
		for open < len(w.pairs) && w.pairs[open].ended {
			open++
		}
	}
	return w.now.Sub(start)
}

// Ten thousand events at once: the receiver never sees more than its rate and
// burst, and at least 95 of 100 of what it would take.
func TestARateIsKeptAndUsed(t *testing.T) {
	cases := []struct {
		name        string
		rate        float64
		burst       int
		events      int
		concurrency int
	}{
		{"50/s, burst 100", 50, 100, 10_000, 8},
		{"50/s, burst 100, many at once", 50, 100, 10_000, 256},
		{"10/s, burst 20", 10, 20, 2_000, 8},
		{"1/s, burst 2", 1, 2, 300, 8},
		{"0.1/s, burst 2", 0.1, 2, 40, 8},
		{"1000/s, burst 2000", 1000, 2000, 20_000, 256},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := calmWorld(t, Policy{Rate: c.rate, Burst: c.burst, Concurrency: c.concurrency})
			w.leaseAtOnce(c.events)
			best := seconds(float64(c.events-c.burst) / c.rate)
			took := w.ended(2 * best)
			w.arrivals.verify(w)
			if used := float64(best) / float64(took); used < 0.95 {
				t.Errorf("took %s, %s would do: %.3f of the rate", took, best, used)
			}
			if each := float64(w.parkings) / float64(c.events); each > 2 {
				t.Errorf("each event was parked %.1f times", each)
			}
		})
	}
}

// So it is after a pause, when all comes back by recalls.
func TestARateIsUsedAfterAPause(t *testing.T) {
	w := calmWorld(t, Policy{Rate: 50, Burst: 100, Concurrency: 8})
	w.pause()
	w.leaseAtOnce(5_000)
	w.pass(w.now.Add(time.Minute))
	w.resume()
	if took := w.ended(10 * time.Minute); took > 104*time.Second {
		t.Errorf("took %s, 98 s would do", took)
	}
	w.arrivals.verify(w)
}

// A dead endpoint with 20,000 events waits in no hurry, and is drained in no
// herd when it comes back.
func TestADeadEndpointIsDrainedAtAGrowingPace(t *testing.T) {
	w := calmWorld(t, Policy{Concurrency: 64, Schedule: slices.Repeat([]time.Duration{time.Minute}, 1000)})
	w.mood = unreachable
	w.leaseAtOnce(20_000)
	w.pass(w.now.Add(time.Hour))
	parkings := w.parkings
	w.pass(w.now.Add(time.Hour))
	if each := float64(w.parkings-parkings) / 20_000; each > 20 {
		t.Errorf("each event was parked %.1f times in an hour", each)
	}
	if herd := slices.Max(slices.Collect(maps.Values(w.back))); herd > 1_500 {
		t.Errorf("%d of 20,000 came back from DEFERRED within a second", herd)
	}
	tried := w.arrivals.at
	w.mood, w.arrivals.at = well, nil
	for w.delivered == 0 {
		w.pass(w.now.Add(100 * time.Millisecond))
	}
	back := w.now
	took := w.ended(2 * time.Hour)
	seen := make([]int, 61)
	for _, at := range w.arrivals.at {
		if s := int(at.Sub(back).Seconds()); s >= 0 && s < len(seen) {
			seen[s]++
		}
	}
	for s, n := range seen {
		if pace := w.tuning.rampPace(time.Duration(s+1) * time.Second); pace > 0 && float64(n) > 1.2*pace+5 {
			t.Errorf("%d in the %d. second, the pace is %.0f", n, s, pace)
		}
	}
	t.Logf("%d attempts in two hours while dead, %d parkings an hour; drained in %s, a second: %v", len(tried), w.parkings-parkings, took, seen)
	if took > 3*time.Minute {
		t.Errorf("drained in %s", took)
	}
}

// An ordered endpoint is drained after a pause without waiting for slots.
func TestAnOrderedEndpointIsDrainedAfterAPause(t *testing.T) {
	w := calmWorld(t, Policy{Ordered: true, Concurrency: 8})
	w.leaseAtOnce(200)
	w.pause()
	w.leaseAtOnce(1_800)
	w.pass(w.now.Add(3 * time.Minute))
	w.resume()
	if took := w.ended(30 * time.Minute); took > 6*time.Minute {
		t.Errorf("took %s", took)
	}
}

// What was shed comes back as fast as the endpoint takes it.
func TestWhatWasShedIsServed(t *testing.T) {
	w := calmWorld(t, Policy{Concurrency: 8})
	w.mood = slow
	w.leaseAtOnce(500)
	w.pass(w.now.Add(5 * time.Second))
	w.step(Input{Kind: Shed, Keep: 16})
	took := w.ended(time.Hour)
	if attempts := 500 * 3250 * time.Millisecond / 8; took > attempts*5/4 {
		t.Errorf("took %s, the attempts alone %s", took, attempts)
	}
	if each := float64(w.parkings) / 500; each > 3 {
		t.Errorf("each event was parked %.1f times", each)
	}
}
