package shard

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
)

func hanging(gate chan struct{}) func(context.Context, *transport.Endpoint, *transport.Event, int) transport.Answer {
	return func(ctx context.Context, _ *transport.Endpoint, _ *transport.Event, _ int) transport.Answer {
		return hang(ctx, gate)
	}
}

// pour gives events from a goroutine of its own, as a consumer does, and tells
// how many were taken in.
func (w *world) pour(from, to uint64) (taken func() int, handles []*handle) {
	var n int
	for seq := from; seq <= to; seq++ {
		handles = append(handles, &handle{w: w, seq: seq})
	}
	go func() {
		for _, h := range handles {
			w.shard.Event(makeEvent(h.seq), h)
			w.mu.Lock()
			n++
			w.mu.Unlock()
		}
	}()
	return func() int { synctest.Wait(); w.mu.Lock(); defer w.mu.Unlock(); return n }, handles
}

func TestAFullWindowStopsThePulling(t *testing.T) {
	inWorld(t, Options{Window: 100}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		taken, handles := w.pour(1, 150)
		if n := taken(); n != 100 {
			t.Fatalf("%d events in hand, the window is 100", n)
		}
		gate <- struct{}{} // one attempt ends: one more comes in
		if n := taken(); n != 101 {
			t.Fatalf("%d taken in after one was settled", n)
		}
		close(gate)
		taken()
		for _, h := range handles {
			h.want("acked")
		}
	})
}

func TestAFanOutTakesItsRoom(t *testing.T) {
	inWorld(t, Options{Window: 1000}, func(w *world) {
		for i := range 100 {
			w.register(fmt.Sprint("ep", i))
		}
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		taken, _ := w.pour(1, 500)
		if n := taken(); n > 10+maxComing {
			t.Fatalf("%d events of 100 leases each in a window of 1000", n)
		}
		if n, _ := w.shard.fresh.used(); n < 1000 || n > 1000+maxComing*100 {
			t.Errorf("%d leases in hand", n)
		}
		close(gate)
		taken()
		if n, b := w.shard.fresh.used(); n != 0 || b != 0 {
			t.Errorf("%d leases, %d bytes left", n, b)
		}
	})
}

func TestTheWindowCountsBytes(t *testing.T) {
	inWorld(t, Options{WindowBytes: 10 * makeEvent(1).Size()}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		taken, _ := w.pour(1, 20)
		if n := taken(); n != 10 {
			t.Errorf("%d events in hand, the window has bytes for 10", n)
		}
		close(gate)
		taken()
	})
}

func TestWhatIsLargerThanTheWindowPassesAlone(t *testing.T) {
	inWorld(t, Options{WindowBytes: 1000}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		small := w.event(1)
		large := makeEvent(2)
		large.Data = make([]byte, 5000)
		h, in := &handle{w: w, seq: 2}, false
		go func() { w.shard.Event(large, h); in = true }()
		w.calm()
		if in {
			t.Fatal("the large event did not wait for the window to be empty")
		}
		gate <- struct{}{}
		w.calm()
		small.want("acked")
		if !in {
			t.Fatal("the large event was not let in")
		}
		taken, _ := w.pour(3, 3)
		if taken() != 0 {
			t.Error("another event beside the large one")
		}
		close(gate)
		taken()
		h.want("acked")
	})
}

func TestAClosedWindowTurnsEveryoneAway(t *testing.T) {
	inWorld(t, Options{Window: 1}, func(w *world) {
		w.register("a")
		w.receivers(hanging(make(chan struct{})))
		first := w.event(1)
		taken, handles := w.pour(2, 3)
		if taken() != 0 {
			t.Fatal("a full window let an event in")
		}
		w.stop() // what is in flight is broken off
		if err := w.shard.Drain(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		taken()
		first.want("naked")
		handles[0].want("naked")
		handles[1].want("naked")
		late := w.giveDue(segment(1, "a", transport.Entry{Event: makeEvent(9), Hop: 1}))
		late.want("naked")
	})
}

// What comes back from DEFERRED has a quarter of its own: a full window of
// fresh events does not hold it.
func TestDeferredHasItsOwnRoom(t *testing.T) {
	inWorld(t, Options{Window: 8}, func(w *world) {
		w.register("a", "b")
		w.given("b", 100)
		gate := make(chan struct{})
		w.receivers(func(ctx context.Context, ep *transport.Endpoint, ev *transport.Event, _ int) transport.Answer {
			if ev.Seq == 100 {
				return accepted
			}
			return hang(ctx, gate)
		})
		taken, _ := w.pour(1, 20)
		taken()
		h := w.giveDue(segment(7, "b", transport.Entry{Event: makeEvent(100), Hop: 1}))
		w.calm()
		if h.state() == "acked" {
			t.Fatal("b takes two at once and both hang: nothing more can have been sent")
		}
		w.remove("b")
		w.calm()
		h.want("acked")
		close(gate)
		taken()
	})
}

// busy keeps the shard's actor busy until the returned function is called.
func (w *world) busy() (free func()) {
	gate := make(chan struct{})
	w.shard.call(func(time.Time) { <-gate })
	w.calm()
	return func() { close(gate); w.calm() }
}

// While the shard is busy it does not know yet what fan-outs are coming: only
// so many events are let in.
func TestABusyShardIsNotFlooded(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		free := w.busy()
		taken, handles := w.pour(1, 10*maxComing)
		if n := taken(); n != maxComing {
			t.Errorf("%d events let in unseen", n)
		}
		free()
		taken()
		handles[len(handles)-1].want("acked")
	})
}

// Held tells of a message taken just before, though the shard was busy.
func TestHeldWaitsForWhatWasTaken(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		free := w.busy()
		w.give(makeEvent(1))
		var pairs []transport.Pair
		go func() { pairs = w.shard.Held() }()
		w.calm()
		free()
		if len(pairs) != 1 || pairs[0] != pairOf(1, "a") {
			t.Errorf("held %v", pairs)
		}
		close(gate)
		w.calm()
	})
}
