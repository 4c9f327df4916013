package deferred

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestSubjectsTellWhatIsParked(t *testing.T) {
	s := &Store{shard: shard}
	for _, c := range []struct {
		park, due string
		want      parked
	}{
		{"park.7." + jettest.EndpointA + ".17.64-r-65536-3-9f2c_81", "due.7." + jettest.EndpointA + ".00000000000000000017.64-r-65536-3-9f2c_81",
			parked{Endpoint: jettest.EndpointA, First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 65536, Hop: 3, Name: "9f2c_81", Counted: true}},
		{"park.7." + jettest.EndpointA + ".17.64-r-65536-3-9f2c_81-90", "due.7." + jettest.EndpointA + ".00000000000000000017.64-r-65536-3-9f2c_81-90",
			parked{Endpoint: jettest.EndpointA, First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 65536, Hop: 3, Name: "9f2c_81", Counted: true, Span: 90, Spanned: true}},
		{"park.7." + jettest.EndpointA + ".17.64-r-65536-3", "due.7." + jettest.EndpointA + ".00000000000000000017.64-r-65536-3", // of a version without names
			parked{Endpoint: jettest.EndpointA, First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 65536, Hop: 3, Counted: true}},
		{"park.7." + jettest.EndpointA + ".17-9.1-t-300-1", "due.7." + jettest.EndpointA + ".00000000000000000017-9.1-t-300-1",
			parked{Endpoint: jettest.EndpointA, First: transport.Place{Seq: 17, Replay: 9}, Entries: 1, Bytes: 300, Hop: 1, Counted: true}},
		{"park.7.hex-612062.1.1-r-1-4294967295", "due.7.hex-612062.00000000000000000001.1-r-1-4294967295",
			parked{Endpoint: "a b", First: transport.Place{Seq: 1}, Entries: 1, Ready: true, Bytes: 1, Hop: 1<<32 - 1, Counted: true}},
		{"park.7.hex-zz.1.1-r-1-0", "due.7.hex-zz.00000000000000000001.1-r-1-0",
			parked{Endpoint: "hex-zz", First: transport.Place{Seq: 1}, Entries: 1, Ready: true, Bytes: 1, Counted: true}},
		{"park.7." + jettest.EndpointA + ".17-9", "", // of a version that did not count
			parked{Endpoint: jettest.EndpointA, First: transport.Place{Seq: 17, Replay: 9}, Entries: 1}},
	} {
		t.Run(c.park, func(t *testing.T) {
			got, ok := readParked(c.park)
			if !ok || got != c.want || s.parkSubject(&got) != c.park {
				t.Errorf("%v %+v, %s", ok, got, s.parkSubject(&got))
			}
			if c.due == "" {
				return
			}
			due, ok := readParked(c.due)
			if !ok || s.dueSubject(&due) != c.due || s.dueSubject(&got) != c.due || due != dueOf(got) {
				t.Errorf("%v %+v", ok, due)
			}
		})
	}
}

func dueOf(p parked) parked {
	p.Due = true
	return p
}

func TestDueSubjectsOfBeforeAreRead(t *testing.T) {
	for subject, want := range map[string]parked{
		"due.7.a.00000000000000000017.64-r-300-1--90": {Endpoint: "a", First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 300, Hop: 1, Counted: true, Due: true, Span: 90, Spanned: true},
		"due.7.a.00000000000000000017.64-r-300":       {Endpoint: "a", First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 300, Counted: true, Due: true},
		"due.7.a.00000000000000000017":                {Endpoint: "a", First: transport.Place{Seq: 17}, Entries: 1, Due: true},
	} {
		if got, ok := readParked(subject); !ok || got != want {
			t.Errorf("%s: %v %+v", subject, ok, got)
		}
	}
}

func FuzzParkedSubject(f *testing.F) {
	f.Add("park.7.a.17-9.1-t-300-1-9f2c_81")
	f.Add("park.7.a.17.2-t-300-1-9f2c_81-18446744073709551615")
	f.Add("due.7.a.00000000000000000017.64-r-65536")
	f.Add("park.7.hex-61.18446744073709551615.0-r--1-9")
	f.Add("park.7.a.1")
	f.Fuzz(func(t *testing.T, subject string) {
		p, ok := readParked(subject)
		if !ok || !p.Counted {
			return
		}
		if p.Entries <= 0 || p.Bytes < 0 {
			t.Errorf("%+v", p)
		}
		again, ok := readParked((&Store{}).parkSubject(&p))
		if strings.HasPrefix(subject, "park.") && (!ok || again != p) {
			t.Errorf("%+v, then %v %+v", p, ok, again)
		}
	})
}

