package shard

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// given lets the shard know of fan-outs journaled long ago.
func (w *world) given(id string, seqs ...uint64) {
	for _, seq := range seqs {
		w.owed[turn{seq: seq}] = []string{id}
	}
}

func TestAFailedPairComesBackUntilItsScheduleIsUsedUp(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		began := time.Now()
		var at []time.Duration
		w.receivers(func(context.Context, *transport.Endpoint, *transport.Event, int) transport.Answer {
			at = append(at, time.Since(began))
			return failed
		})
		w.event(1).want("acked")
		w.due().want("acked")
		w.due().want("acked")
		w.wantEnd(1, "a", "buried "+transport.ReasonExhausted)
		if want := []time.Duration{0, 5 * time.Second, 65 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("attempts at %v, want %v", at, want)
		}
		if l := w.letters[0]; len(l.Tries) != 3 || l.Event.Seq != 1 || l.Endpoint != "a" {
			t.Errorf("letter %+v", l)
		}
	})
}

func TestASegmentIsAckedWhenAllItsEntriesAreSettled(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.given("a", 1, 2, 3)
		w.hold()
		seg := segment(7, "a", transport.Entry{Event: makeEvent(1), Hop: 1}, transport.Entry{Event: makeEvent(2), Hop: 1},
			transport.Entry{Event: makeEvent(3), Hop: 1, Due: time.Now().Add(10 * time.Second)})
		h := w.giveDue(seg)
		w.calm()
		for range 3 {
			h.want("open")
			w.flush(1, newest)
		}
		h.want("acked")
		if e := w.parked[0].Entries[0]; e.Hop != 2 || e.Event.Seq != 3 {
			t.Errorf("parked again: %+v", e)
		}
		late := w.giveDue(seg)
		w.calm()
		late.want("acked")
		if w.tries() != 2 {
			t.Errorf("%d attempts", w.tries())
		}
		if n, b := w.shard.back.used(); n != 0 || b != 0 {
			t.Errorf("%d leases and %d bytes still in the window", n, b)
		}
	})
}

func TestACopyOfASegmentInHandMakesNoLease(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.given("a", 1)
		w.hold()
		seg := segment(7, "a", transport.Entry{Event: makeEvent(1), Hop: 1})
		first, copied := w.giveDue(seg), w.giveDue(seg)
		w.calm()
		w.open()
		first.want("acked")
		copied.want("open")
		if w.tries() != 1 {
			t.Errorf("%d attempts", w.tries())
		}
	})
}

// Of two entries of a pair the one with the higher hop is true.
func TestTheHigherHopWins(t *testing.T) {
	r := &transport.Recovered{Floor: 9, Pairs: map[transport.Pair]transport.PairState{
		pairOf(1, "a"): {Hop: 2},
		pairOf(2, "a"): {Final: true},
		pairOf(3, "a"): {Hop: 1, Tries: make([]transport.Try, 2)},
	}}
	inWorld(t, Options{Recovered: r}, func(w *world) {
		w.register("a")
		w.given("a", 1, 2, 3)
		var numbers []int
		w.receivers(func(_ context.Context, _ *transport.Endpoint, _ *transport.Event, number int) transport.Answer {
			numbers = append(numbers, number)
			return accepted
		})
		try := make([]transport.Try, 1)
		for seq, e := range []transport.Entry{
			{Event: makeEvent(1), Hop: 1, Tries: try}, // parked again meanwhile
			{Event: makeEvent(2), Hop: 1, Tries: try}, // ended meanwhile
			{Event: makeEvent(3), Hop: 1, Tries: try}, // tried since
			{Event: makeEvent(1), Hop: 2, Tries: try},
		} {
			h := w.giveDue(segment(uint64(seq+1), "a", e))
			w.calm()
			h.want("acked")
		}
		if !slices.Equal(numbers, []int{3, 2}) {
			t.Errorf("attempts %v, want the third of event 3 and the second of event 1", numbers)
		}
		// A kill may have lost the ack of an earlier message of these pairs.
		for seq := range uint64(3) {
			h := w.giveDue(segment(10+seq, "a", transport.Entry{Event: makeEvent(seq + 1), Hop: 1, Tries: try}))
			w.calm()
			h.want("acked")
		}
		if len(numbers) != 2 {
			t.Errorf("attempts %v: an earlier message made a lease of a pair that had ended", numbers)
		}
	})
}

func TestAReplayIsOwedOnItsOwn(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a", "b")
		w.event(1).want("acked")
		h := w.giveDue(segment(7, "a", transport.Entry{Event: makeEvent(1), Replay: 3}))
		w.calm()
		h.want("acked")
		if ids := w.owed[turn{1, 3}]; !slices.Equal(ids, []string{"a"}) {
			t.Errorf("replay 3 is owed to %v", ids)
		}
		if w.final[transport.Pair{Seq: 1, Endpoint: "a", Replay: 3}] != "tried" || w.tries() != 3 || len(w.twice) != 0 {
			t.Errorf("ended %v", w.final)
		}
		// one that was tried before was owed before
		before := len(w.records)
		w.giveDue(segment(8, "a", transport.Entry{Event: makeEvent(1), Replay: 3, Hop: 1, Tries: make([]transport.Try, 1)}))
		w.calm()
		if w.records[before].Kind == transport.FanOut {
			t.Error("a second fan-out record of the replay")
		}
	})
}

func TestASegmentOfARemovedEndpointIsBuried(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.given("gone", 1)
		h := w.giveDue(segment(7, "gone", transport.Entry{Event: makeEvent(1), Hop: 1}))
		w.calm()
		h.want("acked")
		w.wantEnd(1, "gone", "buried "+transport.ReasonEndpointRemoved)
	})
}

func TestAnEventWithoutItsPayloadIsBuried(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.given("a", 1, 2)
		gone := makeEvent(1)
		gone.Object, gone.Data = "parked-1", nil
		h := w.giveDue(segment(7, "a", transport.Entry{Event: gone, Hop: 1, Due: time.Now().Add(time.Hour)},
			transport.Entry{Event: makeEvent(2), Hop: 1}))
		w.calm()
		h.want("acked")
		w.wantEnd(1, "a", "buried "+transport.ReasonPayloadGone)
		w.wantEnd(2, "a", "tried")
		if l := w.letters[0]; l.Endpoint != "a" || l.Event.Object != "parked-1" || w.tries() != 1 {
			t.Errorf("letter %+v, %d attempts", l, w.tries())
		}

		replay := *gone
		w.giveDue(segment(8, "a", transport.Entry{Event: &replay, Replay: 5})).want("open")
		w.calm()
		if end := w.final[transport.Pair{Seq: 1, Endpoint: "a", Replay: 5}]; end != "buried "+transport.ReasonPayloadGone {
			t.Errorf("the replay ended %q", end)
		}
		if n, b := w.shard.back.used(); n != 0 || b != 0 {
			t.Errorf("%d leases and %d bytes still in the window", n, b)
		}
	})
}
