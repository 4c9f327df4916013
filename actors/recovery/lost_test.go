package recovery

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func fanOut(seq uint64, stored time.Time, ids ...string) transport.Record {
	return transport.Record{Kind: transport.FanOut, Seq: seq, Customer: "acme", Stored: stored, Endpoints: ids}
}

func ended(seq uint64, id string) transport.Record {
	return transport.Record{Kind: transport.DeadLettered, Seq: seq, Customer: "acme", Endpoint: id}
}

func pairsOf(all []transport.OwedPair) (pairs []string) {
	for _, p := range all {
		pairs = append(pairs, fmt.Sprint(p.Seq, " ", p.Endpoint))
	}
	return pairs
}

// EVENTS ends at 5, and the journal knows it up to 9.
func TestEventsThatAreGone(t *testing.T) {
	journal := []transport.Record{
		fanOut(5, noon, "a"), fanOut(6, noon, "a", "b"), ended(6, "a"), fanOut(7, noon, "a"), ended(7, "a"), fanOut(7, noon, "a"),
		fanOut(8, noon, "c"), fanOut(9, noon, "a"),
	}
	parked := message{seq: 3, name: "x", endpoint: "c", entries: []transport.Entry{entry(8, 1)}}
	r, asked := take(transport.ShardState{Floor: 4, NextAt: noon, EventsLast: 5, DeferredLast: 3, OldAt: noon.Add(-time.Hour),
		Reached: transport.Reached{Event: 9, EventStored: noon}}, []message{parked}, journal)
	if want := "names, parked 3, due names, due, journal 1h1m0s"; asked != want {
		t.Errorf("%s, want %s", asked, want)
	}
	if got := pairsOf(r.Gone); !slices.Equal(got, []string{"6 b", "9 a"}) || len(r.Owed) != 0 {
		t.Errorf("gone %v, owed %v", got, r.Owed)
	}
	if r.FillFrom != 6 || r.FillTo != 9 || len(r.Lost) != 1 || r.Lost[0].From != 6 || r.Lost[0].To != 9 {
		t.Errorf("%+v", r)
	}
	if len(r.FanOuts) != 1 || r.FanOuts[5].Endpoints[0] != "a" {
		t.Errorf("believed: %v", r.FanOuts)
	}
}

// Others have the lost events' numbers already: none of what the journal tells
// is of them, unless it says that those were lost before.
func TestNumbersThatOthersHaveAlready(t *testing.T) {
	state := transport.ShardState{Floor: 4, NextAt: noon.Add(time.Hour), EventsLast: 12, ReachedAt: noon.Add(time.Hour), NewFrom: 5, OldAt: noon,
		Reached: transport.Reached{Event: 9, EventStored: noon.Add(time.Minute)}}
	old := []transport.Record{fanOut(5, noon, "a"), ended(5, "a"), fanOut(6, noon, "a")}
	r, _ := take(state, nil, old)
	if len(r.FanOuts)+len(r.Pairs) != 0 || r.FillTo != 0 || len(r.Lost) != 1 || r.Lost[0].From != 5 || r.Lost[0].To != 9 || len(r.Gone) != 1 {
		t.Errorf("%+v", r)
	}
	state.ReachedAt, state.NewFrom, state.Reached = time.Time{}, 0, transport.Reached{}
	later := append(old, transport.Record{Kind: transport.Lost, Reason: transport.StreamEvents, Seq: 5, To: 9}, fanOut(6, noon.Add(time.Hour), "b"), ended(6, "b"))
	r, _ = take(state, nil, later)
	if len(r.FanOuts) != 1 || r.FanOuts[6].Endpoints[0] != "b" || len(r.Pairs) != 1 || !r.Pairs[transport.Pair{Seq: 6, Endpoint: "b"}].Final {
		t.Errorf("%+v", r)
	}
	for _, ev := range []transport.Event{{Seq: 6, Customer: "acme", Stored: noon}, {Seq: 6, Customer: "other", Stored: noon.Add(time.Hour)}} {
		if r.FanOuts[6].Fits(&ev) {
			t.Errorf("believed of %+v", ev)
		}
	}
	if !r.FanOuts[6].Fits(&transport.Event{Seq: 6, Customer: "acme", Stored: noon.Add(time.Hour)}) {
		t.Error("not believed of its own event")
	}
}

