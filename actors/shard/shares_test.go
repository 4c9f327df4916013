package shard

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// brokenOff is an error of a filter that cost what one may.
type brokenOff struct{}

func (brokenOff) Error() string { return "costs more steps than it may" }
func (brokenOff) Costly() bool  { return true }

// A filter that is broken off at an event, or may not be asked about it, leaves
// a record that says so: the event is not lost in silence, nor is it delivered
// to who may not want it. Other endpoints and customers get theirs.
func TestWhatAFilterCannotTellIsSkippedByName(t *testing.T) {
	asked := 0
	compile := func(source string) (func(any) (bool, error), error) {
		if source != "evil" {
			return compileForTest(source)
		}
		return func(any) (bool, error) { asked++; return false, brokenOff{} }, nil
	}
	shares := transport.NewShares(0.05, nil)
	spent := func(any) time.Duration { return 5 * time.Millisecond }
	inWorld(t, Options{Compile: compile, Shares: shares, Spent: spent}, func(w *world) {
		for _, id := range []string{"a-plain", "b-evil", "c-plain"} {
			ep := makeEndpoint(id)
			if id == "b-evil" {
				ep.Filter = "evil"
			}
			w.put(ep)
		}
		for seq := uint64(1); seq <= 50; seq++ {
			w.event(seq).want("acked")
			w.wantEnd(seq, "b-evil", "skipped "+transport.ReasonFilterCost)
			w.wantEnd(seq, "a-plain", "tried")
			w.wantEnd(seq, "c-plain", "tried")
		}
		if asked != 3 {
			t.Errorf("asked %d times, and put away after 3", asked)
		}
		w.remove("b-evil")
		w.event(51).want("acked")
		if got := w.kinds(51); !slices.Equal(got, []string{"fan-out", "tried", "tried"}) {
			t.Errorf("without it: %v", got)
		}
	})
}

// A customer's filters cost it its share, and no other customer anything.
func TestAShareIsItsCustomersOwn(t *testing.T) {
	asked := map[string]int{}
	compile := func(string) (func(any) (bool, error), error) {
		return func(view any) (bool, error) { asked[view.(*transport.Event).Customer]++; return true, nil }, nil
	}
	spent := func(view any) time.Duration {
		if view.(*transport.Event).Customer == "evil" {
			return 5 * time.Millisecond
		}
		return time.Microsecond
	}
	r := newChooser(&Options{Compile: compile, Spent: spent, Shares: transport.NewShares(0.05, nil)})
	for _, name := range []string{"evil", "good"} {
		ep := makeEndpoint(name)
		ep.Customer, ep.Filter = name, "x"+name
		r.apply(transport.Change{ID: name, Customer: name, Endpoint: ep})
	}
	now := time.Now()
	r.filters.now = func() time.Time { return now }
	untold := map[string]int{}
	for seq := range uint64(1000) {
		now = now.Add(time.Millisecond)
		for _, name := range []string{"evil", "good"} {
			ids, not := r.match(&transport.Event{Seq: seq + 1, Customer: name, Type: "x", Data: []byte("{}"), Stored: now})
			if len(ids) != 1 {
				t.Fatalf("event of %s goes to %v", name, ids)
			}
			untold[name] += len(not)
		}
	}
	if asked["good"] != 1000 || untold["good"] != 0 || asked["evil"] > 35 || untold["evil"] != 1000-asked["evil"] {
		t.Errorf("asked %v, untold %v", asked, untold)
	}
}
