package shard

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// An actor that breaks is replaced and its leases go on; what it broke over is
// given up the third time.
func TestABrokenActorIsReplaced(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a", "b")
		broke := 0
		w.observe = func(r *transport.Record) {
			if r.Seq == 2 && r.Endpoint == "a" && r.Kind == transport.Tried {
				broke++
				panic("the observer broke")
			}
		}
		var handles []*handle
		gate := make(chan struct{})
		w.receivers(hanging(gate))
		for seq := range uint64(20) {
			handles = append(handles, w.event(seq+1))
		}
		close(gate)
		w.calm()
		for _, h := range handles {
			h.want("acked")
		}
		if broke != maxPanics {
			t.Errorf("broke %d times", broke)
		}
		w.wantEnd(2, "a", "buried "+transport.ReasonPanic)
		w.wantEnd(1, "a", "tried")
		w.wantEnd(20, "a", "tried")
		w.wantEnd(2, "b", "tried")
		if len(w.twice) != 0 || len(w.letters) != 1 {
			t.Errorf("ended twice: %v, %d letters", w.twice, len(w.letters))
		}
		if w.closes != maxPanics {
			t.Errorf("%d targets of broken actors closed of %d", w.closes, maxPanics)
		}
	})
}

// What a broken actor has under way is broken off: it does not go on beside its
// successor's.
func TestABrokenActorsAttemptsEnd(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.observe = func(r *transport.Record) {
			if r.Seq == 2 && r.Kind == transport.Tried {
				panic("the observer broke")
			}
		}
		under := 0
		gate := make(chan struct{})
		w.receivers(func(ctx context.Context, _ *transport.Endpoint, ev *transport.Event, _ int) transport.Answer {
			if ev.Seq != 1 {
				return accepted
			}
			w.mu.Lock()
			under++
			w.mu.Unlock()
			defer func() { w.mu.Lock(); under--; w.mu.Unlock() }()
			return hang(ctx, gate)
		})
		first := w.event(1)
		w.event(2).want("acked") // given up after the third break
		w.calm()
		if under != 1 {
			t.Errorf("%d attempts of one event are under way", under)
		}
		close(gate)
		w.calm()
		first.want("acked")
		w.wantEnd(1, "a", "tried")
	})
}

// A delivery whose record is under way when the actor breaks is not repeated,
// and neither is a burial.
func TestWhatABrokenActorHandedOverIsNotRepeated(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.observe = func(r *transport.Record) {
			if r.Seq == 9 && r.Kind == transport.Tried {
				panic("the observer broke")
			}
		}
		w.hold()
		delivered := w.event(1)
		culprit := w.event(9)
		if w.tries() != 1+maxPanics {
			t.Fatalf("%d attempts, want 1 and %d of what breaks the actor", w.tries(), maxPanics)
		}
		w.observe = func(r *transport.Record) {
			if r.Seq == 10 && r.Kind == transport.Tried {
				panic("again")
			}
		}
		last := w.event(10)
		w.open()
		for _, h := range []*handle{delivered, culprit, last} {
			h.want("acked")
		}
		if len(w.twice) != 0 || len(w.letters) != 2 || w.tries() != 1+2*maxPanics {
			t.Errorf("twice %v, %d letters, %d attempts", w.twice, len(w.letters), w.tries())
		}
		w.sweep()
		w.calm()
		if st := w.shard.Stats(); st.InHand != 0 || st.Held != 0 {
			t.Errorf("%+v", st)
		}
		time.Sleep(time.Minute)
		w.calm()
		if n := w.system.Live(); n != 1 {
			t.Errorf("%d actors live", n)
		}
	})
}

// Settings that cannot be prepared cost their endpoint alone.
func TestAnEndpointThatCannotBePrepared(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errPrepare },
		"panic": func() error { panic("no such key") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.prepare = func(ep *transport.Endpoint) error {
					if ep.ID == "bad" && ep.Name == "" {
						return fail()
					}
					return nil
				}
				w.register("bad", "good")
				w.event(1).want("acked")
				w.wantEnd(1, "good", "tried")
				if len(w.parked) != 1 {
					t.Fatalf("parked %v", w.parked)
				}
				w.register("bad") // the same once more, now to a running actor
				w.event(2).want("acked")
				mended := makeEndpoint("bad")
				mended.Name = "mended"
				w.put(mended)
				w.due().want("acked")
				w.due().want("acked")
				w.wantEnd(1, "bad", "tried")
				w.wantEnd(2, "bad", "tried")
				for _, r := range w.records {
					if strings.Contains(r.Answer.Detail, "no such key") {
						t.Errorf("a panic's value in a record: %s", r.Answer.Detail)
					}
				}
			})
		})
	}
}

func TestAPanicOfTheSenderIsAFailedAttempt(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		ep := makeEndpoint("a")
		ep.Delivery.Schedule = make([]transport.Duration, 10)
		w.put(ep)
		w.receivers(func(context.Context, *transport.Endpoint, *transport.Event, int) transport.Answer { panic("render") })
		w.event(1).want("acked")
		w.due().want("acked")
		w.due().want("acked")
		w.wantEnd(1, "a", "buried "+transport.ReasonPanic)
	})
}

// A change that meets a broken actor does not wait for ever.
func TestAChangeOfABrokenActorReturns(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		gate := make(chan struct{})
		w.observe = func(r *transport.Record) {
			if r.Kind == transport.Tried && r.Seq == 1 {
				<-gate
				panic("slow and broken")
			}
		}
		h := w.event(1)
		returned := 0
		for range 3 {
			go func() { w.register("a"); w.mu.Lock(); returned++; w.mu.Unlock() }()
		}
		w.calm()
		w.mu.Lock()
		if returned != 0 {
			t.Error("a change returned while the actor was busy with the old settings")
		}
		w.mu.Unlock()
		close(gate)
		w.calm()
		h.want("acked")
		if returned != 3 {
			t.Errorf("%d of 3 changes returned", returned)
		}
	})
}

// What breaks the shard itself costs that event alone.
func TestAnEventThatBreaksTheShardIsBuriedTheThirdTime(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a", "b")
		w.observe = func(r *transport.Record) {
			if r.Seq == 2 && r.Kind == transport.FanOut {
				panic("the observer broke")
			}
		}
		w.event(1).want("acked")
		w.event(2).want("naked")
		w.event(2).want("naked")
		w.mu.Lock()
		delete(w.routed, 2) // it was never journaled what it was owed to
		w.mu.Unlock()
		w.hold()
		h := w.event(2)
		h.want("open")
		w.mu.Lock()
		delete(w.routed, 2)
		w.mu.Unlock()
		w.open()
		h.want("acked")
		w.event(3).want("acked")
		w.event(2).want("acked")
		if !slices.Contains(w.kinds(2), "buried panic") || w.letters[0].Endpoint != "" {
			t.Errorf("journaled %v", w.kinds(2))
		}
		if n, b := w.shard.fresh.used(); n != 0 || b != 0 {
			t.Errorf("%d leases, %d bytes left in the window", n, b)
		}
	})
}
