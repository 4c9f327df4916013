package shard

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

var (
	unreached = transport.Answer{Class: transport.Failed, Reason: transport.ReasonTimeout, Unreached: true}
	hung      = transport.Answer{Class: transport.Failed, Reason: transport.ReasonTimeout}
)

func TestWhenTheLineIsDown(t *testing.T) {
	type tried struct {
		endpoints int
		answer    transport.Answer
	}
	for _, c := range []struct {
		name  string
		after time.Duration // since someone was reached
		tried []tried
		down  bool
	}{
		{"nobody of twenty", time.Minute, []tried{{20, unreached}}, true},
		{"nobody of nineteen: too few to tell", time.Minute, []tried{{19, unreached}}, false},
		{"most of many, and nobody was reached since", 3 * time.Second, []tried{{20, accepted}, {21, unreached}}, true},
		{"half of them", 3 * time.Second, []tried{{20, accepted}, {20, unreached}}, false},
		{"someone was reached a second ago", time.Second, []tried{{1, accepted}, {50, unreached}}, false},
		{"an answer of any kind is reached", time.Second, []tried{{1, failed}, {50, unreached}}, false},
		{"those that hang were reached", time.Minute, []tried{{1000, hung}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var said []bool
			u := newUplink(func(down bool) { said = append(said, down) })
			now := time.Unix(1_700_000_000, 0)
			n := 0
			for i, some := range c.tried {
				for range some.endpoints {
					n++
					now = now.Add(goodGrain)
					u.Answered(now, fmt.Sprint(n), &some.answer)
					if i > 0 {
						now = now.Add(-goodGrain)
					}
				}
				if i == 0 && len(c.tried) > 1 {
					now = now.Add(c.after)
				}
			}
			if u.down.Load() != c.down || len(said) > 1 || len(said) == 1 != c.down {
				t.Errorf("down: %t, said %v", u.down.Load(), said)
			}
		})
	}
}

func TestTheFirstThatIsReachedBringsTheLineBack(t *testing.T) {
	var said []bool
	u := newUplink(func(down bool) { said = append(said, down) })
	now := time.Unix(1_700_000_000, 0)
	for i := range uplinkLeast {
		if ours := u.Answered(now, fmt.Sprint(i), &unreached); ours != (i == uplinkLeast-1) {
			t.Errorf("attempt %d ours: %t", i, ours)
		}
	}
	if !u.Answered(now, "a", &unreached) {
		t.Error("a failure while the line is down is the endpoint's")
	}
	if u.Answered(now, "b", &failed) {
		t.Error("a 500 is ours")
	}
	if fmt.Sprint(said) != "[true false]" {
		t.Errorf("said %v", said)
	}
}

// Everything fails at once: after it was seen to be us, one attempt at a time
// is made, nothing is counted, and all is delivered when the line is back.
func TestOurOwnLineDownCountsAgainstNobody(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		const many = 40
		for i := range many {
			w.register(fmt.Sprintf("e%02d", i))
		}
		down, attempts := true, 0
		w.receivers(func(context.Context, *transport.Endpoint, *transport.Event, int) transport.Answer {
			w.mu.Lock()
			defer w.mu.Unlock()
			attempts++
			if down {
				return unreached
			}
			return accepted
		})
		handles := []*handle{w.event(1)}
		w.mu.Lock()
		before := attempts
		w.mu.Unlock()
		for seq := uint64(2); seq < 5; seq++ {
			handles = append(handles, w.event(seq))
		}
		time.Sleep(time.Minute)
		w.calm()
		w.mu.Lock()
		if tries := attempts - before; tries > int(time.Minute/canaryFor)+2 {
			t.Errorf("%d attempts in a minute without a line", tries)
		}
		down = false
		w.mu.Unlock()
		time.Sleep(2 * canaryFor)
		w.calm()
		w.bringAllBack()
		for _, h := range handles {
			h.want("acked")
		}
		for i := range many {
			w.wantEnd(1, fmt.Sprintf("e%02d", i), "tried")
			w.wantEnd(4, fmt.Sprintf("e%02d", i), "tried")
		}
	})
}

// bringAllBack gives back what is parked, at its time, until nothing is.
func (w *world) bringAllBack() {
	for {
		w.mu.Lock()
		left := len(w.parked)
		w.mu.Unlock()
		if left == 0 {
			return
		}
		w.due().want("acked")
	}
}
