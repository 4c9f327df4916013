package shard

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestAnEndpointsMailboxHoldsItsCreditAndTheRestGoesOnInOrder(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		ep := makeEndpoint("a")
		ep.Delivery.Concurrency = 1
		w.put(ep)
		var order []uint64
		gate := make(chan struct{})
		w.receivers(func(ctx context.Context, _ *transport.Endpoint, ev *transport.Event, _ int) transport.Answer {
			order = append(order, ev.Seq) // one at a time
			return hang(ctx, gate)
		})
		taken, handles := w.pour(1, 3*credit)
		taken()
		w.sweep()
		w.calm()
		if st := w.shard.Stats(); st.InHand != credit || st.Waiting != 2*credit || st.Held != 3*credit || st.Actors != 1 {
			t.Fatalf("%+v", st)
		}
		close(gate)
		w.calm()
		for _, h := range handles {
			h.want("acked")
		}
		if len(order) != 3*credit || !slices.IsSorted(order) {
			t.Errorf("%d attempts, in order: %t", len(order), slices.IsSorted(order))
		}
	})
}

func TestAHangingEndpointDoesNotHoldTheOthers(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("slow", "fast")
		gate := make(chan struct{})
		w.receivers(func(ctx context.Context, ep *transport.Endpoint, _ *transport.Event, _ int) transport.Answer {
			if ep.ID == "slow" {
				return hang(ctx, gate)
			}
			return accepted
		})
		taken, handles := w.pour(1, 3000)
		if n := taken(); n != 3000 {
			t.Fatalf("%d events in hand", n)
		}
		for seq := range uint64(3000) {
			w.wantEnd(seq+1, "fast", "tried")
		}
		handles[0].want("open")
		close(gate)
		taken()
		handles[2999].want("acked")
	})
}

func TestAChangeHoldsFromTheNextAttemptOn(t *testing.T) {
	cases := map[string]struct {
		change func(w *world)
		waits  string // the end of what waited and of what came after
		flies  string // the end of the attempt under way, which fails
	}{
		"new settings": {func(w *world) { ep := makeEndpoint("a"); ep.Name = "new"; w.put(ep) }, "tried", ""},
		"disabled":     {func(w *world) { ep := makeEndpoint("a"); ep.Enabled = false; w.put(ep) }, "buried endpoint_disabled", "buried endpoint_disabled"},
		"removed":      {func(w *world) { w.remove("a") }, "buried endpoint_removed", "buried endpoint_removed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				ep := makeEndpoint("a")
				ep.Delivery.Concurrency = 1
				w.put(ep)
				w.event(0)
				gate := make(chan struct{})
				var changed atomic.Bool
				w.receivers(func(ctx context.Context, ep *transport.Endpoint, ev *transport.Event, _ int) transport.Answer {
					if ev.Seq == 1 {
						<-gate
						return failed
					}
					if changed.Load() && ep.Name != "new" {
						t.Errorf("event %d was sent with the old settings", ev.Seq)
					}
					return accepted
				})
				_, handles := w.pour(1, 2*credit)
				w.calm()
				c.change(w)
				changed.Store(true)
				close(gate)
				w.calm()
				for _, h := range handles {
					h.want("acked")
				}
				w.wantEnd(1, "a", c.flies)
				w.wantEnd(2, "a", c.waits)
				w.wantEnd(2*credit, "a", c.waits)
			})
		})
	}
}

// Change returns when no attempt can start with the old settings any more,
// however much waits in the endpoint's mailbox. No bubble: real concurrency.
func TestAChangeIsInEffectWhenItReturns(t *testing.T) {
	w := newWorld(t, Options{})
	defer w.end()
	var mu sync.Mutex
	current := "0"
	w.receivers(func(_ context.Context, ep *transport.Endpoint, ev *transport.Event, _ int) transport.Answer {
		mu.Lock()
		defer mu.Unlock()
		// The one before may still have begun before the change: by its Data
		// an event says after which change it was given.
		if ep.Name < string(ev.Data) {
			t.Errorf("an event given after change %s was sent with %s", ev.Data, ep.Name)
		}
		if ep.Name < current {
			return transport.Answer{Class: transport.Skip, Reason: "late"}
		}
		return accepted
	})
	seq := uint64(0)
	for round := range 200 {
		ep := makeEndpoint("a")
		ep.Name = fmt.Sprintf("%03d", round)
		w.put(ep)
		mu.Lock()
		current = ep.Name
		mu.Unlock()
		for range 20 {
			seq++
			ev := makeEvent(seq)
			ev.Data = []byte(ep.Name)
			w.give(ev)
		}
	}
	if err := w.shard.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestIdleActorsEnd(t *testing.T) {
	const registered, busy = 100_000, 1000
	inWorld(t, Options{Idle: 10 * time.Second}, func(w *world) {
		for i := range registered {
			ep := makeEndpoint(fmt.Sprint("ep", i))
			ep.Customer = fmt.Sprint("c", i) // an endpoint each
			w.put(ep)
		}
		if n := w.system.Live(); n != 1 {
			t.Fatalf("%d actors for %d registered endpoints, want the shard's alone", n, registered)
		}
		for i := range uint64(busy) {
			ev := makeEvent(i + 1)
			ev.Customer = fmt.Sprint("c", i)
			w.give(ev)
		}
		w.calm()
		if n := w.system.Live(); n != busy+1 || w.tries() != busy {
			t.Fatalf("%d actors after %d attempts, want %d", n, w.tries(), busy+1)
		}
		time.Sleep(11 * time.Second)
		w.calm()
		if n := w.system.Live(); n != 1 {
			t.Errorf("%d actors after the idle time", n)
		}
		if w.closes != busy {
			t.Errorf("%d targets closed of %d", w.closes, busy)
		}
		ev := makeEvent(busy + 1)
		ev.Customer = "c7"
		h := w.give(ev)
		w.calm()
		h.want("acked")
	})
}

func TestABusyActorIsNotIdle(t *testing.T) {
	inWorld(t, Options{Idle: time.Second}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		h := w.event(1)
		time.Sleep(time.Minute)
		close(gate)
		w.calm()
		h.want("acked")
	})
}
