package shard

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestAScheduleFiredTwiceMakesNoSecondLease(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.register("a")
		w.given("a", 1)
		first := segment(7, "a", transport.Entry{Event: makeEvent(1), Hop: 1})
		first.ID = "one"
		second := *first
		second.Seq = 8
		h := w.giveDue(first)
		w.calm()
		h.want("acked")
		w.hold()
		again := w.giveDue(&second)
		w.calm()
		again.want("acked")
		if w.tries() != 1 {
			t.Errorf("%d attempts", w.tries())
		}
	})
}

func TestWhatIsParkedForAClosedEndpointIsBroughtBackAtOnce(t *testing.T) {
	for name, closes := range map[string]func(w *world){
		"removed":     func(w *world) { w.remove("a") },
		"disabled":    func(w *world) { ep := makeEndpoint("a"); ep.State = transport.StateDisabled; w.put(ep) },
		"not enabled": func(w *world) { ep := makeEndpoint("a"); ep.Enabled = false; w.put(ep) },
		"gone while the node was down": func(w *world) {
			w.shard.machine.routes.apply(transport.Change{ID: "a"})
			w.shard.Known()
			w.calm()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var recalled []string
			o := Options{RecallAll: func(id string) { recalled = append(recalled, id) },
				Recovered: &transport.Recovered{Parked: map[string]transport.Parked{"a": {Entries: 3}}}}
			inWorld(t, o, func(w *world) {
				if name != "gone while the node was down" {
					w.register("a")
				}
				closes(w)
				w.calm()
				if !slices.Equal(recalled, []string{"a"}) {
					t.Errorf("recalled %v", recalled)
				}
			})
		})
	}
}

func TestWhatIsParkedIsCounted(t *testing.T) {
	inWorld(t, Options{Recovered: &transport.Recovered{Parked: map[string]transport.Parked{"a": {Entries: 2, Ready: 1, Bytes: 900}}}}, func(w *world) {
		w.register("a")
		w.receivers(func(context.Context, *transport.Endpoint, *transport.Event, int) transport.Answer { return failed })
		standing := func() transport.Standing {
			st, known := w.shard.Standing(context.Background(), "a")
			if !known {
				t.Fatal("nothing is known of it")
			}
			return st
		}
		if st := standing(); st.Waiting != 2 || st.State != transport.StateActive {
			t.Errorf("before: %+v", st)
		}
		w.event(1)
		if st := standing(); st.Waiting != 3 {
			t.Errorf("parked by a retry: %+v", st)
		}
		w.due()
		w.due()
		if st := standing(); st.Waiting != 2 {
			t.Errorf("given up: %+v", st)
		}
		if all := w.shard.Standings(context.Background()); all["a"].Waiting != 2 || len(all) != 1 {
			t.Errorf("all: %+v", all)
		}
	})
}

// Endpoints that hang fill the window: the quarter of it is theirs, the rest
// is parked, and the others go on.
func TestThoseThatHangShareAQuarterOfTheWindow(t *testing.T) {
	inWorld(t, Options{Window: 400}, func(w *world) {
		ids := []string{"h0", "h1", "h2", "h3", "h4"}
		w.register(ids...)
		w.register("well")
		gate := make(chan struct{})
		defer close(gate)
		w.receivers(func(ctx context.Context, ep *transport.Endpoint, _ *transport.Event, _ int) transport.Answer {
			if ep.ID == "well" {
				return accepted
			}
			return hang(ctx, gate)
		})
		taken, _ := w.pour(1, 1000)
		taken()
		time.Sleep(10 * time.Second)
		w.calm()
		if n := taken(); n != 1000 {
			t.Fatalf("%d of 1000 events were taken in", n)
		}
		for seq := range uint64(1000) {
			w.wantEnd(seq+1, "well", "tried")
		}
		if leases, _ := w.shard.fresh.used(); leases > 200 {
			t.Errorf("%d leases are still in hand", leases)
		}
	})
}
