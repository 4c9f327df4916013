package store

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// fullLog is a log that runs short of room: of its 1,000 settled events, past their
// keep, every n-th waits.
func fullLog(t *testing.T, every int) (s *Store, sink *jettest.Sink, waits []*transport.Event) {
	t.Helper()
	o, now := embeddedOptions(t), time.Now()
	o.MaxStore, o.EventsKeep = 20<<20, time.Hour
	var ahead atomic.Int64
	o.Now = func() time.Time { return now.Add(time.Duration(ahead.Load())) }
	s = openEmbedded(t, o)
	sink = jettest.NewSink(2000)
	startConsuming(t, s, sink)
	data := []byte(fmt.Sprintf(`{"text":"%s"}`, bytes.Repeat([]byte("x"), 10<<10)))
	var batch []transport.Event
	for i := range 1000 {
		batch = append(batch, transport.Event{Customer: "acme", Type: "access.granted", ID: fmt.Sprint("given-", i), Time: jettest.Time, Data: data})
		if len(batch) == 100 {
			if _, err := s.Events.Submit(jettest.Context(t), batch); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	for i := range 1000 {
		got := sink.Next(t)
		if got.Ev.Seq%uint64(every) == 0 {
			waits = append(waits, got.Ev)
		}
		if got.H.Ack(); i == 999 {
			jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 1000 })
		}
	}
	p := newParker(t, s)
	for i, ev := range waits {
		parkWith(t, p, jettest.EndpointOf(i%3), waiting(ev, now.Add(1000*time.Hour)))
	}
	ahead.Store(int64(2 * time.Hour))
	if err := s.Purge(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	return s, sink, waits
}

func stateOf(t *testing.T, s *Store, stream string) (first, messages uint64) {
	t.Helper()
	state := jettest.StreamState(t, s.JetStream(), stream)
	return state.FirstSeq, state.Msgs
}

// Where the log runs short of room, what waits is moved out of it, and delivered
// from there as it was; then it is dropped.
func TestWhatWaitsIsMovedWhereTheLogRunsShortOfRoom(t *testing.T) {
	s, sink, waits := fullLog(t, 50)
	if first, _ := stateOf(t, s, jet.StreamEvents); first < 150 {
		t.Errorf("the log begins at %d still", first)
	}
	first, _ := stateOf(t, s, jet.StreamEvents)
	moved := 0
	for _, ev := range waits {
		if ev.Seq < first {
			moved++
		}
	}
	if _, kept := stateOf(t, s, jet.StreamKept); int(kept) != moved {
		t.Errorf("%d events are kept, and %d of those before %d wait", kept, moved, first)
	}
	if err := s.Purge(jettest.Context(t)); err != nil { // what is kept already is in nobody's way
		t.Fatal(err)
	}
	if again, kept := stateOf(t, s, jet.StreamKept); int(kept) != moved {
		t.Errorf("after another purge %d are kept, from %d on", kept, again)
	}
	p := s.Deferred.Parker(newCutter())
	for i := range 3 {
		p.RecallAll(jettest.EndpointOf(i))
	}
	byID := map[string]*transport.Event{}
	for range waits {
		due := dueOf(t, sink)
		for i := range due.Seg.Entries {
			byID[due.Seg.Entries[i].Event.ID] = due.Seg.Entries[i].Event
		}
		due.H.Ack()
	}
	jettest.ShutWith(t, p.Close)
	for _, want := range waits {
		ev := byID[want.ID]
		if ev == nil || ev.Seq != want.Seq || !ev.Stored.Equal(want.Stored) || !ev.Time.Equal(want.Time) || ev.Customer != want.Customer || ev.Type != want.Type || !bytes.Equal(ev.Data, want.Data) {
			t.Errorf("event %d came as %+v", want.Seq, ev)
		}
	}
	jettest.Eventually(t, func() bool { _, left := stateOf(t, s, jet.StreamDeferred); return left == 0 })
	if err := s.Purge(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	if _, kept := stateOf(t, s, jet.StreamKept); kept != 0 {
		t.Errorf("%d events are kept that nothing waits for", kept)
	}
	if first, left := stateOf(t, s, jet.StreamEvents); left != 0 {
		t.Errorf("the log has %d events from %d on", left, first)
	}
}

// Where there is no room to move it to, the log keeps it, and nothing is lost.
func TestTheLogKeepsWhatThereIsNoRoomToMove(t *testing.T) {
	s, _, waits := fullLog(t, 2)
	first, left := stateOf(t, s, jet.StreamEvents)
	_, kept := stateOf(t, s, jet.StreamKept)
	if kept == 0 || first <= 1 {
		t.Errorf("nothing was moved: the log begins at %d", first)
	}
	refs := make([]transport.Reference, len(waits))
	for i, ev := range waits {
		refs[i] = transport.Reference{Seq: ev.Seq, EventMark: transport.EventMark{Customer: ev.Customer, Stored: ev.Stored}}
	}
	found, err := s.Events.Find(jettest.Context(t), refs)
	if err != nil {
		t.Fatal(err)
	}
	for i, ev := range found {
		if ev == nil || ev.ID != waits[i].ID {
			t.Fatalf("event %d waits, and is %+v; the log has %d from %d on, and %d are kept", waits[i].Seq, ev, left, first, kept)
		}
	}
}
