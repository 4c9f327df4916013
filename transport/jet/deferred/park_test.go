package deferred

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func parkAll(t testing.TB, s *Store, endpoint string, entries ...transport.Entry) {
	t.Helper()
	p := s.Parker(newCutter())
	w := jettest.NewCountdown(len(entries))
	for _, e := range entries {
		p.Park("acme", endpoint, e, w)
	}
	w.Wait(t)
	jettest.ShutWith(t, p.Close)
}

func parkOne(t testing.TB, s *Store, endpoint string, seq uint64, due time.Time) {
	t.Helper()
	parkAll(t, s, endpoint, jettest.Entry(seq, due))
}

func TestParkedComesBackWhenDue(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(100)
	startConsuming(t, s, sink)
	now := time.Now()
	e := jettest.Entry(5, now.Add(700*time.Millisecond))
	e.Replay, e.Hop, e.Tries = 9, 3, []transport.Try{{At: jettest.Time, Took: time.Second, Status: 500, Class: transport.Failed, Reason: "status"}}
	parkAll(t, s, jettest.EndpointA, e)
	parkOne(t, s, jettest.EndpointA, 6, now.Add(-time.Second)) // overdue: at once
	first, got := jettest.Receive(t, sink.DueC, "a segment"), jettest.Receive(t, sink.DueC, "the other one")
	if first.Seg.Entries[0].Event.Seq == 5 { // parking took longer than its time
		first, got = got, first
	}
	if first.Seg.Entries[0].Event.Seq != 6 {
		t.Fatalf("%+v", first.Seg)
	}
	first.H.Ack()
	if late := got.At.Sub(e.Due); late < 0 {
		t.Errorf("came %s before it was due", -late)
	}
	entry := got.Seg.Entries[0]
	if got.Seg.Customer != "acme" || got.Seg.Endpoint != jettest.EndpointA || got.Seg.Seq == 0 || entry.Replay != 9 || entry.Hop != 3 ||
		len(entry.Tries) != 1 || entry.Tries[0].Status != 500 || string(entry.Event.Data) != `{"seq":5}` || entry.Event.Customer != "acme" || !entry.Due.Equal(e.Due) {
		t.Errorf("%+v %+v", got.Seg, entry)
	}
	got.H.Ack()
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.js, shard.Deferred()).Msgs == 0 })
}

func TestEntriesOfAnEndpointShareAMessage(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	due := time.Now().Add(time.Hour)
	var a []transport.Entry
	for i := range 100 {
		a = append(a, jettest.Entry(uint64(i+1), due))
	}
	parkAll(t, s, jettest.EndpointA, a...)
	if n := jettest.StreamState(t, s.js, shard.Deferred()).Msgs; n != 2 {
		t.Errorf("100 entries lie in %d messages", n)
	}
}

// A schedule that was fired twice around a kill leaves two copies of a pair,
// which go on side by side: none may replace what the other is parked with, nor
// purge it when it fires.
func TestNoSegmentReplacesAnother(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	later := time.Now().Add(time.Hour)
	parkAll(t, s, jettest.EndpointA, jettest.Entry(1, later), jettest.Entry(2, later))
	parkAll(t, s, jettest.EndpointA, jettest.Entry(1, later), jettest.Entry(3, later))
	if n := jettest.StreamState(t, s.js, shard.Deferred()).Msgs; n != 2 {
		t.Errorf("%d segments, want 2", n)
	}
	// A due message that is not acked stays when its pair is parked again.
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	parkAll(t, s, jettest.EndpointB, jettest.Entry(10, time.Now()), jettest.Entry(11, time.Now()))
	due := jettest.Receive(t, sink.DueC, "the segment")
	parkOne(t, s, jettest.EndpointB, 10, time.Now())
	again := jettest.Receive(t, sink.DueC, "the one parked again")
	if len(due.Seg.Entries) != 2 || len(again.Seg.Entries) != 1 || jettest.StreamState(t, s.js, shard.Deferred()).Msgs != 4 {
		t.Errorf("%+v, %+v", due.Seg, again.Seg)
	}
}

