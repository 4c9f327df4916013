package shard

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func orderedEndpoint(id string) *transport.Endpoint {
	ep := makeEndpoint(id)
	ep.Delivery.Ordered = true
	return ep
}

// accepts notes the order of arrival at "a".
func (w *world) accepts(order *[]uint64) {
	w.receivers(func(_ context.Context, _ *transport.Endpoint, ev *transport.Event, _ int) transport.Answer {
		*order = append(*order, ev.Seq)
		return accepted
	})
}

func TestAnOrderedEndpointWaitsForAnEventOnItsWay(t *testing.T) {
	for name, comes := range map[string]func(w *world){
		"it comes again":          func(w *world) { w.event(2) },
		"it cannot be read":       func(w *world) { w.shard.Passed(2); w.calm() },
		"it was never there":      func(w *world) { time.Sleep(holeFor + 2*time.Second); w.calm() },
		"a copy of a later one":   func(w *world) { w.event(3); w.event(2) },
		"and no one else is held": func(w *world) { w.wantEnd(3, "b", "tried"); w.event(2) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.put(orderedEndpoint("a"))
				w.register("b")
				w.event(1)
				w.event(4)
				w.event(3)
				w.wantEnd(1, "a", "tried")
				w.wantEnd(3, "a", "")
				w.wantEnd(4, "b", "tried")
				comes(w)
				w.wantEnd(3, "a", "tried")
				w.wantEnd(4, "a", "tried")
				var got []uint64
				for _, p := range w.sent {
					if p.Endpoint == "a" {
						got = append(got, p.Seq)
					}
				}
				if !slices.IsSorted(got) {
					t.Errorf("sent in order %v", got)
				}
			})
		})
	}
}

// After a restart what was parked comes due before the log has come to it.
func TestAnOrderedEndpointIsSentNothingAheadOfTheLog(t *testing.T) {
	o := Options{Recovered: &transport.Recovered{
		Floor: 4, FanOuts: map[uint64]transport.EventFanOut{5: {Endpoints: []string{"a"}}, 6: {Endpoints: []string{"a"}}, 7: {Endpoints: []string{"a"}}},
		Pairs:  map[transport.Pair]transport.PairState{{Seq: 7, Endpoint: "a"}: {Hop: 1}},
		Parked: map[string]transport.Parked{"a": {Entries: 1, Ready: 1}},
	}}
	inWorld(t, o, func(w *world) {
		var order []uint64
		w.accepts(&order)
		w.put(orderedEndpoint("a"))
		h := w.giveDue(segment(9, "a", transport.Entry{Event: makeEvent(7), Hop: 1}))
		w.calm()
		h.want("open")
		for seq := uint64(5); seq <= 7; seq++ {
			w.event(seq)
		}
		h.want("acked")
		if !slices.Equal(order, []uint64{5, 6, 7}) {
			t.Errorf("sent %v", order)
		}
	})
}

func TestADrainHandsBackWhatWaitsForAnEarlierEvent(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.put(orderedEndpoint("a"))
		h := w.event(2)
		h.want("open")
		if err := w.shard.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
		h.want("naked")
	})
}

// What the log lost and was filled up with is waited for by nobody.
func TestArrivalsPassWhatTheLogLost(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, r := range []transport.Recovered{{Floor: 10, FillFrom: 11, FillTo: 90}, {Floor: 8, FillFrom: 11, FillTo: 90}, {Floor: 8, FillFrom: 11, FillTo: 10 + 2*mostHoles}} {
		k := newArrivals(&r)
		for seq := r.Floor + 1; seq < r.FillFrom; seq++ {
			k.come(seq, now)
		}
		if got := k.lowest(); got != r.FillTo+1 {
			t.Errorf("%+v: waits for %d", r, got)
		}
		k = newArrivals(&r)
		k.come(r.FillTo+2, now) // before all others
		want := map[uint64]bool{r.FillTo + 1: true}
		for seq := r.Floor + 1; seq < r.FillFrom; seq++ {
			want[seq] = true
		}
		if len(k.holes) != len(want) || slices.ContainsFunc(slices.Collect(maps.Keys(k.holes)), func(seq uint64) bool { return !want[seq] }) {
			t.Errorf("%+v: waits for %v, want %v", r, k.holes, want)
		}
	}
}

func TestArrivalsKnowTheirHoles(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	k := newArrivals(&transport.Recovered{Floor: 10})
	for _, c := range []struct {
		seq    uint64
		filled bool
		lowest uint64
	}{
		{11, false, 12}, {14, false, 12}, {13, true, 12}, {13, false, 12}, {12, true, 15}, {11, false, 15},
		{15 + mostHoles + 1, false, 15 + mostHoles + 2}, // purged
	} {
		if filled := k.come(c.seq, now); filled != c.filled || k.lowest() != c.lowest {
			t.Errorf("come %d: filled %t, lowest %d; want %t, %d", c.seq, filled, k.lowest(), c.filled, c.lowest)
		}
	}
	k.missing(12, now)
	if k.lowest() != 12 || k.seek(now.Add(holeFor)) != nil {
		t.Error("it may come still")
	}
	for i := range mostAsked + 1 {
		now = now.Add(holeFor + 1)
		asked := k.seek(now)
		if !slices.Equal(asked, []uint64{12}) || k.seek(now) != nil {
			t.Fatalf("asked about %v", asked)
		}
		if dropped := k.sought(now, asked, []uint64{12}); dropped != (i == mostAsked) {
			t.Errorf("the log has it: dropped %v after %d answers", dropped, i+1)
		}
	}
	k.missing(13, now)
	now = now.Add(holeFor + 1)
	if !k.sought(now, k.seek(now), nil) || k.lowest() == 13 {
		t.Error("what the log does not have is waited for")
	}
	k.missing(13, now)
	now = now.Add(holeFor + 1)
	asked := k.seek(now)
	k.come(13, now)
	if k.sought(now, asked, nil) {
		t.Error("it came meanwhile")
	}
}