// DEFERRED ends at 3 and was at 7: what is owed of events below the floor, has
// not ended and lies nowhere is to be parked anew; what ended is not done again.
func TestWhatLiesNowhereIsOwed(t *testing.T) {
	journal := []transport.Record{
		fanOut(1, noon, "a", "b", "c"), {Kind: transport.Tried, Seq: 1, Endpoint: "a", Number: 1, NextAt: noon.Add(time.Hour)}, ended(1, "b"),
		fanOut(2, noon, "c"), ended(2, "c"), fanOut(6, noon, "a"),
		{Kind: transport.FanOut, Seq: 2, Replay: 9, Endpoints: []string{"a"}, Customer: "acme"},
	}
	lies := message{seq: 2, name: "x", endpoint: "c", entries: []transport.Entry{entry(1, 1), entry(2, 1)}}
	for name, state := range map[string]transport.ShardState{
		"DEFERRED":                {DeferredLast: 3, Reached: transport.Reached{Deferred: 7}},
		"the journal":             {DeferredLast: 3, JournalLast: 3, Reached: transport.Reached{Journal: 9}},
		"what was not made whole": {DeferredLast: 3, Mark: transport.MarkMending},
	} {
		t.Run(name, func(t *testing.T) {
			state.Floor, state.EventsLast, state.NextAt = 5, 6, noon
			r, _ := take(state, []message{lies}, journal)
			if got := pairsOf(r.Owed); !slices.Equal(got, []string{"1 a", "2 a"}) || len(r.Owed[0].Tries) != 1 || !r.Owed[0].Next.Equal(noon.Add(time.Hour)) || r.Owed[1].Replay != 9 {
				t.Errorf("owed %+v", r.Owed)
			}
			if st := r.Pairs[transport.Pair{Seq: 2, Endpoint: "c"}]; !st.Final {
				t.Errorf("what ended and is parked is done again: %+v", r.Pairs)
			}
			if got := pairsOf(r.Above); !slices.Equal(got, []string{"6 a"}) || len(r.Gone) != 0 || r.FillTo != 0 {
				t.Errorf("above the floor %v, %+v", got, r)
			}
		})
	}
}

// EVENTS lost 2 to 4 before, of which 3 and 4 were parked; then the journal lost
// its end: what is parked no more and has no end in it is nowhere, and its event
// cannot be read again.
func TestWhatWasParkedOfALostEventIsGivenUp(t *testing.T) {
	journal := []transport.Record{
		fanOut(2, noon, "a"), fanOut(3, noon, "a", "b"), fanOut(4, noon, "a"), ended(2, "a"),
		{Kind: transport.Lost, Reason: transport.StreamEvents, Seq: 2, To: 4}, ended(3, "b"), fanOut(5, noon, "a"), ended(5, "a"),
	}
	lies := message{seq: 2, name: "x", endpoint: "a", entries: []transport.Entry{entry(4, 1)}}
	r, _ := take(transport.ShardState{Floor: 5, EventsLast: 5, DeferredLast: 3, JournalLast: 3, Reached: transport.Reached{Journal: 9}}, []message{lies}, journal)
	if got := pairsOf(r.Gone); !slices.Equal(got, []string{"3 a"}) || len(r.Owed) != 0 {
		t.Errorf("gone %v, owed %v", got, pairsOf(r.Owed))
	}
}

// A copy of DEFERRED that was put back may tell of less than has been done since,
// until none of it is there any more.
func TestACopyIsReadWithTheJournalUntilItIsGone(t *testing.T) {
	lost := transport.Reached{Deferred: 20}
	for _, c := range []struct {
		name  string
		state transport.ShardState
		whole bool
		next  string
	}{
		{"nothing was lost", transport.ShardState{DeferredFirst: 3, DeferredLast: 9}, false, ""},
		{"it lost its end", transport.ShardState{DeferredFirst: 3, DeferredLast: 9, Reached: lost}, true, "copy 9"},
		{"that was not mended", transport.ShardState{DeferredFirst: 3, DeferredLast: 9, Mark: transport.MarkMending}, true, "copy 9"},
		{"some of it waits still", transport.ShardState{DeferredFirst: 9, DeferredLast: 15, Mark: "copy 9"}, true, "copy 9"},
		{"all of it came due", transport.ShardState{DeferredFirst: 10, DeferredLast: 15, Mark: "copy 9"}, true, "due 15"},
		{"and is not settled", transport.ShardState{DeferredFirst: 10, FirstDue: 15, DeferredLast: 30, Mark: "due 15"}, true, "due 15"},
		{"and is settled", transport.ShardState{DeferredFirst: 10, FirstDue: 16, DeferredLast: 30, Mark: "due 15"}, false, ""},
		{"nothing is due", transport.ShardState{DeferredFirst: 10, DeferredLast: 30, Mark: "due 15"}, false, ""},
		{"it lost its end again", transport.ShardState{DeferredFirst: 10, DeferredLast: 12, Mark: "due 15", Reached: lost}, true, "copy 12"},
		{"nobody's mark", transport.ShardState{DeferredFirst: 10, DeferredLast: 12, Mark: "copy x"}, false, ""},
	} {
		taking := NewTaking()
		taking.Begin(c.state)
		if r := taking.Recovered(); taking.losses.whole != c.whole || r.Mark != c.next {
			t.Errorf("%s: whole %t, mark %q; want %t, %q", c.name, taking.losses.whole, r.Mark, c.whole, c.next)
		}
	}
}
