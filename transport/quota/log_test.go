package quota

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// What a Log tells is what is in the log: as events are added and its old end is
// cut off, with what a span is divided evenly by as the only error.
func TestALogCountsWhatIsInIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type event struct {
			customer string
			bytes    int64
		}
		l := NewLog(16 << 20) // spans of 64 KiB
		events, first, next := map[uint64]event{}, uint64(1), uint64(1)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 && next > first {
				first = rapid.Uint64Range(first, next).Draw(t, "first")
				l.Cut(first)
				for seq := range events {
					if seq < first {
						delete(events, seq)
					}
				}
			}
			size := rapid.Int64Range(1, 60_000).Draw(t, "size")
			for range rapid.IntRange(1, 20).Draw(t, "events") {
				e := event{fmt.Sprint("c", rapid.IntRange(0, 3).Draw(t, "customer")), size}
				events[next] = e
				l.Add(next, e.customer, e.bytes)
				next++
			}
		}
		want := map[string]int64{}
		for _, e := range events {
			want[e.customer] += e.bytes
		}
		const off = 2 * (64<<10 + 60_000) // what one span may have
		for i := range 4 {
			customer := fmt.Sprint("c", i)
			if got := l.Of(customer); got < want[customer]-off || got > want[customer]+off {
				t.Fatalf("%s has %d, told %d", customer, want[customer], got)
			}
		}
		if below := l.Oldest(next, 1<<40); below != next {
			t.Fatalf("all of it lies below %d, told %d", next, below)
		}
		l.Cut(next)
		if l.All() != 0 || len(l.Each()) != 0 {
			t.Fatalf("of nothing it tells %d, %v", l.All(), l.Each())
		}
	})
}

// A customer's own old end is what is mostly its own, and no further.
func TestACustomersOwnOldEnd(t *testing.T) {
	l := NewLog(0)
	l.span = 100
	for seq := uint64(1); seq <= 40; seq++ {
		customer := "flood"
		if seq > 20 && seq <= 30 {
			customer = "other"
		}
		l.Add(seq, customer, 10)
	}
	for _, c := range []struct {
		customer string
		end      uint64
		bytes    int64
		below    uint64
	}{
		{"flood", 41, 100, 11}, {"flood", 41, 1000, 21}, {"flood", 5, 1000, 5}, {"flood", 41, 0, 0}, {"other", 41, 1000, 0}, {"nobody", 41, 10, 0},
	} {
		if below := l.OldestOf(c.customer, c.end, c.bytes); below != c.below {
			t.Errorf("%+v: below %d", c, below)
		}
	}
	if below := l.Oldest(35, 1000); below != 35 {
		t.Errorf("of all: below %d", below)
	}
}

// What is kept is bounded, whatever the number of customers and spans, and what
// each has stays told.
func TestALogIsBounded(t *testing.T) {
	l := NewLog(0)
	l.span = 1000
	want := map[string]int64{}
	for seq := uint64(1); seq <= 300_000; seq++ {
		customer := fmt.Sprint("c", rand.IntN(2000))
		l.Add(seq, customer, 10)
		want[customer] += 10
	}
	if l.entries > mostLogEntries {
		t.Errorf("%d entries", l.entries)
	}
	if !maps.Equal(l.Each(), want) {
		t.Error("what customers have is told wrongly")
	}
}

// What was kept is told again; nonsense is not believed.
func TestALogIsKept(t *testing.T) {
	l := NewLog(16 << 20)
	for seq := uint64(1); seq <= 1000; seq++ {
		l.Add(seq, fmt.Sprint("c", seq%3), 1000)
	}
	kept, err := json.Marshal(l.State())
	if err != nil {
		t.Fatal(err)
	}
	var state LogState
	if err := json.Unmarshal(kept, &state); err != nil {
		t.Fatal(err)
	}
	again := NewLog(16 << 20)
	again.Restore(state)
	if state.Last != 1000 || again.All() != l.All() || !maps.Equal(again.Each(), l.Each()) {
		t.Errorf("last %d, %v in place of %v", state.Last, again.Each(), l.Each())
	}
	wrong := NewLog(16 << 20)
	wrong.Restore(LogState{Spans: []logSpan{{From: 9, To: 3, Bytes: map[string]int64{"a": 1}}, {From: 1, To: 3, Bytes: map[string]int64{"a": -5, "b": 2}},
		{From: 2, To: 4, Bytes: map[string]int64{"a": 7}}}})
	if got := wrong.Each(); !maps.Equal(got, map[string]int64{"b": 2}) {
		t.Errorf("nonsense gives %v", got)
	}
}