func TestParkedSurvivesARestart(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	parkOne(t, s, jettest.EndpointA, 1, time.Now().Add(300*time.Millisecond))
	parkOne(t, s, jettest.EndpointB, 2, time.Now().Add(time.Hour))
	closeStore(t, s)
	s = openEmbedded(t, o)
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	if got := jettest.Receive(t, sink.DueC, "what came due meanwhile"); got.Seg.Endpoint != jettest.EndpointA {
		t.Errorf("%+v", got.Seg)
	}
	if n := jettest.StreamState(t, s.js, shard.Deferred()).Msgs; n != 2 {
		t.Errorf("%d messages", n)
	}
}

func TestEventAtTheMessageLimitIsParkedThroughTheObjectStore(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	e := jettest.Entry(1, time.Now())
	e.Event.Data = jettest.SampleDocument(1<<20 - 100)
	parkAll(t, s, jettest.EndpointA, e)
	got := jettest.Receive(t, sink.DueC, "the large event")
	if ev := got.Seg.Entries[0].Event; ev.Object == "" || string(ev.Data) != string(e.Event.Data) {
		t.Errorf("object %q, %d bytes", ev.Object, len(ev.Data))
	}
}

func TestParkingGoesOnAfterARestartOfNATS(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	p := s.Parker(newCutter())
	defer jettest.ShutWith(t, p.Close)
	b.Stop()
	const n = 200
	w := jettest.NewCountdown(n)
	due := time.Now().Add(time.Hour)
	for i := range n {
		p.Park("acme", fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i), jettest.Entry(uint64(i+1), due), w)
	}
	jettest.Eventually(t, func() bool { _, fault := p.Pending(); return fault != nil })
	if w.Reached() {
		t.Error("told that an entry is durable which is not")
	}
	b.Start()
	w.Wait(t)
	if got := jettest.StreamState(t, s.js, shard.Deferred()).Msgs; got != n || w.Over != 0 {
		t.Errorf("%d messages, %d told twice", got, w.Over)
	}
}

func TestAMessageThatIsRefusedHoldsUpNoOther(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	p := s.Parker(newCutter())
	due := time.Now().Add(time.Hour)
	bad, good := jettest.NewCountdown(1), jettest.NewCountdown(1)
	p.out.Add(&jet.Parcel{Msg: nats.NewMsg("no.stream.takes.this"), Waiters: []transport.Waiter{bad}})
	jettest.Eventually(t, func() bool { _, fault := p.Pending(); return fault != nil })
	p.Park("acme", jettest.EndpointA, jettest.Entry(2, due), good)
	good.Wait(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || bad.Reached() {
		t.Errorf("%v", err)
	}
}

func TestAnEndpointOfAnyNameCanBeParked(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(1)
	startConsuming(t, s, sink)
	parkOne(t, s, "a b.>\r\n", 1, time.Now())
	if got := jettest.Receive(t, sink.DueC, "the segment"); got.Seg.Endpoint != "a b.>\r\n" {
		t.Errorf("%+v", got.Seg)
	}
}

// BenchmarkPark parks entries one to a segment: the dearest case.
func BenchmarkPark(b *testing.B) {
	for _, sync := range []time.Duration{2 * time.Minute, 0} {
		for _, oneByOne := range []bool{false, true} {
			b.Run(fmt.Sprintf("synced=%v/batches=%v", sync == 0, !oneByOne), func(b *testing.B) {
				o := embeddedOptions(b)
				o.SyncInterval = sync
				s := openEmbedded(b, o)
				p := s.Parker(newCutter())
				p.out.OneByOne = oneByOne
				defer jettest.ShutWith(b, p.Close)
				due := time.Now().Add(time.Hour)
				w := jettest.NewCountdown(b.N)
				from := jettest.CPUTime()
				b.ResetTimer()
				for i := range b.N {
					p.Park("acme", fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i), jettest.Entry(uint64(i+1), due), w)
				}
				w.Wait(b)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "segments/s")
				b.ReportMetric(float64(jettest.CPUTime()-from)/float64(b.N)/1000, "cpu-us/segment")
			})
		}
	}
}
