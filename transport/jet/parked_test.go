package jet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
)

func TestSubjectsTellWhatIsParked(t *testing.T) {
	for _, c := range []struct {
		park, due string
		want      parked
	}{
		{"park.0." + endpointA + ".17.64-r-65536-3-9f2c_81", "due.0." + endpointA + ".00000000000000000017.64-r-65536-3-9f2c_81",
			parked{Endpoint: endpointA, First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 65536, Hop: 3, Name: "9f2c_81", Counted: true}},
		{"park.0." + endpointA + ".17.64-r-65536-3-9f2c_81-90", "due.0." + endpointA + ".00000000000000000017.64-r-65536-3-9f2c_81-90",
			parked{Endpoint: endpointA, First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 65536, Hop: 3, Name: "9f2c_81", Counted: true, Span: 90, Spanned: true}},
		{"park.0." + endpointA + ".17.64-r-65536-3", "due.0." + endpointA + ".00000000000000000017.64-r-65536-3", // of a version without names
			parked{Endpoint: endpointA, First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 65536, Hop: 3, Counted: true}},
		{"park.0." + endpointA + ".17-9.1-t-300-1", "due.0." + endpointA + ".00000000000000000017-9.1-t-300-1",
			parked{Endpoint: endpointA, First: transport.Place{Seq: 17, Replay: 9}, Entries: 1, Bytes: 300, Hop: 1, Counted: true}},
		{"park.0.hex-612062.1.1-r-1-4294967295", "due.0.hex-612062.00000000000000000001.1-r-1-4294967295",
			parked{Endpoint: "a b", First: transport.Place{Seq: 1}, Entries: 1, Ready: true, Bytes: 1, Hop: 1<<32 - 1, Counted: true}},
		{"park.0.hex-zz.1.1-r-1-0", "due.0.hex-zz.00000000000000000001.1-r-1-0",
			parked{Endpoint: "hex-zz", First: transport.Place{Seq: 1}, Entries: 1, Ready: true, Bytes: 1, Counted: true}},
		{"park.0." + endpointA + ".17-9", "", // of a version that did not count
			parked{Endpoint: endpointA, First: transport.Place{Seq: 17, Replay: 9}, Entries: 1}},
	} {
		t.Run(c.park, func(t *testing.T) {
			got, ok := readParked(c.park)
			if !ok || got != c.want || parkSubject(&got) != c.park {
				t.Errorf("%v %+v, %s", ok, got, parkSubject(&got))
			}
			if c.due == "" {
				return
			}
			due, ok := readParked(c.due)
			if !ok || dueSubject(&due) != c.due || dueSubject(&got) != c.due || due != dueOf(got) {
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
		"due.0.a.00000000000000000017.64-r-300-1--90": {Endpoint: "a", First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 300, Hop: 1, Counted: true, Due: true, Span: 90, Spanned: true},
		"due.0.a.00000000000000000017.64-r-300":       {Endpoint: "a", First: transport.Place{Seq: 17}, Entries: 64, Ready: true, Bytes: 300, Counted: true, Due: true},
		"due.0.a.00000000000000000017":                {Endpoint: "a", First: transport.Place{Seq: 17}, Entries: 1, Due: true},
	} {
		if got, ok := readParked(subject); !ok || got != want {
			t.Errorf("%s: %v %+v", subject, ok, got)
		}
	}
}

func FuzzParkedSubject(f *testing.F) {
	f.Add("park.0.a.17-9.1-t-300-1-9f2c_81")
	f.Add("park.0.a.17.2-t-300-1-9f2c_81-18446744073709551615")
	f.Add("due.0.a.00000000000000000017.64-r-65536")
	f.Add("park.0.hex-61.18446744073709551615.0-r--1-9")
	f.Add("park.0.a.1")
	f.Fuzz(func(t *testing.T, subject string) {
		p, ok := readParked(subject)
		if !ok || !p.Counted {
			return
		}
		if p.Entries <= 0 || p.Bytes < 0 {
			t.Errorf("%+v", p)
		}
		again, ok := readParked(parkSubject(&p))
		if strings.HasPrefix(subject, "park.") && (!ok || again != p) {
			t.Errorf("%+v, then %v %+v", p, ok, again)
		}
	})
}

func TestRecoverCountsWhatIsParked(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	g := s.Graveyard()
	defer shutWith(t, g.Close)
	later := time.Now().Add(time.Hour)
	a := []transport.Entry{readyEntry(1, later), readyEntry(2, later), testEntry(3, later), readyEntry(4, later.Add(time.Minute))}
	a[1].Event.Object, a[1].Event.Data = "kept-elsewhere", []byte(`{"data":"counts though it is not in the message"}`)
	parkWith(t, p, endpointA, a...)
	parkWith(t, p, "a b.>", readyEntry(5, later))
	sink := newSink(10)
	c, err := s.Consume(testContext(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	parkWith(t, p, endpointB, readyEntry(6, time.Now()), readyEntry(7, time.Now())) // due, and not settled
	oldPark(t, s, endpointB, 8, later)
	oldPark(t, s, endpointB, 9, time.Now())
	for range 2 {
		receiveFrom(t, sink.due, "what is due")
	}
	shutWith(t, c.Stop)
	r, err := s.Recover(testContext(t), recovery.NewTaking(), newCutter(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]transport.Parked{
		endpointA: {Entries: 4, Ready: 3, Bytes: sizes(a...)},
		"a b.>":   {Entries: 1, Ready: 1, Bytes: sizes(readyEntry(5, later))},
		endpointB: {Entries: 4, Ready: 2, Bytes: sizes(readyEntry(6, later), readyEntry(7, later), testEntry(8, later), testEntry(9, later))},
	}
	if !maps.Equal(r.Parked, want) {
		t.Errorf("\n got %+v\nwant %+v", r.Parked, want)
	}
}

func sizes(entries ...transport.Entry) (n int64) {
	for _, e := range entries {
		n += int64(e.Event.Size())
	}
	return n
}

// The server tells 100,000 subjects at a time (BenchmarkCensus has five times
// as many); here one tells three.
func TestSubjectsArePaged(t *testing.T) {
	srv := runServer(t, &server.Options{})
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	_, err = nc.Subscribe("$JS.API.STREAM.INFO.MANY", func(m *nats.Msg) {
		var ask struct {
			Filter string `json:"subjects_filter"`
			Offset int    `json:"offset"`
		}
		if err := json.Unmarshal(m.Data, &ask); err != nil || ask.Filter != "many.>" {
			t.Errorf("asked %s, %v", m.Data, err)
		}
		page := map[string]uint64{}
		for i := ask.Offset; i < min(ask.Offset+3, 8); i++ {
			page[fmt.Sprint("many.", i)] = uint64(i + 1)
		}
		answer, _ := json.Marshal(map[string]any{"total": 8, "state": map[string]any{"subjects": page}})
		if err := m.Respond(answer); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s, seen := &Store{nc: nc}, map[string]uint64{}
	err = s.subjectsOf(testContext(t), "MANY", "many.>", func(subject string, messages uint64) { seen[subject] += messages })
	if err != nil || len(seen) != 8 || seen["many.0"] != 1 || seen["many.7"] != 8 {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestListingsAreBounded(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	var entries []transport.Entry
	for i := range 20 { // a segment each
		entries = append(entries, readyEntry(uint64(20-i), time.Now().Add(time.Hour+time.Duration(i)*time.Second)))
	}
	parkWith(t, p, endpointA, entries...)
	parkWith(t, p, endpointB, readyEntry(50, time.Now().Add(time.Hour)))
	list, found, err := s.listParked(testContext(t), endpointA, 3, func(*parked) bool { return true })
	if err != nil || found != 20 || len(list) != 3 || list[0].First.Seq != 1 || list[2].First.Seq != 3 {
		t.Errorf("%d of %d: %+v, %v", len(list), found, list, err)
	}
	some, found, err := s.listParked(testContext(t), endpointA, 100, func(p *parked) bool { return p.First.Seq > 17 })
	if err != nil || found != 3 || len(some) != 3 || some[0].First.Seq != 18 {
		t.Errorf("%d of %d: %+v, %v", len(some), found, some, err)
	}
}

// fillParked parks so many segments of so many entries each, over 1,000 endpoints.
func fillParked(t testing.TB, s *Store, segments, entries int) {
	t.Helper()
	out, cutter := s.newOutbox("filling"), newCutter()
	later := time.Now().Add(24 * time.Hour)
	for i := range segments {
		group, all := make([]item, entries), make([]transport.Parking, entries)
		for j := range group {
			e := readyEntry(uint64(i*entries+j+1), later)
			group[j] = s.encodeItem(&e)
			all[j] = group[j].Parking
		}
		for _, cut := range cutter.Cut(all) {
			cut.Segment.Endpoint = endpointOf(i % 1000)
			out.add(segmentParcel("acme", group, &cut, 0))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := out.close(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestListGivesEveryPairOfAnEndpoint(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	sink := newSink(10)
	startConsuming(t, s, sink)
	later := time.Now().Add(time.Hour).UTC()
	replay := testEntry(1, later)
	replay.Replay = 5
	parkWith(t, p, endpointA, testEntry(9, later), readyEntry(4, later), replay)
	parkWith(t, p, endpointB, readyEntry(2, later))
	parkWith(t, p, endpointA, readyEntry(7, time.Now()))
	receiveFrom(t, sink.due, "what is due") // and is not settled
	next := testEntry(7, later)
	next.Hop = 2
	parkWith(t, p, endpointA, next)
	oldPark(t, s, endpointA, 3, later)
	p.Park("acme", endpointA, readyEntry(8, later), nil) // not durable yet
	got, err := p.List(testContext(t), endpointA)
	want := []transport.ParkedPair{
		{Place: transport.Place{Seq: 3}, Due: later, Hop: 1}, {Place: transport.Place{Seq: 4}, Hop: 1},
		{Place: transport.Place{Seq: 7}, Due: later, Hop: 2}, {Place: transport.Place{Seq: 8}, Hop: 1},
		{Place: transport.Place{Seq: 9}, Due: later, Hop: 1}, {Place: transport.Place{Replay: 5, Seq: 1}, Due: later, Hop: 1},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("\n got %+v\nwant %+v, %v", got, want, err)
	}
	if none, err := p.List(testContext(t), endpointOf(1)); err != nil || len(none) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestListTriesUntilItCan(t *testing.T) {
	t.Parallel()
	b := startBare(t)
	s := b.open()
	p := newParker(t, s)
	parkWith(t, p, endpointA, readyEntry(1, time.Now().Add(time.Hour)))
	b.stop()
	listed := make(chan []transport.ParkedPair, 1)
	go func() {
		list, err := p.List(context.Background(), endpointA)
		if err != nil {
			t.Error(err)
		}
		listed <- list
	}()
	eventually(t, func() bool { return s.away() != nil })
	b.start()
	if got := receiveFrom(t, listed, "the list"); len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.List(ctx, endpointA); err == nil {
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
				r, err := s.Recover(b.Context(), recovery.NewTaking(), newCutter(), nil)
				if err != nil {
					b.Fatal(err)
				}
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
