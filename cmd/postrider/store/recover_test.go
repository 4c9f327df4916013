package store

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestRecoverAnEmptyShard(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), nil)
	if err != nil || r.Floor != 0 || len(r.FanOuts)+len(r.Pairs)+len(r.Skipped) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// Six events: 1 settled and acked, 2 half finished, 3 settled but its ack above
// the floor, 4 skipped whole, 5 parked after a try, 6 without any record.
func TestRecoverTellsWhatHadBecomeOfEachPair(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	g := s.Letters.Graveyard()
	defer jettest.ShutWith(t, g.Close)
	sink := jettest.NewSink(10)
	c, err := s.Consume(jettest.Context(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	}
	handles := map[uint64]transport.Handle{}
	for range 6 {
		got := sink.Next(t)
		handles[got.Ev.Seq] = got.H
	}
	try := jettest.TriedRecord(5, 1, transport.Failed)
	journalAll(t, s,
		jettest.FanOutOf(1, "given-1", jettest.EndpointA), jettest.TriedRecord(1, 1, transport.Delivered),
		jettest.FanOutOf(2, "EVENTS-2", jettest.EndpointA, jettest.EndpointB), jettest.TriedRecord(2, 1, transport.Failed), jettest.TriedRecord(2, 1, transport.Failed),
		jettest.OutcomeOf(transport.DeadLettered, 2, jettest.EndpointB),
		jettest.FanOutOf(3, "given-3", jettest.EndpointA), jettest.TriedRecord(3, 1, transport.Delivered),
		&transport.Record{Kind: transport.Skipped, Seq: 4, Customer: "acme", EventID: "given-3", At: time.Now(), Reason: transport.ReasonDuplicate},
		jettest.FanOutOf(5, "given-5", jettest.EndpointA), try)
	e := jettest.Entry(5, time.Now().Add(time.Hour))
	e.Hop, e.Tries = 2, []transport.Try{{At: try.At, Took: try.Answer.Took, Status: 200, Class: transport.Failed}}
	parkAll(t, s, jettest.EndpointA, e)
	handles[1].Ack()
	handles[3].Ack()
	handles[4].Ack()
	jettest.Eventually(t, func() bool {
		info, err := s.JetStream().Consumer(jettest.Context(t), jet.StreamEvents, jet.ConsumerName)
		return err == nil && info.CachedInfo().AckFloor.Stream == 1 && info.CachedInfo().NumAckPending == 3
	})
	jettest.ShutWith(t, c.Stop)
	var ids []string
	r, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), func(seen transport.SeenID) {
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
	if want := map[uint64][]string{2: {jettest.EndpointA, jettest.EndpointB}, 3: {jettest.EndpointA}, 5: {jettest.EndpointA}}; !reflect.DeepEqual(fanOuts, want) {
		t.Errorf("fan-outs %v", r.FanOuts)
	}
	if _, skipped := r.Skipped[4]; !skipped || len(r.Skipped) != 1 {
		t.Errorf("skipped %v", r.Skipped)
	}
	one := transport.Try{At: try.At, Took: try.Answer.Took, Status: 200, Class: transport.Failed}
	want := map[transport.Pair]transport.PairState{
		{Seq: 2, Endpoint: jettest.EndpointA}: {Tries: []transport.Try{one}, Next: try.NextAt},
		{Seq: 2, Endpoint: jettest.EndpointB}: {Final: true},
		{Seq: 3, Endpoint: jettest.EndpointA}: {Final: true},
		{Seq: 5, Endpoint: jettest.EndpointA}: {Tries: []transport.Try{one}, Next: try.NextAt, Hop: 2, Stored: jettest.Time},
	}
	if !reflect.DeepEqual(r.Pairs, want) {
		t.Errorf("pairs\n got %+v\nwant %+v", r.Pairs, want)
	}
	if !slices.Equal(ids, []string{"acme/given-1/1", "acme/given-3/3", "acme/given-5/5"}) {
		t.Errorf("seen %v", ids)
	}

	// Everything above the floor comes again, at once.
	again := jettest.NewSink(10)
	startConsuming(t, s, again)
	var seqs []uint64
	for range 5 {
		seqs = append(seqs, again.Next(t).Ev.Seq)
	}
	if !slices.Equal(seqs, []uint64{2, 3, 4, 5, 6}) {
		t.Errorf("came again: %v", seqs)
	}
}

// A segment of an event below the floor came due; one pair is settled, the
// other parked again, and the ack was lost.
func TestRecoverKnowsWhatADueMessageHolds(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(10)
	g := s.Letters.Graveyard()
	defer jettest.ShutWith(t, g.Close)
	c, err := s.Consume(jettest.Context(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	}
	for range 3 {
		sink.Next(t).H.Ack()
	}
	jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 3 })
	journalAll(t, s, jettest.FanOutOf(1, "a", jettest.EndpointA), jettest.FanOutOf(2, "b", jettest.EndpointA), jettest.FanOutOf(3, "c", jettest.EndpointA))
	parkAll(t, s, jettest.EndpointA, jettest.Entry(1, time.Now()), jettest.Entry(2, time.Now()))
	parkOne(t, s, jettest.EndpointA, 3, time.Now().Add(time.Hour)) // only waits: cannot come back
	jettest.Receive(t, sink.DueC, "the segment")
	again := jettest.Entry(2, time.Now().Add(time.Hour))
	again.Hop = 2
	parkAll(t, s, jettest.EndpointA, again)
	journalAll(t, s, jettest.TriedRecord(1, 1, transport.Delivered), jettest.TriedRecord(2, 1, transport.Failed))
	jettest.ShutWith(t, c.Stop)
	r, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), nil)
	if err != nil {
		t.Fatal(err)
	}
	one, two := r.Pairs[transport.Pair{Seq: 1, Endpoint: jettest.EndpointA}], r.Pairs[transport.Pair{Seq: 2, Endpoint: jettest.EndpointA}]
	if r.Floor != 3 || len(r.FanOuts) != 0 || len(r.Pairs) != 2 || !one.Final || two.Final || two.Hop != 2 || len(two.Tries) != 1 {
		t.Fatalf("%+v", r)
	}
}

