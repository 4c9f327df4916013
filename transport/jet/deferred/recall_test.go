package deferred

import (
	"context"
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
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func newParker(t testing.TB, s *Store) *Parker {
	t.Helper()
	p := s.Parker(newCutter())
	t.Cleanup(func() { jettest.ShutWith(t, p.Close) })
	return p
}

func parkWith(t testing.TB, p *Parker, endpoint string, entries ...transport.Entry) {
	t.Helper()
	w := jettest.NewCountdown(len(entries))
	for _, e := range entries {
		p.Park("acme", endpoint, e, w)
	}
	if err := p.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	w.Wait(t)
}

func recallNow(t testing.TB, p *Parker, endpoint string, entries int) {
	t.Helper()
	w := jettest.NewCountdown(1)
	p.Recall(endpoint, entries, transport.Place{}, w)
	w.Wait(t)
}

// seqsOf receives so many segments and gives the sequences in them.
func seqsOf(t testing.TB, sink *jettest.Sink, segments int) (seqs []uint64) {
	t.Helper()
	for range segments {
		got := jettest.Receive(t, sink.DueC, "a segment")
		for _, e := range got.Seg.Entries {
			seqs = append(seqs, e.Event.Seq)
		}
		got.H.Ack()
	}
	return seqs
}

func TestRecallBringsTheOldestThatWaitForRoom(t *testing.T) {
	t.Parallel()
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	sink := jettest.NewSink(100)
	startConsuming(t, s, sink)
	later := time.Now().Add(time.Hour)
	replay := jettest.ReadyEntry(1, later)
	replay.Replay = 7
	for _, e := range []transport.Entry{
		jettest.ReadyEntry(30, later), jettest.ReadyEntry(20, later.Add(time.Minute)), jettest.Entry(2, later), jettest.ReadyEntry(10, later.Add(time.Second)), replay} {
		parkWith(t, p, jettest.EndpointA, e)
	}
	parkWith(t, p, jettest.EndpointB, jettest.ReadyEntry(5, later))
	recallNow(t, p, jettest.EndpointA, 2)
	if got := seqsOf(t, sink, 2); !slices.Equal(got, []uint64{10, 20}) {
		t.Errorf("first %v", got)
	}
	recallNow(t, p, jettest.EndpointA, 2) // from the same listing
	if got := seqsOf(t, sink, 2); !slices.Equal(got, []uint64{30, 1}) {
		t.Errorf("then %v", got)
	}
	recallNow(t, p, jettest.EndpointA, 1) // there are none: told all the same
	parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(40, later))
	recallNow(t, p, jettest.EndpointA, 1)
	if got := seqsOf(t, sink, 1); !slices.Equal(got, []uint64{40}) {
		t.Errorf("parked since: %v", got)
	}
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.js, shard.Deferred()).Msgs == 2 }) // the timed one, and B's
	if n := s.clock.early.Load(); n != 0 {
		t.Errorf("%d that were recalled count as early", n)
	}
}

func TestRecalledSegmentsKeepTheirNameAndData(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	e := jettest.ReadyEntry(3, time.Now().Add(time.Hour))
	e.Hop, e.Tries = 4, []transport.Try{{At: jettest.Time, Status: 500, Class: transport.Failed}}
	parkWith(t, p, jettest.EndpointA, e, jettest.ReadyEntry(4, time.Now().Add(time.Hour)))
	m, err := s.conn.LeaderGet(jettest.Context(t), shard.Deferred(), 1, s.parkFilter(jettest.EndpointA))
	if err != nil || m == nil {
		t.Fatal(m, err)
	}
	recallNow(t, p, jettest.EndpointA, 1)
	got := jettest.Receive(t, sink.DueC, "the segment").Seg
	if got.ID == "" || got.ID != m.Header.Get(headerSegment) || len(got.Entries) != 2 || got.Customer != "acme" || got.Endpoint != jettest.EndpointA {
		t.Errorf("%+v", got)
	}
	first := got.Entries[0]
	if first.Hop != 4 || len(first.Tries) != 1 || !first.Due.IsZero() || string(first.Event.Data) != `{"seq":3}` {
		t.Errorf("%+v", first)
	}
}

