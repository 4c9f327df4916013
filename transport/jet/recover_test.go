package jet

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
)

func journalAll(t testing.TB, s *Store, records ...*transport.Record) {
	t.Helper()
	j := s.Journal()
	for _, r := range records {
		j.Append(r, nil)
	}
	shutWith(t, j.Close)
}

func fanOutOf(seq uint64, id string, endpoints ...string) *transport.Record {
	return &transport.Record{Kind: transport.FanOut, Seq: seq, Customer: "acme", EventID: id, At: time.Now(), Revision: 1, Endpoints: endpoints}
}

func outcomeOf(kind transport.Kind, seq uint64, endpoint string) *transport.Record {
	return &transport.Record{Kind: kind, Seq: seq, Customer: "acme", Endpoint: endpoint, At: time.Now(), Reason: transport.ReasonExhausted}
}

func TestRecoverAnEmptyShard(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r, err := s.Recover(testContext(t), recovery.NewTaking(), newCutter(), nil)
	if err != nil || r.Floor != 0 || len(r.FanOuts)+len(r.Pairs)+len(r.Skipped) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// Six events: 1 settled and acked, 2 half finished, 3 settled but its ack above
// the floor, 4 skipped whole, 5 parked after a try, 6 without any record.
func TestRecoverTellsWhatHadBecomeOfEachPair(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	g := s.Graveyard()
	defer shutWith(t, g.Close)
	sink := newSink(10)
	c, err := s.Consume(testContext(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		publishOn(t, s, "events.acme.x", `{}`)
	}
	handles := map[uint64]transport.Handle{}
	for range 6 {
		got := sink.event(t)
		handles[got.ev.Seq] = got.h
	}
	try := triedRecord(5, 1, transport.Failed)
	journalAll(t, s,
		fanOutOf(1, "given-1", endpointA), triedRecord(1, 1, transport.Delivered),
		fanOutOf(2, "EVENTS-2", endpointA, endpointB), triedRecord(2, 1, transport.Failed), triedRecord(2, 1, transport.Failed),
		outcomeOf(transport.DeadLettered, 2, endpointB),
		fanOutOf(3, "given-3", endpointA), triedRecord(3, 1, transport.Delivered),
		&transport.Record{Kind: transport.Skipped, Seq: 4, Customer: "acme", EventID: "given-3", At: time.Now(), Reason: transport.ReasonDuplicate},
		fanOutOf(5, "given-5", endpointA), try)
	e := testEntry(5, time.Now().Add(time.Hour))
	e.Hop, e.Tries = 2, []transport.Try{{At: try.At, Took: try.Answer.Took, Status: 200, Class: transport.Failed}}
	parkAll(t, s, endpointA, e)
	handles[1].Ack()
	handles[3].Ack()
	handles[4].Ack()
	eventually(t, func() bool {
		info, err := s.js.Consumer(testContext(t), StreamEvents, consumerName)
		return err == nil && info.CachedInfo().AckFloor.Stream == 1 && info.CachedInfo().NumAckPending == 3
	})
	shutWith(t, c.Stop)
	var ids []string
	r, err := s.Recover(testContext(t), recovery.NewTaking(), newCutter(), func(seen transport.SeenID) {
		ids = append(ids, fmt.Sprint(seen.Customer, "/", seen.ID, "/", seen.Seq))
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Floor != 1 {
		t.Errorf("floor %d", r.Floor)
	}
	fanOuts := map[uint64][]string{}
	for seq, f := range r.FanOuts {
		fanOuts[seq] = f.Endpoints
	}
	if want := map[uint64][]string{2: {endpointA, endpointB}, 3: {endpointA}, 5: {endpointA}}; !reflect.DeepEqual(fanOuts, want) {
		t.Errorf("fan-outs %v", r.FanOuts)
	}
	if _, skipped := r.Skipped[4]; !skipped || len(r.Skipped) != 1 {
		t.Errorf("skipped %v", r.Skipped)
	}
	one := transport.Try{At: try.At, Took: try.Answer.Took, Status: 200, Class: transport.Failed}
	want := map[transport.Pair]transport.PairState{
		{Seq: 2, Endpoint: endpointA}: {Tries: []transport.Try{one}, Next: try.NextAt},
		{Seq: 2, Endpoint: endpointB}: {Final: true},
		{Seq: 3, Endpoint: endpointA}: {Final: true},
		{Seq: 5, Endpoint: endpointA}: {Tries: []transport.Try{one}, Next: try.NextAt, Hop: 2, Stored: testTime},
	}
	if !reflect.DeepEqual(r.Pairs, want) {
		t.Errorf("pairs\n got %+v\nwant %+v", r.Pairs, want)
	}
	if !slices.Equal(ids, []string{"acme/given-1/1", "acme/given-3/3", "acme/given-5/5"}) {
		t.Errorf("seen %v", ids)
	}

	// Everything above the floor comes again, at once.
	again := newSink(10)
	startConsuming(t, s, again)
	var seqs []uint64
	for range 5 {
		seqs = append(seqs, again.event(t).ev.Seq)
	}
	if !slices.Equal(seqs, []uint64{2, 3, 4, 5, 6}) {
		t.Errorf("came again: %v", seqs)
	}
}

// A segment of an event below the floor came due; one pair is settled, the
// other parked again, and the ack was lost.
func TestRecoverKnowsWhatADueMessageHolds(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := newSink(10)
	g := s.Graveyard()
	defer shutWith(t, g.Close)
	c, err := s.Consume(testContext(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		publishOn(t, s, "events.acme.x", `{}`)
	}
	for range 3 {
		sink.event(t).h.Ack()
	}
	eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 3 })
	journalAll(t, s, fanOutOf(1, "a", endpointA), fanOutOf(2, "b", endpointA), fanOutOf(3, "c", endpointA))
	parkAll(t, s, endpointA, testEntry(1, time.Now()), testEntry(2, time.Now()))
	parkOne(t, s, endpointA, 3, time.Now().Add(time.Hour)) // only waits: cannot come back
	receiveFrom(t, sink.due, "the segment")
	again := testEntry(2, time.Now().Add(time.Hour))
	again.Hop = 2
	parkAll(t, s, endpointA, again)
	journalAll(t, s, triedRecord(1, 1, transport.Delivered), triedRecord(2, 1, transport.Failed))
	shutWith(t, c.Stop)
	r, err := s.Recover(testContext(t), recovery.NewTaking(), newCutter(), nil)
	if err != nil {
		t.Fatal(err)
	}
	one, two := r.Pairs[transport.Pair{Seq: 1, Endpoint: endpointA}], r.Pairs[transport.Pair{Seq: 2, Endpoint: endpointA}]
	if r.Floor != 3 || len(r.FanOuts) != 0 || len(r.Pairs) != 2 || !one.Final || two.Final || two.Hop != 2 || len(two.Tries) != 1 {
		t.Fatalf("%+v", r)
	}
}

// A segment came due after the last record, was parked again, and perhaps came
// due again, and the acks were lost; or it was acked, and its schedule fired a
// second time. Of an overdue backlog nothing is kept, but what is there twice.
func TestRecoverKnowsWhatIsThereTwice(t *testing.T) {
	cameDue := func(t *testing.T, s *Store, sink *sinkOf) {
		parkAll(t, s, endpointA, testEntry(1, time.Now()), testEntry(2, time.Now()))
		receiveFrom(t, sink.due, "the segment")
	}
	again := func(at time.Time) transport.Entry {
		e := testEntry(2, at)
		e.Hop = 2
		return e
	}
	for name, park := range map[string]func(t *testing.T, s *Store, sink *sinkOf){
		"parked again": func(t *testing.T, s *Store, sink *sinkOf) {
			cameDue(t, s, sink)
			parkAll(t, s, endpointA, again(time.Now().Add(time.Hour)))
		},
		"due again": func(t *testing.T, s *Store, sink *sinkOf) {
			cameDue(t, s, sink)
			parkAll(t, s, endpointA, again(time.Now()))
			receiveFrom(t, sink.due, "what was parked again")
		},
		"fired twice": func(t *testing.T, s *Store, sink *sinkOf) {
			parkAll(t, s, endpointA, again(time.Now().Add(time.Hour)))
			cameDue(t, s, sink)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openEmbedded(t, embeddedOptions(t))
			sink := newSink(10)
			g := s.Graveyard()
			defer shutWith(t, g.Close)
			c, err := s.Consume(testContext(t), sink, g)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				publishOn(t, s, "events.acme.x", `{}`)
				sink.event(t).h.Ack()
			}
			eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 2 })
			journalAll(t, s, fanOutOf(1, "a", endpointA), fanOutOf(2, "b", endpointA))
			park(t, s, sink)
			shutWith(t, c.Stop)
			r := recoverWithoutMargin(t, s)
			if two := r.Pairs[transport.Pair{Seq: 2, Endpoint: endpointA}]; len(r.Pairs) != 1 || two.Hop != 2 || two.Final {
				t.Fatalf("%+v", r)
			}
		})
	}
}

