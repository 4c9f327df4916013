package recovery

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

func TestSpansMeetWhatTheyHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s spans
		var segments [][]transport.Entry
		for range rapid.IntRange(0, 6).Draw(t, "segments") {
			var entries []transport.Entry
			for _, seq := range rapid.SliceOfN(rapid.Uint64Range(1, 40), 1, 4).Draw(t, "sequences") {
				entries = append(entries, transport.Entry{Event: &transport.Event{Seq: seq}})
			}
			segments = append(segments, entries)
			s.add(entries)
		}
		s.sort()
		first := rapid.Uint64Range(1, 40).Draw(t, "first")
		last := rapid.Uint64Range(first, 41).Draw(t, "last")
		want := false
		for _, entries := range segments {
			low, high := entries[0].Event.Seq, entries[0].Event.Seq
			for _, e := range entries {
				low, high = min(low, e.Event.Seq), max(high, e.Event.Seq)
			}
			want = want || low <= last && first <= high
		}
		if s.meets(first, last) != want {
			t.Fatalf("%v and %d to %d: %t", s, first, last, !want)
		}
	})
}

func TestNoSpansMeetNothing(t *testing.T) {
	if (*spans)(nil).meets(1, 1) {
		t.Error("they do")
	}
}
