package endpoint

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

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

// An alarm that goes off before its time is set again: nothing else may ever come.
func TestAnAlarmThatComesTooEarlyIsSetAgain(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		tuning, now, m := DefaultTuning(), time.Unix(1_700_000_000, 0), Machine{}
		m.Step(now, Input{Kind: Begun, Policy: &Policy{Concurrency: 8, Ordered: ordered, Retries: true, Tuning: &tuning}})
		alarm := func(effects []Effect) (at time.Time) {
			for _, e := range effects {
				if e.Do == Wake {
					at = e.At
				}
			}
			return at
		}
		first := alarm(m.Step(now, Input{Kind: Leased, Lease: &Lease{Pair: transport.Pair{Seq: 3}, Event: &transport.Event{}, Due: now.Add(time.Second)}}))
		if first.IsZero() {
			t.Fatalf("ordered %v: no alarm is set", ordered)
		}
		if again := alarm(m.Step(first.Add(-time.Millisecond), Input{})); !again.Equal(first) {
			t.Errorf("ordered %v: it is set for %v, then for %v", ordered, first, again)
		}
	}
}

// BenchmarkStep is one pair handed over and delivered.
func BenchmarkStep(b *testing.B) {
	tuning := DefaultTuning()
	cases := []struct {
		name    string
		policy  Policy
		waiting int
	}{
		{"healthy", Policy{Concurrency: 8}, 0},
		{"some wait", Policy{Concurrency: 8}, 100},
		{"rate", Policy{Concurrency: 8, Rate: 1e6, Burst: 1e6}, 0},
		{"ordered", Policy{Concurrency: 8, Ordered: true}, 0},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			p := c.policy
			p.Retries, p.Tuning = true, &tuning
			var m Machine
			now := time.Unix(1_700_000_000, 0)
			m.Step(now, Input{Kind: Begun, Policy: &p})
			var flying []*Delivery
			step := func(in Input) {
				for _, e := range m.Step(now, in) {
					if e.Do == Send {
						flying = append(flying, e.Delivery)
					}
				}
			}
			leases := make([]Lease, c.waiting+8+1)
			for i := range leases[1:] {
				leases[i+1].Event = &transport.Event{}
				if c.waiting > 0 {
					step(Input{Kind: Leased, Lease: &leases[i+1]})
				}
			}
			l := &leases[0]
			l.Event = &transport.Event{}
			a := &transport.Answer{Class: transport.Delivered, Took: time.Millisecond}
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Microsecond) // so that a rate has room
				step(Input{Kind: Leased, Lease: l})
				d := flying[0]
				l = d.Lease
				flying = flying[:copy(flying, flying[1:])]
				step(Input{Kind: Answered, Delivery: d, Answer: a, Began: now})
			}
		})
	}
}
