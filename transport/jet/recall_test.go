package jet

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
)

// readyEntry waits for room alone, and comes back at at.
func readyEntry(seq uint64, at time.Time) transport.Entry {
	e := testEntry(seq, time.Time{})
	e.At = at
	return e
}

func newParker(t testing.TB, s *Store) *Parker {
	t.Helper()
	p := s.Parker(newCutter())
	t.Cleanup(func() { shutWith(t, p.Close) })
	return p
}

func parkWith(t testing.TB, p *Parker, endpoint string, entries ...transport.Entry) {
	t.Helper()
	w := newCountdown(len(entries))
	for _, e := range entries {
		p.Park("acme", endpoint, e, w)
	}
	if err := p.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	w.wait(t)
}

func recallNow(t testing.TB, p *Parker, endpoint string, entries int) {
	t.Helper()
	w := newCountdown(1)
	p.Recall(endpoint, entries, transport.Place{}, w)
	w.wait(t)
}

// seqsOf receives so many segments and gives the sequences in them.
func seqsOf(t testing.TB, sink *sinkOf, segments int) (seqs []uint64) {
	t.Helper()
	for range segments {
		got := receiveFrom(t, sink.due, "a segment")
		for _, e := range got.seg.Entries {
			seqs = append(seqs, e.Event.Seq)
		}
		got.h.Ack()
	}
	return seqs
}

func TestRecallBringsTheOldestThatWaitForRoom(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	sink := newSink(100)
	startConsuming(t, s, sink)
	later := time.Now().Add(time.Hour)
	replay := readyEntry(1, later)
	replay.Replay = 7
	for _, e := range []transport.Entry{
		readyEntry(30, later), readyEntry(20, later.Add(time.Minute)), testEntry(2, later), readyEntry(10, later.Add(time.Second)), replay} {
		parkWith(t, p, endpointA, e)
	}
	parkWith(t, p, endpointB, readyEntry(5, later))
	recallNow(t, p, endpointA, 2)
	if got := seqsOf(t, sink, 2); !slices.Equal(got, []uint64{10, 20}) {
		t.Errorf("first %v", got)
	}
	recallNow(t, p, endpointA, 2) // from the same listing
	if got := seqsOf(t, sink, 2); !slices.Equal(got, []uint64{30, 1}) {
		t.Errorf("then %v", got)
	}
	recallNow(t, p, endpointA, 1) // there are none: told all the same
	parkWith(t, p, endpointA, readyEntry(40, later))
	recallNow(t, p, endpointA, 1)
	if got := seqsOf(t, sink, 1); !slices.Equal(got, []uint64{40}) {
		t.Errorf("parked since: %v", got)
	}
	eventually(t, func() bool { return streamState(t, s, StreamDeferred).Msgs == 2 }) // the timed one, and B's
	if n := s.clock.early.Load(); n != 0 {
		t.Errorf("%d that were recalled count as early", n)
	}
}

func TestRecalledSegmentsKeepTheirNameAndData(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	sink := newSink(10)
	startConsuming(t, s, sink)
	e := readyEntry(3, time.Now().Add(time.Hour))
	e.Hop, e.Tries = 4, []transport.Try{{At: testTime, Status: 500, Class: transport.Failed}}
	parkWith(t, p, endpointA, e, readyEntry(4, time.Now().Add(time.Hour)))
	m, err := s.leaderGet(testContext(t), StreamDeferred, 1, parkFilter(endpointA))
	if err != nil || m == nil {
		t.Fatal(m, err)
	}
	recallNow(t, p, endpointA, 1)
	got := receiveFrom(t, sink.due, "the segment").seg
	if got.ID == "" || got.ID != m.Header.Get(headerSegment) || len(got.Entries) != 2 || got.Customer != "acme" || got.Endpoint != endpointA {
		t.Errorf("%+v", got)
	}
	first := got.Entries[0]
	if first.Hop != 4 || len(first.Tries) != 1 || !first.Due.IsZero() || string(first.Event.Data) != `{"seq":3}` {
		t.Errorf("%+v", first)
	}
}

func TestSegmentsThatFireHaveTheirName(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := newSink(10)
	startConsuming(t, s, sink)
	parkAll(t, s, endpointA, testEntry(1, time.Now()))
	parkAll(t, s, endpointA, readyEntry(2, time.Now()))
	a, b := receiveFrom(t, sink.due, "one").seg, receiveFrom(t, sink.due, "the other").seg
	if a.ID == "" || b.ID == "" || a.ID == b.ID {
		t.Errorf("%q, %q", a.ID, b.ID)
	}
}