func TestRecoverCountsWhatIsParked(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	later := time.Now().Add(time.Hour)
	a := []transport.Entry{jettest.ReadyEntry(1, later), jettest.ReadyEntry(2, later), jettest.Entry(3, later), jettest.ReadyEntry(4, later.Add(time.Minute))}
	a[1].Event.Object, a[1].Event.Data = "kept-elsewhere", []byte(`{"data":"counts though it is not in the message"}`)
	parkWith(t, p, jettest.EndpointA, a...)
	parkWith(t, p, "a b.>", jettest.ReadyEntry(5, later))
	sink := jettest.NewSink(10)
	c := startConsuming(t, s, sink)
	parkWith(t, p, jettest.EndpointB, jettest.ReadyEntry(6, time.Now()), jettest.ReadyEntry(7, time.Now())) // due, and not settled
	oldPark(t, s, jettest.EndpointB, 8, later)
	oldPark(t, s, jettest.EndpointB, 9, time.Now())
	for range 2 {
		jettest.Receive(t, sink.DueC, "what is due")
	}
	jettest.ShutWith(t, c.Stop)
	r := recovered(t, s)
	want := map[string]transport.Parked{
		jettest.EndpointA: {Entries: 4, Ready: 3, Bytes: sizes(a...)},
		"a b.>":           {Entries: 1, Ready: 1, Bytes: sizes(jettest.ReadyEntry(5, later))},
		jettest.EndpointB: {Entries: 4, Ready: 2, Bytes: sizes(jettest.ReadyEntry(6, later), jettest.ReadyEntry(7, later), jettest.Entry(8, later), jettest.Entry(9, later))},
	}
	if !maps.Equal(r.Parked, want) {
		t.Errorf("\n got %+v\nwant %+v", r.Parked, want)
	}
}

