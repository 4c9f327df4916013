package shard

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// All that an ordered endpoint has in hand waits for a pair that finds no room:
// without a word it would wait for ever.
func TestAnOrderedEndpointMakesRoomForWhatItWaitsFor(t *testing.T) {
	o := Options{Window: 4, Recovered: &transport.Recovered{
		Floor: 3, Parked: map[string]transport.Parked{"a": {Entries: 3, Ready: 3}},
	}}
	inWorld(t, o, func(w *world) {
		var order []uint64
		w.accepts(&order)
		w.lists = []uint64{1, 2, 3}
		w.put(orderedEndpoint("a"))
		w.given("a", 1, 2, 3)
		w.giveDue(segment(8, "a", transport.Entry{Event: makeEvent(2), Hop: 1}, transport.Entry{Event: makeEvent(3), Hop: 1}))
		w.calm()
		go w.giveDue(segment(9, "a", transport.Entry{Event: makeEvent(1), Hop: 1})) // waits for room
		time.Sleep(2 * time.Second)
		w.calm()
		if !slices.Equal(order, []uint64{1}) || len(w.parked) != 2 {
			t.Fatalf("sent %v, %d parked again; want 1 let in, and 2 and 3 parked", order, len(w.parked))
		}
		w.due()
		w.due()
		if !slices.IsSorted(order) || len(order) != 3 {
			t.Errorf("sent %v", order)
		}
	})
}

// What waits for an event that was lost on the way gives it its room.
func TestWhatWaitsForALostEventMakesRoomForIt(t *testing.T) {
	inWorld(t, Options{Window: 2}, func(w *world) {
		var order []uint64
		w.accepts(&order)
		w.put(orderedEndpoint("a"))
		w.event(2)
		w.event(3)
		go w.give(makeEvent(1))
		time.Sleep(2 * time.Second)
		w.calm()
		if !slices.Equal(order, []uint64{1}) {
			t.Fatalf("sent %v, want the event that came last", order)
		}
		w.due()
		w.due()
		if !slices.Equal(order, []uint64{1, 2, 3}) {
			t.Errorf("sent %v", order)
		}
	})
}

// The room of a lost event may be taken by what waits for it on behalf of an
// endpoint that takes part no longer.
func TestWhatWaitsForALostEventEndsWithItsEndpoint(t *testing.T) {
	for name, change := range map[string]struct {
		do  func(w *world)
		end string
	}{
		"removed":           {func(w *world) { w.remove("a") }, "buried endpoint_removed"},
		"ordered no longer": {func(w *world) { w.register("a") }, "tried"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{Window: 2}, func(w *world) {
				w.put(orderedEndpoint("a"))
				w.event(2)
				w.event(3)
				change.do(w)
				w.calm()
				w.wantEnd(2, "a", change.end)
				w.wantEnd(3, "a", change.end)
				w.event(1).want("acked")
			})
		})
	}
}

// While nothing can come, an event on its way is not given up.
func TestAHoleIsNotGivenUpWhileNATSIsAway(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	inWorld(t, Options{Away: away.Load}, func(w *world) {
		w.put(orderedEndpoint("a"))
		w.event(2)
		time.Sleep(2 * holeFor)
		w.calm()
		w.wantEnd(2, "a", "")
		away.Store(false)
		time.Sleep(holeFor + 2*time.Second)
		w.calm()
		w.wantEnd(2, "a", "tried")
	})
}

// A node that knows a pair by its segment alone journals the fan-out anew, and
// acks the event when that is durable.
func TestTheAckWaitsForAFanOutWhosePairsWaitElsewhere(t *testing.T) {
	r := &transport.Recovered{Pairs: map[transport.Pair]transport.PairState{pairOf(1, "a"): {Hop: 1}}}
	inWorld(t, Options{Recovered: r}, func(w *world) {
		w.register("a")
		w.hop[pairOf(1, "a")] = 1
		w.hold()
		h := w.event(1)
		h.want("open")
		w.open()
		h.want("acked")
		if !slices.Contains(w.kinds(1), "fan-out") || w.tries() != 0 {
			t.Errorf("records %v, %d attempts", w.kinds(1), w.tries())
		}
	})
}

// The pair that all others wait for may come behind more than its endpoint's credit.
func TestAnOrderedEndpointHasAllInHand(t *testing.T) {
	const many = credit + 10
	o := Options{Recovered: &transport.Recovered{Floor: many, Parked: map[string]transport.Parked{"a": {Entries: many, Ready: many}}}}
	inWorld(t, o, func(w *world) {
		var order []uint64
		w.accepts(&order)
		var entries []transport.Entry
		for seq := uint64(1); seq <= many; seq++ {
			w.given("a", seq)
			w.lists = append(w.lists, seq)
			if seq > 1 {
				entries = append(entries, transport.Entry{Event: makeEvent(seq), Hop: 1})
			}
		}
		w.put(orderedEndpoint("a"))
		w.giveDue(segment(many+1, "a", entries...))
		h := w.giveDue(segment(many+2, "a", transport.Entry{Event: makeEvent(1), Hop: 1}))
		w.calm()
		h.want("acked")
		if len(order) == 0 || order[0] != 1 || !slices.IsSorted(order) {
			t.Errorf("%d sent, not in order", len(order))
		}
	})
}
