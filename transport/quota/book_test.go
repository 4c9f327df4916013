package quota

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

var start = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

// Over any stretch of time no customer is taken more from than its burst and
// what the rate brings, and what was refused is taken once the wait is over.
func TestARateHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.Float64Range(0.5, 1000).Draw(t, "bound")
		burst := rapid.Float64Range(1, 5000).Draw(t, "burst")
		b := New(Options{Bounds: map[string]float64{"x": bound}, Bursts: map[string]float64{"x": burst}})
		now, taken := start, 0.0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "pause")))
			n := rapid.IntRange(1, max(1, int(burst))).Draw(t, "n")
			_, wait := b.Take(now, "acme", "x", float64(n))
			if wait > 0 {
				now = now.Add(wait + time.Microsecond)
				if _, again := b.Take(now, "acme", "x", float64(n)); again > 0 {
					t.Fatalf("after the wait of %v still %v", wait, again)
				}
			}
			taken += float64(n)
			if most := burst + 1 + bound*now.Sub(start).Seconds() + 1e-3; taken > most {
				t.Fatalf("%v taken after %v, at most %v", taken, now.Sub(start), most)
			}
		}
	})
}

func TestCustomersHaveAccountsOfTheirOwn(t *testing.T) {
	b := New(Options{Bounds: map[string]float64{"x": 1}, Bursts: map[string]float64{"x": 1},
		Own: func(customer string) map[string]float64 {
			return map[string]map[string]float64{"big": {"x": 100}, "free": {"x": 0}}[customer]
		}})
	for _, c := range []struct {
		customer string
		bound    float64
		refused  bool
	}{{"acme", 1, false}, {"acme", 1, true}, {"globex", 1, false}, {"big", 100, false}, {"free", 0, false}, {"free", 0, false}} {
		if bound, wait := b.Take(start, c.customer, "x", 1); bound != c.bound || wait > 0 != c.refused {
			t.Errorf("%s: bound %v, wait %v", c.customer, bound, wait)
		}
	}
	// A batch larger than the burst is taken in the end.
	if _, wait := b.Take(start.Add(time.Minute), "acme", "x", 1000); wait > 0 {
		t.Errorf("a large batch waits for ever: %v", wait)
	}
}

func TestCountsAndTheirNews(t *testing.T) {
	var told []string
	b := New(Options{Bounds: map[string]float64{"endpoints": 10}, Told: func(n News) {
		told = append(told, fmt.Sprintf("%s %s %v %v/%v", n.Customer, n.Quota, n.Reached, n.Used, n.Bound))
	}})
	for there := range 12 {
		if _, fits := b.Room(start.Add(time.Duration(there)*time.Minute), "acme", "endpoints", there); fits != (there < 10) {
			t.Errorf("%d there: fits %v", there, fits)
		}
	}
	want := []string{"acme endpoints false 8/10", "acme endpoints true 10/10"}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", told, want)
	}
	use := b.Use(start.Add(time.Hour), "acme", "endpoints", 10)
	if use.Since == nil || !use.Since.Equal(start.Add(7*time.Minute)) {
		t.Errorf("near since %v", use.Since)
	}
	if use := b.Use(start.Add(time.Hour), "acme", "endpoints", 6); use != (transport.QuotaUse{Quota: "endpoints", Used: 6, Bound: 10}) {
		t.Errorf("below: %+v", use)
	}
	// The same is not told twice within an hour, and is after it.
	b.Use(start.Add(61*time.Minute), "acme", "endpoints", 10)
	b.Use(start.Add(62*time.Minute), "acme", "endpoints", 0)
	b.Use(start.Add(3*time.Hour), "acme", "endpoints", 10)
	if len(told) != 3 {
		t.Errorf("told %v", told)
	}
}

func TestARateIsOverTheLastSeconds(t *testing.T) {
	b := New(Options{})
	for s := range 30 {
		b.Take(start.Add(time.Duration(s)*time.Second), "acme", "x", 5)
	}
	for _, c := range []struct {
		after time.Duration
		least float64
		most  float64
	}{{30 * time.Second, 4.9, 5.1}, {35 * time.Second, 2, 3}, {time.Minute, 0, 0}} {
		if use := b.Use(start.Add(c.after), "acme", "x", 0); use.Used < c.least || use.Used > c.most {
			t.Errorf("after %v: %v", c.after, use.Used)
		}
	}
}

// What is remembered is bounded by who is active.
func TestIdleAccountsEnd(t *testing.T) {
	b := New(Options{Bounds: map[string]float64{"x": 10}})
	for i := range 3 * mostAccounts {
		b.Take(start.Add(time.Duration(i)*time.Second), fmt.Sprint(i), "x", 1)
	}
	if len(b.of) > mostAccounts {
		t.Errorf("%d accounts", len(b.of))
	}
}
