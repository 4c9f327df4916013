package jet

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// cpuTime is what this process has used, the embedded server included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func streamState(t testing.TB, s *Store, name string) jetstream.StreamState {
	t.Helper()
	stream, err := s.js.Stream(testContext(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State
}

func testEntry(seq uint64, due time.Time) transport.Entry {
	return transport.Entry{Hop: 1, Due: due, Event: &transport.Event{Seq: seq, ID: fmt.Sprint("EVENTS-", seq),
		Customer: "acme", Type: "access.granted", Time: testTime, Stored: testTime, Data: []byte(fmt.Sprintf(`{"seq":%d}`, seq))}}
}

func parkAll(t testing.TB, s *Store, endpoint string, entries ...transport.Entry) {
	t.Helper()
	p := s.Parker(newCutter())
	w := newCountdown(len(entries))
	for _, e := range entries {
		p.Park("acme", endpoint, e, w)
	}
	w.wait(t)
	shutWith(t, p.Close)
}

func parkOne(t testing.TB, s *Store, endpoint string, seq uint64, due time.Time) {
	t.Helper()
	parkAll(t, s, endpoint, testEntry(seq, due))
}

func TestParkedComesBackWhenDue(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := newSink(100)
	startConsuming(t, s, sink)
	now := time.Now()
	e := testEntry(5, now.Add(700*time.Millisecond))
	e.Replay, e.Hop, e.Tries = 9, 3, []transport.Try{{At: testTime, Took: time.Second, Status: 500, Class: transport.Failed, Reason: "status"}}
	parkAll(t, s, endpointA, e)
	parkOne(t, s, endpointA, 6, now.Add(-time.Second)) // overdue: at once
	first, got := receiveFrom(t, sink.due, "a segment"), receiveFrom(t, sink.due, "the other one")
	if first.seg.Entries[0].Event.Seq == 5 { // parking took longer than its time
		first, got = got, first
	}
	if first.seg.Entries[0].Event.Seq != 6 {
		t.Fatalf("%+v", first.seg)
	}
	first.h.Ack()
	if late := got.at.Sub(e.Due); late < 0 {
		t.Errorf("came %s before it was due", -late)
	}
	entry := got.seg.Entries[0]
	if got.seg.Customer != "acme" || got.seg.Endpoint != endpointA || got.seg.Seq == 0 || entry.Replay != 9 || entry.Hop != 3 ||
		len(entry.Tries) != 1 || entry.Tries[0].Status != 500 || string(entry.Event.Data) != `{"seq":5}` || entry.Event.Customer != "acme" || !entry.Due.Equal(e.Due) {
		t.Errorf("%+v %+v", got.seg, entry)
	}
	got.h.Ack()
	eventually(t, func() bool { return streamState(t, s, StreamDeferred).Msgs == 0 })
}

func TestEntriesOfAnEndpointShareAMessage(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	due := time.Now().Add(time.Hour)
	var a []transport.Entry
	for i := range 100 {
		a = append(a, testEntry(uint64(i+1), due))
	}
	parkAll(t, s, endpointA, a...)
	if n := streamState(t, s, StreamDeferred).Msgs; n != 2 {
		t.Errorf("100 entries lie in %d messages", n)
	}
}

// A schedule that was fired twice around a kill leaves two copies of a pair,
// which go on side by side: none may replace what the other is parked with, nor
// purge it when it fires.
func TestNoSegmentReplacesAnother(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	later := time.Now().Add(time.Hour)
	parkAll(t, s, endpointA, testEntry(1, later), testEntry(2, later))
	parkAll(t, s, endpointA, testEntry(1, later), testEntry(3, later))
	if n := streamState(t, s, StreamDeferred).Msgs; n != 2 {
		t.Errorf("%d segments, want 2", n)
	}
	// A due message that is not acked stays when its pair is parked again.
	sink := newSink(10)
	startConsuming(t, s, sink)
	parkAll(t, s, endpointB, testEntry(10, time.Now()), testEntry(11, time.Now()))
	due := receiveFrom(t, sink.due, "the segment")
	parkOne(t, s, endpointB, 10, time.Now())
	again := receiveFrom(t, sink.due, "the one parked again")
	if len(due.seg.Entries) != 2 || len(again.seg.Entries) != 1 || streamState(t, s, StreamDeferred).Msgs != 4 {
		t.Errorf("%+v, %+v", due.seg, again.seg)
	}
}

func TestParkedSurvivesARestart(t *testing.T) {
	o := embeddedOptions(t)
	s, err := Open(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	parkOne(t, s, endpointA, 1, time.Now().Add(300*time.Millisecond))
	parkOne(t, s, endpointB, 2, time.Now().Add(time.Hour))
	closeStore(t, s)
	s = openEmbedded(t, o)
	sink := newSink(10)
	startConsuming(t, s, sink)
	if got := receiveFrom(t, sink.due, "what came due meanwhile"); got.seg.Endpoint != endpointA {
		t.Errorf("%+v", got.seg)
	}
	if n := streamState(t, s, StreamDeferred).Msgs; n != 2 {
		t.Errorf("%d messages", n)
	}
}

func TestEventAtTheMessageLimitIsParkedThroughTheObjectStore(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := newSink(10)
	startConsuming(t, s, sink)
	e := testEntry(1, time.Now())
	e.Event.Data = sampleDocument(1<<20 - 100)
	parkAll(t, s, endpointA, e)
	got := receiveFrom(t, sink.due, "the large event")
	if ev := got.seg.Entries[0].Event; ev.Object == "" || string(ev.Data) != string(e.Event.Data) {
		t.Errorf("object %q, %d bytes", ev.Object, len(ev.Data))
	}
}

func TestParkingGoesOnAfterARestartOfNATS(t *testing.T) {
	b := startBare(t)
	s := b.open()
	p := s.Parker(newCutter())
	defer shutWith(t, p.Close)
	b.stop()
	const n = 200
	w := newCountdown(n)
	due := time.Now().Add(time.Hour)
	for i := range n {
		p.Park("acme", fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i), testEntry(uint64(i+1), due), w)
	}
	eventually(t, func() bool { _, fault := p.Pending(); return fault != nil })
	if w.reached() {
		t.Error("told that an entry is durable which is not")
	}
	b.start()
	w.wait(t)
	if got := streamState(t, s, StreamDeferred).Msgs; got != n || w.over != 0 {
		t.Errorf("%d messages, %d told twice", got, w.over)
	}
}

func TestAMessageThatIsRefusedHoldsUpNoOther(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	p := s.Parker(newCutter())
	due := time.Now().Add(time.Hour)
	bad, good := newCountdown(1), newCountdown(1)
	p.out.add(&parcel{msg: nats.NewMsg("no.stream.takes.this"), waiters: []transport.Waiter{bad}})
	eventually(t, func() bool { _, fault := p.Pending(); return fault != nil })
	p.Park("acme", endpointA, testEntry(2, due), good)
	good.wait(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || bad.reached() {
		t.Errorf("%v", err)
	}
}

func TestAnEndpointOfAnyNameCanBeParked(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := newSink(1)
	startConsuming(t, s, sink)
	parkOne(t, s, "a b.>\r\n", 1, time.Now())
	if got := receiveFrom(t, sink.due, "the segment"); got.seg.Endpoint != "a b.>\r\n" {
		t.Errorf("%+v", got.seg)
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
				p.out.oneByOne = oneByOne
				defer shutWith(b, p.Close)
				due := time.Now().Add(time.Hour)
				w := newCountdown(b.N)
				from := cpuTime()
				b.ResetTimer()
				for i := range b.N {
					p.Park("acme", fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i), testEntry(uint64(i+1), due), w)
				}
				w.wait(b)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "segments/s")
				b.ReportMetric(float64(cpuTime()-from)/float64(b.N)/1000, "cpu-us/segment")
			})
		}
	}
}