func TestRecoverAfterARestart(t *testing.T) {
	o := embeddedOptions(t)
	s, err := Open(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recover(testContext(t), recovery.NewTaking(), newCutter(), nil); err != nil {
		t.Fatal(err)
	}
	publishOn(t, s, "events.acme.x", `{}`)
	journalAll(t, s, fanOutOf(1, "a", endpointA), triedRecord(1, 1, transport.Delivered))
	closeStore(t, s)
	s = openEmbedded(t, o)
	r, err := s.Recover(testContext(t), recovery.NewTaking(), newCutter(), nil)
	if err != nil || !r.Pairs[transport.Pair{Seq: 1, Endpoint: endpointA}].Final {
		t.Fatalf("%+v, %v", r, err)
	}
}

// A crash between the parking and the ack of the event: the pair, which nobody
// tried, is found parked, whether it still waits, came due or was recalled.
func TestRecoverFindsWhatWasParkedWithoutAnAttempt(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry func(seq uint64) transport.Entry
		then  func(t *testing.T, p *Parker, sink *sinkOf)
	}{
		{"waiting for room", func(seq uint64) transport.Entry { return readyEntry(seq, time.Now().Add(time.Hour)) }, nil},
		{"waiting for its time", func(seq uint64) transport.Entry { return testEntry(seq, time.Now().Add(time.Hour)) }, nil},
		{"came due", func(seq uint64) transport.Entry { return readyEntry(seq, time.Now()) },
			func(t *testing.T, _ *Parker, sink *sinkOf) { receiveFrom(t, sink.due, "what came due") }},
		{"recalled", func(seq uint64) transport.Entry { return readyEntry(seq, time.Now().Add(time.Hour)) },
			func(t *testing.T, p *Parker, sink *sinkOf) {
				recallNow(t, p, endpointA, 1)
				receiveFrom(t, sink.due, "what was recalled")
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openEmbedded(t, embeddedOptions(t))
			g := s.Graveyard()
			defer shutWith(t, g.Close)
			sink := newSink(10)
			consumers, err := s.Consume(testContext(t), sink, g)
			if err != nil {
				t.Fatal(err)
			}
			publishOn(t, s, "events.acme.x", `{}`)
			publishOn(t, s, "events.acme.x", `{}`)
			sink.event(t).h.Ack()
			seq := sink.event(t).ev.Seq
			journalAll(t, s, fanOutOf(seq, "EVENTS-2", endpointA))
			p := newParker(t, s)
			parkWith(t, p, endpointA, c.entry(seq))
			if c.then != nil {
				c.then(t, p, sink)
			}
			eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 1 })
			shutWith(t, consumers.Stop) // without an ack of the event
			r, err := s.Recover(testContext(t), recovery.NewTaking(), newCutter(), nil)
			if err != nil {
				t.Fatal(err)
			}
			st, found := r.Pairs[transport.Pair{Seq: seq, Endpoint: endpointA}]
			if !found || st.Hop != 1 || st.Final || len(st.Tries) != 0 || r.Parked[endpointA].Entries != 1 {
				t.Errorf("%+v, parked %+v", r.Pairs, r.Parked)
			}
		})
	}
}

