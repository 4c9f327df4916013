package shard

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestAnEventIsAckedOnceEveryOutcomeIsDurable(t *testing.T) {
	for name, pick := range map[string]func(int) int{"in order": oldest, "reordered": newest} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.register("a", "b", "c")
				w.receivers(func(_ context.Context, ep *transport.Endpoint, _ *transport.Event, _ int) transport.Answer {
					return map[string]transport.Answer{"a": accepted, "b": failed, "c": {Class: transport.Skip, Reason: "unfit"}}[ep.ID]
				})
				w.hold()
				h := w.event(1)
				w.flush(1, oldest) // the fan-out; the journal keeps its order
				// a's delivery; b's attempt, all before it, and its parking; c's skip
				for range 4 {
					w.flush(1, pick)
					h.want("open")
				}
				w.flush(1, pick)
				h.want("acked")
				if w.ended(1, "a") != "tried" || w.ended(1, "c") != "skipped unfit" || len(w.parked) != 1 {
					t.Errorf("ended %v, parked %v", w.final, w.parked)
				}
			})
		})
	}
}

func TestADeadLetterIsDurableBeforeItsRecord(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		ep := makeEndpoint("a")
		ep.Delivery.Retries = false
		w.put(ep)
		w.receivers(func(context.Context, *transport.Endpoint, *transport.Event, int) transport.Answer { return failed })
		w.hold()
		h := w.event(1)
		if got := w.kinds(1); !slices.Equal(got, []string{"fan-out", "tried"}) {
			t.Fatalf("journaled %v before the letter was durable", got)
		}
		w.flush(2, oldest) // the fan-out and the attempt
		h.want("open")
		w.flush(1, oldest) // with which it is owed
		h.want("open")
		w.flush(1, oldest) // the letter
		h.want("open")
		w.flush(1, oldest) // its record
		h.want("acked")
		w.wantEnd(1, "a", "buried "+transport.ReasonRetriesOff)
	})
}

func TestTheFanOutIsTheFirstRecord(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a", "b")
		w.event(1)
		if got := w.kinds(1); !slices.Equal(got, []string{"fan-out", "tried", "tried"}) {
			t.Errorf("journaled %v", got)
		}
		if r := w.records[0]; r.Revision != 1 || !slices.Equal(r.Endpoints, []string{"a", "b"}) || r.EventID != "e1" || r.Customer != customer {
			t.Errorf("fan-out %+v", r)
		}
	})
}

func TestACopyMakesNoSecondLease(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.hold()
		first, copied := w.event(1), w.event(1)
		first.want("open")
		copied.want("open")
		w.open()
		first.want("acked")
		late := w.event(1)
		late.want("acked")
		if w.tries() != 1 {
			t.Errorf("%d attempts", w.tries())
		}
		if n, b := w.shard.fresh.used(); n != 0 || b != 0 {
			t.Errorf("%d leases and %d bytes still in the window", n, b)
		}
	})
}

func TestADuplicateIsSkippedWithARecord(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.hold()
		ev := makeEvent(2)
		ev.DuplicateOf = 1
		h := w.give(ev)
		w.calm()
		h.want("open")
		w.open()
		h.want("acked")
		if got := w.kinds(2); !slices.Equal(got, []string{"skipped duplicate"}) || w.tries() != 0 {
			t.Errorf("journaled %v, %d attempts", got, w.tries())
		}
	})
}

// Another owner's endpoints may want it: a write that is sent after it came proves
// that there is none.
func TestWhatNobodyWantsIsAckedBehindALaterWrite(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.put(makeEndpoint("a", "alert.>"))
		off := makeEndpoint("off")
		off.Enabled = false
		w.put(off)
		later := makeEndpoint("later")
		later.From = time.Now().Add(time.Hour)
		w.put(later)
		other := makeEndpoint("other")
		other.Customer = "else"
		w.put(other)
		w.hold()
		first, copied := w.event(1), w.event(1)
		first.want("open")
		copied.want("open")
		w.flush(2, oldest)
		first.want("acked")
		copied.want("acked")
		if len(w.records) != 0 || w.routed[1] != 0 {
			t.Errorf("%d records, routed to %d", len(w.records), w.routed[1])
		}
	})
}

func TestAnEndpointGetsWhatWasStoredFromItsTimeOn(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		later := makeEndpoint("later")
		later.From = time.Now().Add(time.Hour)
		w.put(later)
		w.event(1).want("acked")
		time.Sleep(time.Hour)
		w.event(2).want("acked")
		if w.ended(1, "later") != "" || w.ended(2, "later") != "tried" || w.ended(1, "a") != "tried" {
			t.Errorf("ended %v", w.final)
		}
	})
}

// What the receiver's end broke off is no attempt; the event comes again and
// goes on where it was, to the same endpoints.
func TestAnEventHandedBackGoesOnWhereItWas(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a", "b", "c")
		w.receivers(func(_ context.Context, ep *transport.Endpoint, _ *transport.Event, _ int) transport.Answer {
			return map[string]transport.Answer{"a": accepted, "b": {Class: transport.Aborted}, "c": failed}[ep.ID]
		})
		w.event(1).want("naked")
		w.remove("a")
		w.register("d")
		w.receivers(nil)
		w.event(1).want("acked")
		if got := w.kinds(1); !slices.Equal(got, []string{"fan-out", "tried", "tried", "tried"}) {
			t.Errorf("journaled %v", got)
		}
		w.due()
		w.calm()
		w.wantEnd(1, "c", "tried")
		if w.tries() != 5 || len(w.twice) != 0 || len(w.shard.machine.recovered.FanOuts) != 0 {
			t.Errorf("%d attempts, twice %v", w.tries(), w.twice)
		}
	})
}

func TestHeldTellsWhatHasNoOutcome(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a", "b")
		gate := make(chan struct{})
		w.receivers(func(ctx context.Context, ep *transport.Endpoint, _ *transport.Event, _ int) transport.Answer {
			if ep.ID == "a" {
				return hang(ctx, gate)
			}
			return accepted
		})
		w.event(1)
		w.event(2)
		pairs := w.shard.Held()
		if w.shard.Routed() != 2 || len(pairs) != 2 || pairs[0].Endpoint != "a" || pairs[1].Endpoint != "a" {
			t.Errorf("held %v, routed up to %d", pairs, w.shard.Routed())
		}
		close(gate)
		w.calm()
		if pairs := w.shard.Held(); len(pairs) != 0 {
			t.Errorf("held %v", pairs)
		}
	})
}
