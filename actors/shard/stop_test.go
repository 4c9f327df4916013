package shard

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestDrainFinishesWhatFliesAndHandsBackWhatWaits(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		_, handles := w.pour(1, credit+10)
		w.calm()
		w.hold()
		drained := make(chan error, 2)
		for range 2 {
			go func() { drained <- w.shard.Drain(w.t.Context()) }()
		}
		w.calm()
		handles[0].want("open")
		handles[2].want("naked")
		handles[credit+9].want("naked")
		close(gate)
		w.calm()
		select {
		case err := <-drained:
			t.Fatalf("drained before the outcomes were durable: %v", err)
		default:
		}
		w.open()
		handles[0].want("acked")
		handles[1].want("acked")
		for range 2 {
			if err := <-drained; err != nil {
				t.Fatal(err)
			}
		}
		if w.tries() != 2 {
			t.Errorf("%d attempts", w.tries())
		}
		w.event(5000).want("naked")
	})
}

func TestDrainGivesUpAtTheEndOfItsContext(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.receivers(hanging(make(chan struct{})))
		h := w.event(1)
		ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
		defer cancel()
		if err := w.shard.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Drain gave %v", err)
		}
		h.want("open")
		// the patience is over: attempts under way are broken off
		w.stop()
		if err := w.shard.Drain(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		h.want("naked")
	})
}

func TestDrainOfAnIdleShard(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		for range 2 {
			if err := w.shard.Drain(w.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestStopTwiceAndAnythingAfter(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.event(1).want("acked")
		for range 2 {
			if err := w.shard.Stop(w.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.event(2).want("naked")
		w.register("b")
		if err := w.shard.Drain(w.t.Context()); err != nil {
			t.Error(err)
		}
		if w.shard.Held() != nil {
			t.Error("a stopped shard tells what it holds")
		}
	})
}

func TestStopBeforeAnything(t *testing.T) { inWorld(t, Options{}, func(*world) {}) }

// A stop without a drain: no attempt starts after it, nothing is acked that
// has no outcome, and what waited is handed back.
func TestStopWithWorkInHand(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		_, handles := w.pour(1, 2*credit)
		w.calm()
		if err := w.shard.Stop(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		close(gate)
		w.calm()
		handles[0].want("open")
		if w.tries() != 2 || len(w.letters)+len(w.parked) != 0 {
			t.Errorf("%d attempts, %d letters, %d parked", w.tries(), len(w.letters), len(w.parked))
		}
	})
}

func TestAnActorThatBreaksWhileDraining(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		w.observe = func(r *transport.Record) {
			if r.Kind == transport.Tried {
				panic("the observer broke")
			}
		}
		_, handles := w.pour(1, 10)
		w.calm()
		drained := make(chan error, 1)
		go func() { drained <- w.shard.Drain(w.t.Context()) }()
		w.calm()
		close(gate)
		if err := <-drained; err != nil {
			t.Fatal(err)
		}
		for _, h := range handles {
			h.want("naked")
		}
	})
}

func TestWhatIsHeldLongGetsMoreTime(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		w.given("a", 100)
		event := w.event(1)
		segment := w.giveDue(segment(7, "a", transport.Entry{Event: makeEvent(100), Hop: 1}))
		time.Sleep(9 * time.Second)
		w.calm()
		if event.progress() != 0 {
			t.Error("asked for more time before 10 s")
		}
		time.Sleep(26 * time.Second)
		w.calm()
		if e, s := event.progress(), segment.progress(); e < 3 || e > 4 || s < 3 || s > 4 {
			t.Errorf("asked %d and %d times in 35 s", e, s)
		}
		if st := w.shard.Stats(); st.Oldest < 34*time.Second || st.Held != 2 || st.InHand != 2 || st.Endpoints != 1 || st.WindowBytes != makeEvent(1).Size() {
			t.Errorf("%+v", st)
		}
		close(gate)
		w.calm()
		asked := event.progress()
		time.Sleep(time.Minute)
		if event.progress() != asked {
			t.Error("asked for more time after the ack")
		}
	})
}