func TestSegmentsThatFireHaveTheirName(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	parkAll(t, s, jettest.EndpointA, jettest.Entry(1, time.Now()))
	parkAll(t, s, jettest.EndpointA, jettest.ReadyEntry(2, time.Now()))
	a, b := jettest.Receive(t, sink.DueC, "one").Seg, jettest.Receive(t, sink.DueC, "the other").Seg
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
	sink := jettest.NewSink(2 * n)
	startConsuming(t, s, sink)
	from := time.Now()
	w := jettest.NewCountdown(n)
	for i := range n { // firing over two seconds, but for some that must be recalled
		at := from.Add(time.Duration(i)*time.Millisecond + 51*time.Millisecond*time.Duration(i/8%2))
		if i%5 == 0 {
			at = at.Add(time.Hour)
		}
		p.Park("acme", jettest.EndpointOf(i%8), jettest.ReadyEntry(uint64(i+1), at), w)
		if i%64 == 63 {
			if err := p.Flush(jettest.Context(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	w.Wait(t)
	stop := make(chan struct{})
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					recallNow(t, p, jettest.EndpointOf(i), 20)
				}
			}
		})
	}
	seen, names, recalled := map[uint64]int{}, map[string]int{}, 0
	for len(seen) < n {
		got := jettest.Receive(t, sink.DueC, "a segment")
		names[got.Seg.ID]++
		early := false // its time is an hour away
		for _, e := range got.Seg.Entries {
			seen[e.Event.Seq]++
			early = early || e.Event.Seq%5 == 1
		}
		if early {
			recalled++
		}
		got.H.Ack()
	}
	close(stop)
	asking.Wait()
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.js, shard.Deferred()).Msgs == 0 })
	if len(sink.DueC) > 0 {
		t.Errorf("%d segments came a second time", len(sink.DueC))
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
			sink := jettest.NewSink(10)
			startConsuming(t, s, sink)
			later := time.Now().Add(time.Hour)
			parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(1, later))
			parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(2, later))
			stale, err := s.conn.LeaderGet(jettest.Context(t), shard.Deferred(), 1, s.parkFilter(jettest.EndpointA))
			if err != nil {
				t.Fatal(err)
			}
			writeAnew(t, s, stale, later.Add(time.Hour))
			fresh, err := s.conn.LeaderGet(jettest.Context(t), shard.Deferred(), 2, s.parkFilter(jettest.EndpointA))
			if err != nil {
				t.Fatal(err)
			}
			msgs := []*nats.Msg{fired(stale), fired(fresh)}
			if err := s.publishGuarded(jettest.Context(t), msgs); err != nil {
				t.Fatal(err)
			}
			if got := seqsOf(t, sink, 1); !slices.Equal(got, []uint64{2}) {
				t.Errorf("came back: %v", got)
			}
			if err := s.publishGuarded(jettest.Context(t), msgs); err != nil { // both are gone, or moved, now
				t.Fatal(err)
			}
			jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.js, shard.Deferred()).Msgs == 1 }) // the ack is under way
			if len(sink.DueC) != 0 {
				t.Errorf("%d more came back", len(sink.DueC))
			}
		})
	}
}

// What is written anew for another clock while it is brought back comes back.
func TestWhatIsWrittenAnewMeanwhileIsBroughtBack(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	p := newParker(t, s)
	const n = 100
	sink := jettest.NewSink(n)
	startConsuming(t, s, sink)
	later := time.Now().Add(24 * time.Hour)
	for i := range n {
		parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(uint64(i+1), later))
	}
	ctx, stop := context.WithCancel(jettest.Context(t))
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for skew := time.Hour; ctx.Err() == nil; skew += time.Hour {
			off, err := s.misaligned(ctx, skew)
			for len(off) > 0 && err == nil {
				part := off[:min(len(off), 8)]
				off, err = off[len(part):], s.rewrite(ctx, part, skew)
			}
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
	defer func() {
		stop()
		<-moved
	}()
	p.RecallAll(jettest.EndpointA)
	jettest.Eventually(t, func() bool { return p.clearing.first() == nil })
	if left := lying(t, s, "park.>"); left != 0 {
		t.Errorf("%d of %d were not brought back", left, n)
	}
}

// writeAnew stores a segment a second time, as a writer does that was not told
// of the first for long.
func writeAnew(t testing.TB, s *Store, m *jetstream.RawStreamMsg, wake time.Time) {
	t.Helper()
	anew := nats.NewMsg(m.Subject)
	anew.Header.Set(jet.HeaderSchedule, scheduleText(wake, 0))
	for _, h := range []string{jet.HeaderTarget, headerSegment} {
		anew.Header.Set(h, m.Header.Get(h))
	}
	anew.Data = m.Data
	if _, err := s.js.PublishMsg(jettest.Context(t), anew); err != nil {
		t.Fatal(err)
	}
}

func TestManyRecallsAtOnceAreServedInTurn(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := openEmbedded(t, embeddedOptions(t))
	p := s.Parker(newCutter())
	const endpoints, each = 150, 3
	later := time.Now().Add(time.Hour)
	w := jettest.NewCountdown(endpoints * each)
	for i := range endpoints {
		for j := range each {
			p.Park("acme", jettest.EndpointOf(i), jettest.ReadyEntry(uint64(i*each+j+1), later.Add(time.Duration(j)*time.Second)), w)
		}
	}
	w.Wait(t)
	told := jettest.NewCountdown(2 * endpoints)
	for range 2 {
		for i := range endpoints {
			p.Recall(jettest.EndpointOf(i), each, transport.Place{}, told)
		}
	}
	told.Wait(t)
	jettest.Eventually(t, func() bool { return due(t, s) == endpoints*each })
	if len(p.recalls.listings) > mostListings || len(p.recalls.made) > mostListings {
		t.Errorf("%d listings are kept", len(p.recalls.listings))
	}
	jettest.ShutWith(t, p.Close)
	jettest.ShutWith(t, p.Close)
	closeStore(t, s)
}

