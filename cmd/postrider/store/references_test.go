package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// submitted stores n events and gives them as they are read.
func submitted(t testing.TB, s *Store, n int) []*transport.Event {
	t.Helper()
	all := make([]*transport.Event, n)
	for i := range all {
		r, err := s.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "acme", Type: "access.granted",
			ID: fmt.Sprint("given-", i), Data: []byte(fmt.Sprintf(`{"n":%d}`, i))}})
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = s.Events.Event(jettest.Context(t), r[0].Seq); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// waiting is an event to be parked by reference until due.
func waiting(ev *transport.Event, due time.Time) transport.Entry {
	return transport.Entry{Event: ev, Hop: 1, Due: due}
}

func dueOf(t testing.TB, sink *jettest.Sink) jettest.TakenDue {
	t.Helper()
	return jettest.Receive(t, sink.DueC, "a segment")
}

// What waits is a reference: DEFERRED has next to nothing of the event, which
// comes from the log when it is due, as it was, a payload of its own included.
func TestWhatWaitsIsReadFromTheLogWhenItIsDue(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	events := append(submitted(t, s, 3), submitBig(t, s))
	var entries []transport.Entry
	for _, ev := range events {
		e := waiting(ev, time.Now())
		e.Tries = []transport.Try{{At: jettest.Time, Status: 500, Class: transport.Failed}}
		entries = append(entries, e)
	}
	parkAll(t, s, jettest.EndpointA, entries...)
	if state := jettest.StreamState(t, s.JetStream(), jet.StreamDeferred); state.Bytes > 2000 {
		t.Errorf("DEFERRED has %d bytes in %d messages", state.Bytes, state.Msgs)
	}
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	got := map[uint64]*transport.Entry{}
	for len(got) < len(events) {
		seg := dueOf(t, sink).Seg
		for i := range seg.Entries {
			got[seg.Entries[i].Event.Seq] = &seg.Entries[i]
		}
	}
	for _, want := range events {
		e := got[want.Seq]
		if e == nil || e.Event.Gone || string(e.Event.Data) != string(want.Data) || e.Event.ID != want.ID || e.Event.Type != want.Type ||
			!e.Event.Stored.Equal(want.Stored) || e.Size != want.Size() || len(e.Tries) != 1 || e.Hop != 1 {
			t.Errorf("event %d came as %+v", want.Seq, e)
		}
	}
}

// A reference leads to its own event or to none: what was deleted is gone, and so
// is what has the number of another.
func TestAReferenceNeverLeadsToAnotherEvent(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	events := submitted(t, s, 4)
	stream, err := s.JetStream().Stream(jettest.Context(t), jet.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(jettest.Context(t), events[1].Seq); err != nil {
		t.Fatal(err)
	}
	other, elsewhere := *events[2], *events[3]
	other.Stored = other.Stored.Add(time.Nanosecond)
	elsewhere.Customer = "other"
	never := *events[0]
	never.Seq = 1000
	for i, ev := range []*transport.Event{events[0], events[1], &other, &elsewhere, &never} {
		p := s.Deferred.Parker(newCutter())
		p.Park(ev.Customer, jettest.EndpointOf(i), waiting(ev, time.Now()), nil)
		jettest.ShutWith(t, p.Close)
	}
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	for range 5 {
		seg := dueOf(t, sink).Seg
		ev := seg.Entries[0].Event
		if gone := seg.Endpoint != jettest.EndpointOf(0); ev.Gone != gone || gone && (ev.Data != nil || ev.Stored.IsZero() || ev.Customer != seg.Customer) {
			t.Errorf("%s got %+v", seg.Endpoint, ev)
		}
	}
}

// The log keeps what something refers to, however old it is.
func TestTheLogIsPurgedUpToTheOldestReference(t *testing.T) {
	o, now := embeddedOptions(t), time.Now()
	var ahead atomic.Int64
	o.Now, o.EventsKeep = func() time.Time { return now.Add(time.Duration(ahead.Load())) }, time.Hour
	s := openEmbedded(t, o)
	events := submitted(t, s, 6)
	sink := jettest.NewSink(10)
	c, _ := startConsuming(t, s, sink)
	for range events {
		sink.Next(t).H.Ack()
	}
	jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 6 })
	p := newParker(t, s)
	parkWith(t, p, jettest.EndpointA, waiting(events[3], now.Add(200*time.Hour)), waiting(events[5], now.Add(200*time.Hour)))
	ready := waiting(events[2], time.Time{})
	ready.At = now.Add(200 * time.Hour)
	parkWith(t, p, jettest.EndpointB, ready)
	ahead.Store(int64(2 * time.Hour))
	first := func(want uint64) {
		t.Helper()
		if err := s.Events.Purge(jettest.Context(t)); err != nil {
			t.Fatal(err)
		}
		if got := jettest.StreamState(t, s.JetStream(), jet.StreamEvents).FirstSeq; got != want {
			t.Errorf("the log begins at %d, want %d", got, want)
		}
	}
	first(3)
	recallNow(t, p, jettest.EndpointB, 1)
	due := dueOf(t, sink)
	first(3) // it came back, and is not settled
	replay := waiting(events[1], now.Add(3*time.Hour))
	replay.Replay = 7
	parkWith(t, p, jettest.EndpointA, replay) // of an event that is purged already
	due.H.Ack()
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.JetStream(), jet.StreamDeferred).Msgs == 2 })
	first(4)
	jettest.ShutWith(t, c.Stop)
	segments := map[bool]int{}
	err := s.Deferred.Segments(context.Background(), func(seg *transport.Segment) error {
		for i := range seg.Entries {
			segments[seg.Entries[i].Refers]++
		}
		return nil
	})
	if err != nil || segments[true] != 2 || segments[false] != 1 {
		t.Errorf("%v, %v: what is asked for again of what may be purged is to come with its event", segments, err)
	}
}