// A segment came due after the last record, was parked again, and perhaps came
// due again, and the acks were lost; or it was acked, and its schedule fired a
// second time. Of an overdue backlog nothing is kept, but what is there twice.
func TestRecoverKnowsWhatIsThereTwice(t *testing.T) {
	cameDue := func(t *testing.T, s *Store, sink *jettest.Sink) {
		parkAll(t, s, jettest.EndpointA, jettest.Entry(1, time.Now()), jettest.Entry(2, time.Now()))
		jettest.Receive(t, sink.DueC, "the segment")
	}
	again := func(at time.Time) transport.Entry {
		e := jettest.Entry(2, at)
		e.Hop = 2
		return e
	}
	for name, park := range map[string]func(t *testing.T, s *Store, sink *jettest.Sink){
		"parked again": func(t *testing.T, s *Store, sink *jettest.Sink) {
			cameDue(t, s, sink)
			parkAll(t, s, jettest.EndpointA, again(time.Now().Add(time.Hour)))
		},
		"due again": func(t *testing.T, s *Store, sink *jettest.Sink) {
			cameDue(t, s, sink)
			parkAll(t, s, jettest.EndpointA, again(time.Now()))
			jettest.Receive(t, sink.DueC, "what was parked again")
		},
		"fired twice": func(t *testing.T, s *Store, sink *jettest.Sink) {
			parkAll(t, s, jettest.EndpointA, again(time.Now().Add(time.Hour)))
			cameDue(t, s, sink)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openEmbedded(t, embeddedOptions(t))
			sink := jettest.NewSink(10)
			g := s.Letters.Graveyard()
			defer jettest.ShutWith(t, g.Close)
			c, err := s.Consume(jettest.Context(t), sink, g)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
				sink.Next(t).H.Ack()
			}
			jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 2 })
			journalAll(t, s, jettest.FanOutOf(1, "a", jettest.EndpointA), jettest.FanOutOf(2, "b", jettest.EndpointA))
			park(t, s, sink)
			jettest.ShutWith(t, c.Stop)
			r := recoverWithoutMargin(t, s)
			if two := r.Pairs[transport.Pair{Seq: 2, Endpoint: jettest.EndpointA}]; len(r.Pairs) != 1 || two.Hop != 2 || two.Final {
				t.Fatalf("%+v", r)
			}
		})
	}
}

func TestRecoverAfterARestart(t *testing.T) {
	o := embeddedOptions(t)
	s, err := Open(jettest.Context(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), nil); err != nil {
		t.Fatal(err)
	}
	jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	journalAll(t, s, jettest.FanOutOf(1, "a", jettest.EndpointA), jettest.TriedRecord(1, 1, transport.Delivered))
	closeStore(t, s)
	s = openEmbedded(t, o)
	r, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), nil)
	if err != nil || !r.Pairs[transport.Pair{Seq: 1, Endpoint: jettest.EndpointA}].Final {
		t.Fatalf("%+v, %v", r, err)
	}
}

