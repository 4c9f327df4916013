package recovery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

var noon = time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)

// waiting is a pair that comes back so many milliseconds after noon.
func waiting(seq uint64, ms int) transport.Parking {
	return transport.Parking{Place: transport.Place{Seq: seq}, Hop: 1, Wake: noon.Add(time.Duration(ms) * time.Millisecond), Size: 10, Bytes: 10}
}

func with(p transport.Parking, change func(*transport.Parking)) transport.Parking {
	change(&p)
	return p
}

func TestSegmentsAreCut(t *testing.T) {
	ready := func(p *transport.Parking) { p.Ready = true }
	replay := func(p *transport.Parking) { p.Replay = 8 }
	again := func(p *transport.Parking) { p.Hop = 2 }
	of := func(kib int) func(*transport.Parking) { return func(p *transport.Parking) { p.Bytes = kib << 10 } }
	for _, c := range []struct {
		name    string
		entries []transport.Parking
		want    string
	}{
		{"one due time", []transport.Parking{waiting(2, 0), waiting(1, 0)}, "[1 2]@0+1"},
		{"within 50 ms, due with the latest", []transport.Parking{waiting(1, 50), waiting(2, 0)}, "[1 2]@50+1"},
		{"farther apart", []transport.Parking{waiting(1, 0), waiting(2, 51), waiting(3, 60)}, "[1]@0 [2 3]@60+1"},
		{"a pair twice: the higher hop", []transport.Parking{with(waiting(1, 0), again), waiting(1, 500)}, "[1]@0"},
		{"what waits for room is apart from what is due", []transport.Parking{waiting(1, 0), with(waiting(2, 0), ready), waiting(3, 0)}, "[2]@0 [1 3]@0+2"},
		{"runs in turn", []transport.Parking{waiting(1, 0), waiting(2, 900), waiting(3, 0), waiting(4, 900)}, "[1 3]@0+2 [2 4]@900+2"},
		{"a replay is another pair", []transport.Parking{waiting(1, 0), with(waiting(1, 0), replay)}, "[1 1-8]@0"},
		{"too many bytes", []transport.Parking{with(waiting(1, 0), of(200)), with(waiting(2, 0), of(100))}, "[1]@0 [2]@0"},
		{"one that is too large by itself", []transport.Parking{with(waiting(1, 0), of(300)), waiting(2, 0)}, "[1]@0 [2]@0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := tell(c.entries, NewCutter("x").Cut(c.entries)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// tell writes each segment as its pairs, when it comes back, and its span.
func tell(entries []transport.Parking, cuts []transport.Cut) string {
	var out []string
	for _, cut := range cuts {
		var pairs []string
		for _, i := range cut.Entries {
			pair := fmt.Sprint(entries[i].Seq)
			if entries[i].Replay != 0 {
				pair += fmt.Sprint("-", entries[i].Replay)
			}
			pairs = append(pairs, pair)
		}
		text := fmt.Sprintf("%v@%d", pairs, cut.Wake.Sub(noon).Milliseconds())
		if cut.Segment.Spanned {
			text += fmt.Sprint("+", cut.Segment.Span)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// Whatever is parked: each entry is covered once, each pair is in one segment
// with its highest hop, and a segment is as its name says.
func TestACutKeepsEveryEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) transport.Parking {
			return transport.Parking{
				Place: transport.Place{Seq: rapid.Uint64Range(1, 60).Draw(t, "seq"), Replay: rapid.Uint64Range(0, 1).Draw(t, "replay")},
				Hop:   rapid.Uint32Range(1, 3).Draw(t, "hop"), Ready: rapid.Bool().Draw(t, "ready"), Size: rapid.IntRange(256, 300).Draw(t, "size"),
				Late:   rapid.SampledFrom([]time.Duration{0, 0, 100 * time.Millisecond, time.Second}).Draw(t, "late"),
				Refers: rapid.Bool().Draw(t, "refers"),
				Wake:   noon.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "ms")) * time.Millisecond),
				Bytes:  rapid.SampledFrom([]int{1, 1, 1, transport.MaxSegmentBytes / 2, 2 * transport.MaxSegmentBytes}).Draw(t, "bytes"),
			}
		}), 0, 200).Draw(t, "entries")
		highest := map[transport.Place]uint32{}
		for _, e := range entries {
			highest[e.Place] = max(highest[e.Place], e.Hop)
		}
		covered, pairs, names := map[int]int{}, map[transport.Place]int{}, map[string]bool{}
		for _, cut := range NewCutter("x").Cut(entries) {
			for _, i := range cut.Covers {
				covered[i]++
			}
			if names[cut.Segment.Name] {
				t.Fatalf("two are named %q", cut.Segment.Name)
			}
			names[cut.Segment.Name] = true
			checkSegment(t, entries, &cut)
			for _, i := range cut.Entries {
				e := &entries[i]
				pairs[e.Place]++
				if e.Hop != highest[e.Place] {
					t.Fatalf("%v has hop %d, and one was parked with %d", e.Place, e.Hop, highest[e.Place])
				}
				if !slices.Contains(cut.Covers, i) {
					t.Fatalf("entry %d is in a segment that does not cover it", i)
				}
			}
		}
		for i := range entries {
			if covered[i] != 1 {
				t.Fatalf("entry %d is covered %d times", i, covered[i])
			}
		}
		for place, n := range pairs {
			if n != 1 {
				t.Fatalf("%v is in %d segments", place, n)
			}
		}
	})
}

func checkSegment(t *rapid.T, entries []transport.Parking, cut *transport.Cut) {
	first, last := &entries[cut.Entries[0]], &entries[cut.Entries[len(cut.Entries)-1]]
	size, bytes, low := int64(0), 0, first.Seq
	for n, i := range cut.Entries {
		e := &entries[i]
		size, bytes, low = size+int64(e.Size), bytes+e.Bytes, min(low, e.Seq)
		late := cut.Wake.Sub(e.Wake)
		if e.Ready != first.Ready || e.Refers != first.Refers || late < 0 || late > max(Together, e.Late) || n > 0 && !entries[cut.Entries[n-1]].Before(e.Place) {
			t.Fatalf("%+v is in %+v", e, cut)
		}
	}
	s := cut.Segment
	if n := len(cut.Entries); n > transport.MaxSegmentEntries || n > 1 && bytes > transport.MaxSegmentBytes || s.Entries != n {
		t.Fatalf("%d entries of %d bytes: %+v", n, bytes, s)
	}
	if s.First != first.Place || s.Hop != first.Hop || s.Bytes != size || s.Ready != first.Ready || s.Refers != first.Refers || s.Refers && s.Low != low || !s.Refers && s.Low != 0 || !s.Counted || s.Due {
		t.Fatalf("%+v of %+v", s, first)
	}
	if seq, known := s.Last(); known && (seq != last.Seq || first.Replay != last.Replay) {
		t.Fatalf("%+v tells %d, and ends at %+v", s, seq, last)
	}
}