// recovered takes what waits, without a log and a journal.
func recovered(t testing.TB, s *Store) *transport.Recovered {
	t.Helper()
	ctx, taking := t.Context(), recovery.NewTaking()
	var state transport.ShardState
	err := errors.Join(s.Restart(ctx), s.State(ctx, &state))
	taking.Begin(state)
	for next := taking.Next(); err == nil && next.What != transport.ReadNothing; next = taking.Next() {
		if next.What != transport.ReadJournal {
			err = s.Read(ctx, &next, taking)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return taking.Recovered()
}

func sizes(entries ...transport.Entry) (n int64) {
	for _, e := range entries {
		n += int64(e.Event.Size())
	}
	return n
}

func TestListingsAreBounded(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	var entries []transport.Entry
	for i := range 20 { // a segment each
		entries = append(entries, jettest.ReadyEntry(uint64(20-i), time.Now().Add(time.Hour+time.Duration(i)*time.Second)))
	}
	parkWith(t, p, jettest.EndpointA, entries...)
	parkWith(t, p, jettest.EndpointB, jettest.ReadyEntry(50, time.Now().Add(time.Hour)))
	list, found, err := s.listParked(jettest.Context(t), jettest.EndpointA, 3, func(*parked) bool { return true })
	if err != nil || found != 20 || len(list) != 3 || list[0].First.Seq != 1 || list[2].First.Seq != 3 {
		t.Errorf("%d of %d: %+v, %v", len(list), found, list, err)
	}
	some, found, err := s.listParked(jettest.Context(t), jettest.EndpointA, 100, func(p *parked) bool { return p.First.Seq > 17 })
	if err != nil || found != 3 || len(some) != 3 || some[0].First.Seq != 18 {
		t.Errorf("%d of %d: %+v, %v", len(some), found, some, err)
	}
}

// fillParked parks so many segments of so many entries each, over 1,000 endpoints.
func fillParked(t testing.TB, s *Store, segments, entries int) {
	t.Helper()
	out, cutter := s.conn.NewOutbox("filling"), newCutter()
	later := time.Now().Add(24 * time.Hour)
	for i := range segments {
		group, all := make([]item, entries), make([]transport.Parking, entries)
		for j := range group {
			e := jettest.ReadyEntry(uint64(i*entries+j+1), later)
			group[j] = s.encodeItem(&e)
			all[j] = group[j].Parking
		}
		for _, cut := range cutter.Cut(all) {
			cut.Segment.Endpoint = jettest.EndpointOf(i % 1000)
			out.Add(s.segmentParcel("acme", group, &cut, 0))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := out.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestListGivesEveryPairOfAnEndpoint(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	later := time.Now().Add(time.Hour).UTC()
	replay := jettest.Entry(1, later)
	replay.Replay = 5
	parkWith(t, p, jettest.EndpointA, jettest.Entry(9, later), jettest.ReadyEntry(4, later), replay)
	parkWith(t, p, jettest.EndpointB, jettest.ReadyEntry(2, later))
	parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(7, time.Now()))
	jettest.Receive(t, sink.DueC, "what is due") // and is not settled
	next := jettest.Entry(7, later)
	next.Hop = 2
	parkWith(t, p, jettest.EndpointA, next)
	oldPark(t, s, jettest.EndpointA, 3, later)
	p.Park("acme", jettest.EndpointA, jettest.ReadyEntry(8, later), nil) // not durable yet
	got, err := p.List(jettest.Context(t), jettest.EndpointA)
	want := []transport.ParkedPair{
		{Place: transport.Place{Seq: 3}, Due: later, Hop: 1}, {Place: transport.Place{Seq: 4}, Hop: 1},
		{Place: transport.Place{Seq: 7}, Due: later, Hop: 2}, {Place: transport.Place{Seq: 8}, Hop: 1},
		{Place: transport.Place{Seq: 9}, Due: later, Hop: 1}, {Place: transport.Place{Replay: 5, Seq: 1}, Due: later, Hop: 1},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("\n got %+v\nwant %+v, %v", got, want, err)
	}
	if none, err := p.List(jettest.Context(t), jettest.EndpointOf(1)); err != nil || len(none) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestListTriesUntilItCan(t *testing.T) {
	t.Parallel()
	b := jettest.StartBare(t)
	s := openBare(t, b)
	p := newParker(t, s)
	parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(1, time.Now().Add(time.Hour)))
	b.Stop()
	listed := make(chan []transport.ParkedPair, 1)
	go func() {
		list, err := p.List(context.Background(), jettest.EndpointA)
		if err != nil {
			t.Error(err)
		}
		listed <- list
	}()
	jettest.Eventually(t, func() bool { return s.conn.Away() != nil })
	b.Start()
	if got := jettest.Receive(t, listed, "the list"); len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.List(ctx, jettest.EndpointA); err == nil {
		t.Error("listed after its context's end")
	}
}

// BenchmarkCensus takes a shard and so counts a million events in full segments, and half a million
// in segments of one: the dearest case.
func BenchmarkCensus(b *testing.B) {
	for _, c := range []struct{ segments, entries int }{{15_625, 64}, {500_000, 1}} {
		b.Run(fmt.Sprintf("segments=%d/entries=%d", c.segments, c.entries), func(b *testing.B) {
			s := openEmbedded(b, embeddedOptions(b))
			fillParked(b, s, c.segments, c.entries)
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				r := recovered(b, s)
				entries := 0
				for _, one := range r.Parked {
					entries += one.Entries
				}
				if entries != c.segments*c.entries {
					b.Fatal(entries)
				}
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(before.HeapInuse)/1e6, "MB-heap-before")
			b.ReportMetric(float64(after.HeapInuse)/1e6, "MB-heap-after")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/1e6/float64(b.N), "MB-allocated/op")
		})
	}
}

func TestASegmentTellsItsLast(t *testing.T) {
	for subject, last := range map[string]uint64{ // 0: not known
		"park.7.a.17.1-t-300-1-9f2c_81":                17,
		"park.7.a.17.64-r-300-1-9f2c_81-90":            107,
		"due.7.a.00000000000000000017.64-r-300-1--90":  107,
		"due.7.a.00000000000000000017.1-r-300":         17,
		"park.7.a.17-3.1-t-300-1":                      17,
		"park.7.a.17.64-r-300-1-9f2c_81":               0,
		"due.7.a.00000000000000000017.64-r-300":        0,
		"park.7.a.17":                                  0,
		"park.7.a.17.2-t-1-1-x_1-18446744073709551615": 0, // beyond all numbers
	} {
		p, ok := readParked(subject)
		if got, known := p.Last(); !ok || got != last || known != (last > 0) {
			t.Errorf("%s: %d %v", subject, got, known)
		}
	}
}