// A crash between the parking and the ack of the event: the pair, which nobody
// tried, is found parked, whether it still waits, came due or was recalled.
func TestRecoverFindsWhatWasParkedWithoutAnAttempt(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry func(seq uint64) transport.Entry
		then  func(t *testing.T, p *deferred.Parker, sink *jettest.Sink)
	}{
		{"waiting for room", func(seq uint64) transport.Entry { return jettest.ReadyEntry(seq, time.Now().Add(time.Hour)) }, nil},
		{"waiting for its time", func(seq uint64) transport.Entry { return jettest.Entry(seq, time.Now().Add(time.Hour)) }, nil},
		{"came due", func(seq uint64) transport.Entry { return jettest.ReadyEntry(seq, time.Now()) },
			func(t *testing.T, _ *deferred.Parker, sink *jettest.Sink) {
				jettest.Receive(t, sink.DueC, "what came due")
			}},
		{"recalled", func(seq uint64) transport.Entry { return jettest.ReadyEntry(seq, time.Now().Add(time.Hour)) },
			func(t *testing.T, p *deferred.Parker, sink *jettest.Sink) {
				recallNow(t, p, jettest.EndpointA, 1)
				jettest.Receive(t, sink.DueC, "what was recalled")
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openEmbedded(t, embeddedOptions(t))
			g := s.Letters.Graveyard()
			defer jettest.ShutWith(t, g.Close)
			sink := jettest.NewSink(10)
			consumers, err := s.Consume(jettest.Context(t), sink, g)
			if err != nil {
				t.Fatal(err)
			}
			jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
			jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
			sink.Next(t).H.Ack()
			seq := sink.Next(t).Ev.Seq
			journalAll(t, s, jettest.FanOutOf(seq, "EVENTS-2", jettest.EndpointA))
			p := newParker(t, s)
			parkWith(t, p, jettest.EndpointA, c.entry(seq))
			if c.then != nil {
				c.then(t, p, sink)
			}
			jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 1 })
			jettest.ShutWith(t, consumers.Stop) // without an ack of the event
			r, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), nil)
			if err != nil {
				t.Fatal(err)
			}
			st, found := r.Pairs[transport.Pair{Seq: seq, Endpoint: jettest.EndpointA}]
			if !found || st.Hop != 1 || st.Final || len(st.Tries) != 0 || r.Parked[jettest.EndpointA].Entries != 1 {
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
			g := s.Letters.Graveyard()
			defer jettest.ShutWith(t, g.Close)
			sink := jettest.NewSink(10)
			consumers, err := s.Consume(jettest.Context(t), sink, g)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
				if got := sink.Next(t); i < 2 {
					got.H.Ack()
				}
			}
			journalAll(t, s, jettest.FanOutOf(3, "EVENTS-3", jettest.EndpointB))
			p := newParker(t, s)
			at := time.Now().Add(wake)
			parkWith(t, p, jettest.EndpointA, jettest.ReadyEntry(1, at), jettest.ReadyEntry(2, at))
			parkWith(t, p, jettest.EndpointB, jettest.ReadyEntry(1, at), jettest.ReadyEntry(3, at)) // one segment
			if wake == 0 {
				jettest.Receive(t, sink.DueC, "the one segment")
				jettest.Receive(t, sink.DueC, "the other segment")
			}
			jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 2 })
			jettest.ShutWith(t, consumers.Stop)
			if r := recoverWithoutMargin(t, s); len(r.Pairs) != 1 || r.Pairs[transport.Pair{Seq: 3, Endpoint: jettest.EndpointB}].Hop != 1 || r.Parked[jettest.EndpointA].Entries+r.Parked[jettest.EndpointB].Entries != 4 {
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
	r, err := s.Recover(jettest.Context(t), taking, newCutter(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A copy of DEFERRED was put back, and the start after that has noted it: what is
// parked of it, and has ended since, is known to be over at each start until it
// is gone, however long before it is due.
func TestRecoverKnowsWhatACopyHolds(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(10)
	g := s.Letters.Graveyard()
	defer jettest.ShutWith(t, g.Close)
	c, err := s.Consume(jettest.Context(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	sink.Next(t).H.Ack()
	jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 1 })
	jettest.ShutWith(t, c.Stop)
	journalAll(t, s, jettest.FanOutOf(1, "a", jettest.EndpointA))
	parkOne(t, s, jettest.EndpointA, 1, time.Now().Add(time.Hour))
	journalAll(t, s, jettest.TriedRecord(1, 1, transport.Delivered))
	pair := transport.Pair{Seq: 1, Endpoint: jettest.EndpointA}
	for _, c := range []struct {
		mark, next string
		known      bool
	}{
		{"", "", false},
		{transport.MarkMending, "copy 1", true}, {"copy 1", "copy 1", true}, // the second start knows as well
		{"copy 0", "due 1", true}, {"due 1", "", false},
	} {
		if err := s.Deferred.Mark(jettest.Context(t), c.mark); err != nil {
			t.Fatal(err)
		}
		r, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var after transport.ShardState
		if err := s.Deferred.State(jettest.Context(t), &after); err != nil {
			t.Fatal(err)
		}
		if r.Pairs[pair].Final != c.known || after.Mark != c.next || len(r.Owed) != 0 {
			t.Errorf("marked %q: known to be over %t, then marked %q, owed %v; want %t, %q", c.mark, r.Pairs[pair].Final, after.Mark, r.Owed, c.known, c.next)
		}
	}
}
