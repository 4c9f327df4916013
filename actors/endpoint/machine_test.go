package endpoint

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// A receiver that answers anything at all, a node that leases, parks and
// changes its mind at random: the machine's promises hold after every step.
func TestMachineKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: time.Unix(1_700_000_000, 0), closed: map[*Lease]bool{}, flying: map[*Lease]bool{}}
		w.change(t)
		t.Repeat(map[string]func(*rapid.T){
			"lease":  w.lease,
			"answer": w.answer,
			"change": w.change,
			"wait":   func(t *rapid.T) { w.now = w.now.Add(time.Duration(rapid.Int64Range(0, 1e11).Draw(t, "wait"))) },
			"drain": func(t *rapid.T) {
				if rapid.IntRange(0, 20).Draw(t, "really") == 0 {
					w.drained = true
					w.step(t, Input{Kind: Drained})
				}
			},
			"": w.check,
		})
		for len(w.flying) > 0 {
			w.answer(t)
		}
		w.policy.Concurrency = transport.MaxConcurrency
		for w.m.Waiting() > 0 {
			w.step(t, Input{Kind: Changed, Policy: &w.policy})
			for len(w.flying) > 0 {
				w.answer(t)
			}
		}
		for _, l := range w.leases {
			if !w.closed[l] {
				t.Fatalf("lease of event %d has no end", l.Seq)
			}
		}
	})
}

type world struct {
	m       Machine
	policy  Policy
	now     time.Time
	leases  []*Lease
	closed  map[*Lease]bool
	flying  map[*Lease]bool
	drained bool
	asked   time.Duration // Retry-After of the answer being stepped
}

func (w *world) change(t *rapid.T) {
	w.policy = Policy{
		Endpoint:    "ep",
		Retries:     rapid.Bool().Draw(t, "retries"),
		Schedule:    make([]time.Duration, rapid.IntRange(0, 4).Draw(t, "schedule")),
		Concurrency: rapid.IntRange(1, 4).Draw(t, "concurrency"),
		GoneAtOnce:  rapid.Bool().Draw(t, "gone"),
		Jitter:      rapid.Float64Range(0, 0.5).Draw(t, "jitter"),
		MaxAge:      time.Duration(rapid.IntRange(0, 1).Draw(t, "aged")) * time.Minute,
	}
	for i := range w.policy.Schedule {
		w.policy.Schedule[i] = time.Duration(rapid.Int64Range(1, 1e11).Draw(t, "wait"))
	}
	if rapid.IntRange(0, 10).Draw(t, "close") == 0 {
		w.policy.Closed = transport.ReasonEndpointDisabled
	}
	w.step(t, Input{Kind: Changed, Policy: &w.policy})
}

func (w *world) lease(t *rapid.T) {
	l := &Lease{
		Pair:  transport.Pair{Seq: uint64(len(w.leases) + 1)},
		Event: &transport.Event{Time: w.now.Add(-time.Duration(rapid.IntRange(0, 120).Draw(t, "age")) * time.Second)},
		Tries: make([]transport.Try, rapid.IntRange(0, 5).Draw(t, "tries")),
	}
	if rapid.Bool().Draw(t, "early") {
		l.Due = w.now.Add(time.Duration(rapid.IntRange(-10, 10).Draw(t, "due")) * time.Second)
	}
	w.leases = append(w.leases, l)
	w.step(t, Input{Kind: Leased, Lease: l})
}

func (w *world) answer(t *rapid.T) {
	var l *Lease
	for _, c := range w.leases {
		if w.flying[c] && (l == nil || rapid.Bool().Draw(t, "this")) {
			l = c
		}
	}
	if l == nil {
		return
	}
	delete(w.flying, l)
	a := &transport.Answer{
		Class:  transport.Class(rapid.IntRange(int(transport.Delivered), int(transport.Skip)).Draw(t, "class")),
		Reason: rapid.SampledFrom([]string{"", "status", transport.ReasonPanic, transport.ReasonUnrenderable}).Draw(t, "reason"),
	}
	if a.Class == transport.Throttled {
		a.RetryAfter = time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "asked"))
	}
	w.asked = a.RetryAfter
	w.step(t, Input{Kind: Answered, Lease: l, Answer: a, Began: w.now})
	w.asked = 0
}

func (w *world) step(t *rapid.T, in Input) {
	for _, e := range w.m.Step(w.now, in) {
		l := e.Lease
		if w.closed[l] {
			t.Fatalf("effect %d for event %d after its end", e.Do, l.Seq)
		}
		switch e.Do {
		case Send:
			w.sent(t, &e)
		case Record:
			w.closed[l] = e.Answer.Class == transport.Delivered
			if !e.At.IsZero() && e.At.Before(w.now.Add(w.asked)) {
				t.Fatalf("next attempt at %s, %s was asked for at %s", e.At, w.asked, w.now)
			}
		default:
			w.closed[l] = true
		}
	}
}

func (w *world) sent(t *rapid.T, e *Effect) {
	l := e.Lease
	w.flying[l] = true
	switch {
	case w.drained || w.policy.Closed != "":
		t.Fatal("sent after the end")
	case len(w.flying) > w.policy.Concurrency:
		t.Fatalf("%d in flight, the endpoint takes %d", len(w.flying), w.policy.Concurrency)
	case l.Due.After(w.now):
		t.Fatalf("sent %s before it is due", l.Due.Sub(w.now))
	case e.Number != len(l.Tries)+1:
		t.Fatalf("attempt %d after %d tries", e.Number, len(l.Tries))
	}
}

func (w *world) check(t *rapid.T) {
	if w.m.InFlight() != len(w.flying) {
		t.Fatalf("machine counts %d in flight, there are %d", w.m.InFlight(), len(w.flying))
	}
}

func TestSpreadIsEvenAndRepeatable(t *testing.T) {
	p := Policy{Endpoint: "3c4e5cd1-5d75-4b7f-9d3e-2f1c0c6a9d11"}
	var buckets [10]int
	start := time.Unix(1_700_000_000, 0)
	const n = 20_000
	for i := range n {
		at := start.Add(time.Duration(i) * jitterStep)
		x := p.spread(at, 1)
		if x < -1 || x >= 1 || x != p.spread(at.Add(jitterStep/2), 1) {
			t.Fatalf("spread %v at step %d", x, i)
		}
		buckets[int((x+1)*5)]++
	}
	for i, c := range buckets {
		if c < n/10*8/10 || c > n/10*12/10 {
			t.Errorf("bucket %d holds %d of %d", i, c, n)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	var m Machine
	m.Step(time.Time{}, Input{Kind: Changed, Policy: &Policy{Concurrency: 8, Retries: true}})
	l := &Lease{Event: &transport.Event{}}
	a := &transport.Answer{Class: transport.Delivered}
	now := time.Unix(1_700_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		m.Step(now, Input{Kind: Leased, Lease: l})
		m.Step(now, Input{Kind: Answered, Lease: l, Answer: a, Began: now})
	}
}