// due counts what fired and is not acked.
func due(t testing.TB, s *Store) (n int) { return lying(t, s, "due.>") }

// lying is how many messages are in DEFERRED by a filter.
func lying(t testing.TB, s *Store, filter string) (n int) {
	t.Helper()
	err := s.conn.SubjectsOf(jettest.Context(t), shard.Deferred(), filter, func(_ string, messages uint64) { n += int(messages) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecallTellsWhenNATSIsAway(t *testing.T) {
	t.Parallel()
	b := jettest.StartBare(t)
	s := openBare(t, b)
	p := newParker(t, s)
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(1, time.Now().Add(time.Hour)))
	b.Stop()
	jettest.Eventually(t, func() bool { return s.conn.Away() != nil })
	began := time.Now()
	w := jettest.NewCountdown(2)
	p.Recall(jettest.EndpointA, 1, transport.Place{}, w)
	p.Recall(jettest.EndpointB, 1, transport.Place{}, w)
	w.Wait(t)
	if took := time.Since(began); took < awayPause/2 {
		t.Errorf("told after %s, without a pause", took)
	}
	b.Start()
	jettest.Eventually(t, func() bool {
		recallNow(t, p, jettest.EndpointA, 1)
		return len(sink.DueC) > 0
	})
	if got := seqsOf(t, sink, 1); !slices.Equal(got, []uint64{1}) {
		t.Errorf("%v", got)
	}
}

func TestRecallAllBringsEverythingBack(t *testing.T) {
	t.Parallel()
	b := jettest.StartBare(t)
	s := openBare(t, b)
	p := newParker(t, s)
	const n = 150
	sink := jettest.NewSink(3 * n)
	startConsuming(t, s, sink)
	later := time.Now().Add(time.Hour)
	for i := range n {
		e := jettest.Entry(uint64(i+1), later.Add(time.Duration(i)*time.Second))
		if i%2 == 0 {
			e = jettest.ReadyEntry(uint64(i+1), later.Add(time.Duration(i)*time.Second))
		}
		p.Park("acme", jettest.EndpointA, e, nil)
	}
	parkWith(t, p, jettest.EndpointB, jettest.ReadyEntry(n+1, later))
	oldPark(t, s, jettest.EndpointA, n+2, later)
	b.Stop()
	for range 5 {
		p.RecallAll(jettest.EndpointA)
	}
	b.Start()
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
	jettest.Eventually(t, func() bool {
		return p.clearing.first() == nil && jettest.StreamState(t, s.js, shard.Deferred()).Msgs == 1
	})
	p.RecallAll(jettest.EndpointB)
	if got := seqsOf(t, sink, 1); got[0] != n+1 || len(sink.DueC) != 0 {
		t.Errorf("%v, and %d more", got, len(sink.DueC))
	}
}

func newCutter() Cutter { return recovery.NewCutter(jet.RandomToken(8) + "_") }

// parcelOf is a segment of one entry.
func parcelOf(s *Store, endpoint string, it item) *jet.Parcel {
	cut := newCutter().Cut([]transport.Parking{it.Parking})[0]
	cut.Segment.Endpoint = endpoint
	return s.segmentParcel("acme", []item{it}, &cut, 0)
}

// oldPark parks one entry as the version before did: without counts, names and kinds.
func oldPark(t testing.TB, s *Store, endpoint string, seq uint64, due time.Time) {
	t.Helper()
	e := jettest.Entry(seq, due)
	it := s.encodeItem(&e)
	m := parcelOf(s, endpoint, it).Msg
	m.Subject = fmt.Sprintf("park.%d.%s.%d", s.shard, endpoint, seq)
	m.Header.Set(jet.HeaderTarget, fmt.Sprintf("due.%d.%s.%020d", s.shard, endpoint, seq))
	m.Header.Del(headerSegment)
	if _, err := s.js.PublishMsg(jettest.Context(t), m); err != nil {
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
				from := jettest.CPUTime()
				w := jettest.NewCountdown(1)
				p.Recall(jettest.EndpointOf(i%1000), 20, transport.Place{}, w)
				<-w.C
				used += jettest.CPUTime() - from
			}
			b.ReportMetric(float64(20*b.N)/b.Elapsed().Seconds(), "segments/s")
			b.ReportMetric(float64(used)/float64(20*b.N)/1000, "cpu-us/segment")
		})
	}
}
