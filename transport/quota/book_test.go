package quota

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

var start = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

// take wants n of the rate x.
func take(b *Book, now time.Time, customer string, n float64) time.Duration {
	return b.Take(now, customer, transport.QuotaWant{Quota: "x", N: n}).Wait
}

// Over any stretch of time no customer is taken more from than its burst and
// what the rate brings, and what was refused is taken once the wait is over.
func TestARateHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.Float64Range(0.5, 1000).Draw(t, "bound")
		burst := rapid.Float64Range(1, 5000).Draw(t, "burst")
		b := New(Options{Bounds: Bounds{Most: map[string]float64{"x": bound}, AtOnce: map[string]float64{"x": burst}}})
		now, taken := start, 0.0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "pause")))
			n := rapid.IntRange(1, max(1, int(burst))).Draw(t, "n")
			wait := take(b, now, "acme", float64(n))
			if wait > 0 {
				now = now.Add(wait + time.Microsecond)
				if again := take(b, now, "acme", float64(n)); again > 0 {
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
	b := New(Options{Bounds: Bounds{Most: map[string]float64{"x": 1}, AtOnce: map[string]float64{"x": 1}},
		Own: func(customer string) map[string]float64 {
			return map[string]map[string]float64{"big": {"x": 100}, "free": {"x": 0}}[customer]
		}})
	for _, c := range []struct {
		customer string
		bound    float64
		refused  bool
	}{{"acme", 1, false}, {"acme", 1, true}, {"globex", 1, false}, {"big", 100, false}, {"free", 0, false}, {"free", 0, false}} {
		if bound, wait := b.Bound(c.customer, "x"), take(b, start, c.customer, 1); bound != c.bound || wait > 0 != c.refused {
			t.Errorf("%s: bound %v, wait %v", c.customer, bound, wait)
		}
	}
	// A batch larger than the burst is taken in the end.
	if wait := take(b, start.Add(time.Minute), "acme", 1000); wait > 0 {
		t.Errorf("a large batch waits for ever: %v", wait)
	}
}

func TestCountsAndTheirNews(t *testing.T) {
	var told []string
	b := New(Options{Bounds: Bounds{Most: map[string]float64{"endpoints": 10}}, Told: func(n News) {
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
		take(b, start.Add(time.Duration(s)*time.Second), "acme", 5)
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
	b := New(Options{Bounds: Bounds{Most: map[string]float64{"x": 10}}})
	for i := range 3 * mostAccounts {
		take(b, start.Add(time.Duration(i)*time.Second), fmt.Sprint(i), 1)
	}
	if len(b.of) > mostAccounts {
		t.Errorf("%d accounts", len(b.of))
	}
}

// Of two rates both are counted or none: what is refused costs nothing.
func TestWhatIsRefusedIsNotCounted(t *testing.T) {
	b := New(Options{Bounds: Bounds{Most: map[string]float64{"bytes": 100, "events": 1}, AtOnce: map[string]float64{"bytes": 100, "events": 1}}})
	both := func(bytes, events float64) transport.QuotaOver {
		return b.Take(start, "acme", transport.QuotaWant{Quota: "bytes", N: bytes}, transport.QuotaWant{Quota: "events", N: events})
	}
	if over := both(40, 1); over.Wait > 0 {
		t.Errorf("%+v", over)
	}
	for range 10 {
		if over := both(40, 1); over.Quota != "events" || over.Bound != 1 || over.Wait <= 0 {
			t.Errorf("%+v", over)
		}
	}
	if over := b.Take(start, "acme", transport.QuotaWant{Quota: "bytes", N: 60}); over.Wait > 0 {
		t.Errorf("bytes of what was refused were counted: %+v", over)
	}
	if used := b.Use(start, "acme", "bytes", 0).Used; used != 10 {
		t.Errorf("%v bytes a second", used)
	}
}

// Other bounds hold from the next use on.
func TestBoundsChange(t *testing.T) {
	b := New(Options{Bounds: Bounds{Most: map[string]float64{"x": 1, "endpoints": 1}, AtOnce: map[string]float64{"x": 1}}})
	take(b, start, "acme", 1)
	if wait := take(b, start, "acme", 1); wait != time.Second {
		t.Errorf("waits %v", wait)
	}
	b.Set(Bounds{Most: map[string]float64{"x": 10, "endpoints": 2}, AtOnce: map[string]float64{"x": 10}})
	if wait := take(b, start, "acme", 1); wait > 100*time.Millisecond {
		t.Errorf("waits %v at ten a second", wait)
	}
	if _, fits := b.Room(start, "acme", "endpoints", 1); !fits {
		t.Error("the new bound does not hold")
	}
}
