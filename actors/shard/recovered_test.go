package shard

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func pairOf(seq uint64, id string) transport.Pair { return transport.Pair{Seq: seq, Endpoint: id} }

// A fan-out half finished at a crash is finished, not repeated.
func TestAFanOutHalfFinishedIsFinished(t *testing.T) {
	r := &transport.Recovered{
		Floor:   4,
		FanOuts: map[uint64]transport.EventFanOut{5: {Endpoints: []string{"ended", "parked", "tried", "fresh", "removed", "disabled"}}},
		Pairs: map[transport.Pair]transport.PairState{
			pairOf(5, "ended"):  {Final: true},
			pairOf(5, "parked"): {Hop: 2, Tries: make([]transport.Try, 1)},
			pairOf(5, "tried"):  {Tries: make([]transport.Try, 2)},
		},
	}
	inWorld(t, Options{Recovered: r}, func(w *world) {
		w.register("ended", "parked", "tried", "fresh", "newcomer")
		off := makeEndpoint("disabled")
		off.Enabled = false
		w.put(off)
		numbers := map[string]int{}
		w.receivers(func(_ context.Context, ep *transport.Endpoint, _ *transport.Event, number int) transport.Answer {
			numbers[ep.ID] = number
			return accepted
		})
		w.hold()
		h := w.event(5)
		h.want("open")
		w.open()
		h.want("acked")
		if len(numbers) != 2 || numbers["tried"] != 3 || numbers["fresh"] != 1 {
			t.Errorf("attempts made: %v", numbers)
		}
		w.wantEnd(5, "removed", "buried "+transport.ReasonEndpointRemoved)
		w.wantEnd(5, "disabled", "buried "+transport.ReasonEndpointDisabled)
		if slices.Contains(w.kinds(5), "fan-out") {
			t.Error("the fan-out was journaled again")
		}
	})
}

func TestARecoveredAttemptKeepsItsTime(t *testing.T) {
	r := &transport.Recovered{FanOuts: map[uint64]transport.EventFanOut{1: {Endpoints: []string{"a"}}}, Pairs: map[transport.Pair]transport.PairState{}}
	inWorld(t, Options{Recovered: r}, func(w *world) {
		next := time.Now().Add(time.Minute)
		r.Pairs[pairOf(1, "a")] = transport.PairState{Tries: make([]transport.Try, 1), Next: next}
		w.register("a")
		w.event(1).want("acked")
		if len(w.parked) != 1 || w.tries() != 0 {
			t.Fatalf("parked %v, %d attempts", w.parked, w.tries())
		}
		if e := w.parked[0].Entries[0]; !e.Due.Equal(next) || e.Hop != 1 || len(e.Tries) != 1 {
			t.Errorf("parked %+v", e)
		}
	})
}

func TestWhatWasSettledBeforeIsAcked(t *testing.T) {
	r := &transport.Recovered{
		Floor:   7,
		FanOuts: map[uint64]transport.EventFanOut{9: {Endpoints: []string{"a"}}},
		Pairs:   map[transport.Pair]transport.PairState{pairOf(9, "a"): {Final: true}},
		Skipped: map[uint64]transport.EventMark{8: {}},
	}
	inWorld(t, Options{Recovered: r}, func(w *world) {
		w.register("a")
		w.hold()
		var all []*handle
		for seq := range uint64(9) {
			all = append(all, w.event(seq+1))
		}
		w.flush(len(all), oldest)
		for _, h := range all {
			h.want("acked")
		}
		if w.tries() != 0 || len(w.records) != 0 {
			t.Errorf("%d attempts, %d records", w.tries(), len(w.records))
		}
	})
}

// The ack of an event was lost at the crash; its parked pair is worked before
// the event comes again.
func TestAnEventBehindItsParkedPairMakesNoSecondDelivery(t *testing.T) {
	for name, answer := range map[string]transport.Answer{"delivered": accepted, "parked again": failed} {
		t.Run(name, func(t *testing.T) {
			r := &transport.Recovered{
				Floor: 4, FanOuts: map[uint64]transport.EventFanOut{5: {Endpoints: []string{"a"}}},
				Pairs: map[transport.Pair]transport.PairState{pairOf(5, "a"): {Hop: 1, Tries: make([]transport.Try, 1)}},
			}
			inWorld(t, Options{Recovered: r}, func(w *world) {
				w.register("a")
				w.receivers(func(context.Context, *transport.Endpoint, *transport.Event, int) transport.Answer { return answer })
				w.giveDue(segment(77, "a", transport.Entry{Event: makeEvent(5), Hop: 1, Tries: make([]transport.Try, 1)}))
				w.calm()
				w.event(5).want("acked")
				w.receivers(nil)
				for len(w.parked) > 0 {
					w.due().want("acked")
				}
				w.wantEnd(5, "a", "tried")
				want := map[string]int{"delivered": 1, "parked again": 2}[name]
				if w.tries() != want || len(w.twice) != 0 {
					t.Errorf("%d attempts, want %d; ended twice: %v", w.tries(), want, w.twice)
				}
				if n := len(w.shard.machine.recovered.FanOuts) + len(w.shard.machine.recovered.Pairs); n > 1 {
					t.Errorf("%d things of the time before still known: %+v", n, w.shard.machine.recovered)
				}
			})
		})
	}
}

func segment(seq uint64, id string, entries ...transport.Entry) *transport.Segment {
	return &transport.Segment{Seq: seq, Customer: customer, Endpoint: id, Entries: entries}
}