// Of what is parked the subject tells whether any of it is above the floor,
// while it waits and when it came due.
func TestRecoverReadsWhatIsAboveTheFloor(t *testing.T) {
	for name, wake := range map[string]time.Duration{"waiting": time.Hour, "due": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openEmbedded(t, embeddedOptions(t))
			g := s.Graveyard()
			defer shutWith(t, g.Close)
			sink := newSink(10)
			consumers, err := s.Consume(testContext(t), sink, g)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				publishOn(t, s, "events.acme.x", `{}`)
				if got := sink.event(t); i < 2 {
					got.h.Ack()
				}
			}
			journalAll(t, s, fanOutOf(3, "EVENTS-3", endpointB))
			p := newParker(t, s)
			at := time.Now().Add(wake)
			parkWith(t, p, endpointA, readyEntry(1, at), readyEntry(2, at))
			parkWith(t, p, endpointB, readyEntry(1, at), readyEntry(3, at)) // one segment
			if wake == 0 {
				receiveFrom(t, sink.due, "the one segment")
				receiveFrom(t, sink.due, "the other segment")
			}
			eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 2 })
			shutWith(t, consumers.Stop)
			if r := recoverWithoutMargin(t, s); len(r.Pairs) != 1 || r.Pairs[transport.Pair{Seq: 3, Endpoint: endpointB}].Hop != 1 || r.Parked[endpointA].Entries+r.Parked[endpointB].Entries != 4 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// recoverWithoutMargin takes the shard as if clocks could be trusted.
func recoverWithoutMargin(t testing.TB, s *Store) *transport.Recovered {
	t.Helper()
	taking := recovery.NewTaking()
	taking.Margin = 0
	r, err := s.Recover(testContext(t), taking, newCutter(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestASegmentTellsItsLast(t *testing.T) {
	for subject, last := range map[string]uint64{ // 0: not known
		"park.0.a.17.1-t-300-1-9f2c_81":                17,
		"park.0.a.17.64-r-300-1-9f2c_81-90":            107,
		"due.0.a.00000000000000000017.64-r-300-1--90":  107,
		"due.0.a.00000000000000000017.1-r-300":         17,
		"park.0.a.17-3.1-t-300-1":                      17,
		"park.0.a.17.64-r-300-1-9f2c_81":               0,
		"due.0.a.00000000000000000017.64-r-300":        0,
		"park.0.a.17":                                  0,
		"park.0.a.17.2-t-1-1-x_1-18446744073709551615": 0, // beyond all numbers
	} {
		p, ok := readParked(subject)
		if got, known := p.Last(); !ok || got != last || known != (last > 0) {
			t.Errorf("%s: %d %v", subject, got, known)
		}
	}
}