// Recalls while the schedules fire: each entry comes once, by the one way or
// the other.
func TestRecallWhileSchedulesFire(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	const n = 2000
	sink := newSink(2 * n)
	startConsuming(t, s, sink)
	from := time.Now()
	w := newCountdown(n)
	for i := range n { // firing over two seconds, but for some that must be recalled
		at := from.Add(time.Duration(i)*time.Millisecond + 51*time.Millisecond*time.Duration(i/8%2))
		if i%5 == 0 {
			at = at.Add(time.Hour)
		}
		p.Park("acme", endpointOf(i%8), readyEntry(uint64(i+1), at), w)
		if i%64 == 63 {
			if err := p.Flush(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	w.wait(t)
	stop := make(chan struct{})
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					recallNow(t, p, endpointOf(i), 20)
				}
			}
		})
	}
	seen, names, recalled := map[uint64]int{}, map[string]int{}, 0
	for len(seen) < n {
		got := receiveFrom(t, sink.due, "a segment")
		names[got.seg.ID]++
		early := false // its time is an hour away
		for _, e := range got.seg.Entries {
			seen[e.Event.Seq]++
			early = early || e.Event.Seq%5 == 1
		}
		if early {
			recalled++
		}
		got.h.Ack()
	}
	close(stop)
	asking.Wait()
	eventually(t, func() bool { return streamState(t, s, StreamDeferred).Msgs == 0 })
	if len(sink.due) > 0 {
		t.Errorf("%d segments came a second time", len(sink.due))
	}
	for seq, times := range seen {
		if times != 1 {
			t.Errorf("%d came %d times", seq, times)
		}
	}
	t.Logf("%d of %d segments were recalled", recalled, len(names))
	if recalled == 0 {
		t.Error("nothing was recalled")
	}
}

func endpointOf(i int) string { return fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i) }

// A guard that does not hold lets nothing through: what fired, or was written
// anew, comes once.
func TestAGuardHoldsAgainstAStaleReading(t *testing.T) {
	for _, synced := range []bool{false, true} {
		t.Run(fmt.Sprintf("synced=%v", synced), func(t *testing.T) {
			o := embeddedOptions(t)
			if synced {
				o.SyncInterval = 0
			}
			s := openEmbedded(t, o)
			p := newParker(t, s)
			sink := newSink(10)
			startConsuming(t, s, sink)
			later := time.Now().Add(time.Hour)
			parkWith(t, p, endpointA, readyEntry(1, later))
			parkWith(t, p, endpointA, readyEntry(2, later))
			stale, err := s.leaderGet(testContext(t), StreamDeferred, 1, parkFilter(endpointA))
			if err != nil {
				t.Fatal(err)
			}
			writeAnew(t, s, stale, later.Add(time.Hour))
			fresh, err := s.leaderGet(testContext(t), StreamDeferred, 2, parkFilter(endpointA))
			if err != nil {
				t.Fatal(err)
			}
			msgs := []*nats.Msg{fired(stale), fired(fresh)}
			if err := s.publishGuarded(testContext(t), msgs); err != nil {
				t.Fatal(err)
			}
			if got := seqsOf(t, sink, 1); !slices.Equal(got, []uint64{2}) {
				t.Errorf("came back: %v", got)
			}
			if err := s.publishGuarded(testContext(t), msgs); err != nil { // both are gone, or moved, now
				t.Fatal(err)
			}
			eventually(t, func() bool { return streamState(t, s, StreamDeferred).Msgs == 1 }) // the ack is under way
			if len(sink.due) != 0 {
				t.Errorf("%d more came back", len(sink.due))
			}
		})
	}
}

// writeAnew stores a segment a second time, as a writer does that was not told
// of the first for long.
func writeAnew(t testing.TB, s *Store, m *jetstream.RawStreamMsg, wake time.Time) {
	t.Helper()
	anew := nats.NewMsg(m.Subject)
	anew.Header.Set(headerSchedule, scheduleText(wake, 0))
	for _, h := range []string{headerTarget, headerSegment} {
		anew.Header.Set(h, m.Header.Get(h))
	}
	anew.Data = m.Data
	if _, err := s.js.PublishMsg(testContext(t), anew); err != nil {
		t.Fatal(err)
	}
}

func TestManyRecallsAtOnceAreServedInTurn(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := Open(testContext(t), embeddedOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	p := s.Parker(newCutter())
	const endpoints, each = 150, 3
	later := time.Now().Add(time.Hour)
	w := newCountdown(endpoints * each)
	for i := range endpoints {
		for j := range each {
			p.Park("acme", endpointOf(i), readyEntry(uint64(i*each+j+1), later.Add(time.Duration(j)*time.Second)), w)
		}
	}
	w.wait(t)
	told := newCountdown(2 * endpoints)
	for range 2 {
		for i := range endpoints {
			p.Recall(endpointOf(i), each, transport.Place{}, told)
		}
	}
	told.wait(t)
	eventually(t, func() bool { return due(t, s) == endpoints*each })
	if len(p.recalls.listings) > mostListings || len(p.recalls.made) > mostListings {
		t.Errorf("%d listings are kept", len(p.recalls.listings))
	}
	shutWith(t, p.Close)
	shutWith(t, p.Close)
	closeStore(t, s)
}

// due counts what fired and is not acked.
func due(t testing.TB, s *Store) (n int) {
	t.Helper()
	err := s.subjectsOf(testContext(t), StreamDeferred, "due.>", func(_ string, messages uint64) { n += int(messages) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecallTellsWhenNATSIsAway(t *testing.T) {
	t.Parallel()
	b := startBare(t)
	s := b.open()
	p := newParker(t, s)
	sink := newSink(10)
	startConsuming(t, s, sink)
	parkWith(t, p, endpointA, readyEntry(1, time.Now().Add(time.Hour)))
	b.stop()
	eventually(t, func() bool { return s.away() != nil })
	began := time.Now()
	w := newCountdown(2)
	p.Recall(endpointA, 1, transport.Place{}, w)
	p.Recall(endpointB, 1, transport.Place{}, w)
	w.wait(t)
	if took := time.Since(began); took < awayPause/2 {
		t.Errorf("told after %s, without a pause", took)
	}
	b.start()
	eventually(t, func() bool {
		recallNow(t, p, endpointA, 1)
		return len(sink.due) > 0
	})
	if got := seqsOf(t, sink, 1); !slices.Equal(got, []uint64{1}) {
		t.Errorf("%v", got)
	}
}

func TestRecallAllBringsEverythingBack(t *testing.T) {
	t.Parallel()
	b := startBare(t)
	s := b.open()
	p := newParker(t, s)
	const n = 150
	sink := newSink(3 * n)
	startConsuming(t, s, sink)
	later := time.Now().Add(time.Hour)
	for i := range n {
		e := testEntry(uint64(i+1), later.Add(time.Duration(i)*time.Second))
		if i%2 == 0 {
			e = readyEntry(uint64(i+1), later.Add(time.Duration(i)*time.Second))
		}
		p.Park("acme", endpointA, e, nil)
	}
	parkWith(t, p, endpointB, readyEntry(n+1, later))
	oldPark(t, s, endpointA, n+2, later)
	b.stop()
	for range 5 {
		p.RecallAll(endpointA)
	}
	b.start()
	got := seqsOf(t, sink, n+1)
	slices.Sort(got)
	for i, seq := range got[:n] {
		if seq != uint64(i+1) {
			t.Fatalf("%d came at place %d", seq, i)
		}
	}
	if got[n] != n+2 {
		t.Errorf("the one of a version before: %d", got[n])
	}
	eventually(t, func() bool { return p.clearing.first() == nil && streamState(t, s, StreamDeferred).Msgs == 1 })
	p.RecallAll(endpointB)
	if got := seqsOf(t, sink, 1); got[0] != n+1 || len(sink.due) != 0 {
		t.Errorf("%v, and %d more", got, len(sink.due))
	}
}

func newCutter() Cutter { return recovery.NewCutter(randomToken(8) + "_") }

// parcelOf is a segment of one entry.
func parcelOf(endpoint string, it item) *parcel {
	cut := newCutter().Cut([]transport.Parking{it.Parking})[0]
	cut.Segment.Endpoint = endpoint
	return segmentParcel("acme", []item{it}, &cut, 0)
}

// oldPark parks one entry as the version before did: without counts, names and kinds.
func oldPark(t testing.TB, s *Store, endpoint string, seq uint64, due time.Time) {
	t.Helper()
	e := testEntry(seq, due)
	it := s.encodeItem(&e)
	m := parcelOf(endpoint, it).msg
	m.Subject = fmt.Sprintf("park.%d.%s.%d", shard, endpoint, seq)
	m.Header.Set(headerTarget, fmt.Sprintf("due.%d.%s.%020d", shard, endpoint, seq))
	m.Header.Del(headerSegment)
	if _, err := s.js.PublishMsg(testContext(t), m); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRecall brings back segments of one entry, 20 at a time.
func BenchmarkRecall(b *testing.B) {
	for _, sync := range []time.Duration{2 * time.Minute, 0} {
		b.Run(fmt.Sprintf("synced=%v", sync == 0), func(b *testing.B) {
			o := embeddedOptions(b)
			o.SyncInterval = sync
			s := openEmbedded(b, o)
			p := newParker(b, s)
			used := time.Duration(0)
			for i := range b.N {
				if i%1000 == 0 {
					b.StopTimer()
					fillParked(b, s, 20_000, 1)
					b.StartTimer()
				}
				from := cpuTime()
				w := newCountdown(1)
				p.Recall(endpointOf(i%1000), 20, transport.Place{}, w)
				<-w.done
				used += cpuTime() - from
			}
			b.ReportMetric(float64(20*b.N)/b.Elapsed().Seconds(), "segments/s")
			b.ReportMetric(float64(used)/float64(20*b.N)/1000, "cpu-us/segment")
		})
	}
}
