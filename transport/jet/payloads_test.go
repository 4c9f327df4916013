package jet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// openLater opens a store whose clock is ahead by what the test says.
func openLater(t testing.TB) (s *Store, later *atomic.Int64) {
	t.Helper()
	later = new(atomic.Int64)
	o := embeddedOptions(t)
	o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	return openEmbedded(t, o), later
}

func submitBig(t *testing.T, s *Store) *transport.Event {
	t.Helper()
	got, err := s.Submit(testContext(t), []transport.Event{{Customer: "acme", Type: "a", Data: bigDocument(1 << 20)}})
	if err != nil {
		t.Fatal(err)
	}
	ev := inLog(t, s, got[0].Seq)
	if ev.Object == "" {
		t.Fatal("the payload is in the message")
	}
	return ev
}

func onlyLetter(t testing.TB, s *Store, reason string) *transport.DeadLetter {
	t.Helper()
	var letters []transport.DeadLetter
	eventually(t, func() (there bool) {
		var err error
		letters, _, err = s.DeadLetters(testContext(t), transport.LetterFilter{})
		if err != nil {
			t.Fatal(err)
		}
		return len(letters) > 0
	})
	if len(letters) != 1 || letters[0].Reason != reason {
		t.Fatalf("%+v, want one letter %s", letters, reason)
	}
	return &letters[0]
}

func stored(t testing.TB, s *Store, name string) bool {
	t.Helper()
	there, err := s.hasPayload(testContext(t), name)
	if err != nil {
		t.Fatal(err)
	}
	if there {
		if _, err := s.GetPayload(testContext(t), name); err != nil {
			t.Error(err)
		}
	}
	return there
}

// TestAProducerCannotPullAnotherCustomersPayload: a producer may write any
// header, so that the name alone guards a payload.
func TestAProducerCannotPullAnotherCustomersPayload(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	secret := bigDocument(1<<20 - 100)
	e := testEntry(1, time.Now().Add(time.Hour))
	e.Event.Data = secret
	parkAll(t, s, endpointA, e)
	parkAll(t, s, endpointB, e)
	letter := testLetter(1, "acme", endpointA, transport.ReasonExhausted)
	letter.Event.Data = secret
	bury(t, s, letter)
	victim := submitBig(t, s)
	kinds := map[string]int{}
	names, err := s.payloads.List(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range names {
		kind, token, _ := bytes.Cut([]byte(info.Name), []byte("-"))
		if kinds[string(kind)]++; len(token) != 32 || !anyPayloadName.MatchString(info.Name) {
			t.Errorf("payload %s can be guessed", info.Name)
		}
	}
	if fmt.Sprint(kinds) != "map[buried:1 event:1 parked:2]" {
		t.Errorf("payloads: %v", kinds)
	}

	sink := newSink(10)
	nc := connect(t, s.ClientURL())
	steal := func(name string) {
		m := nats.NewMsg("events.evil.x")
		m.Header.Set(headerObject, name)
		m.Data = []byte(`null`)
		if answer, err := nc.RequestMsg(m, patience); err != nil || !strings.Contains(string(answer.Data), "Postrider's own") {
			t.Errorf("the gate answers %v, %v", answer, err)
		}
		publishOn(t, s, "events.evil.x", `null`, headerObject, name) // an external server has no gate
	}
	guesses := []string{"parked.0.1", "buried.0.1", "event.0.1", "parked-1", "buried-1", "event-1", "parked-", "*", ">"}
	for _, name := range guesses {
		steal(name)
	}
	startConsuming(t, s, sink)
	if got := sink.event(t); got.ev.Seq != victim.Seq {
		t.Errorf("customer %s got %d bytes", got.ev.Customer, len(got.ev.Data))
	}
	eventually(t, func() bool { return streamState(t, s, StreamDeadLetters).Msgs == uint64(1+len(guesses)) })
	letters, _, err := s.DeadLetters(testContext(t), transport.LetterFilter{Customer: "evil"})
	if err != nil || len(letters) != len(guesses) {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for _, l := range letters {
		if l.Reason != transport.ReasonPayloadGone || len(l.Event.Data) > 10 {
			t.Errorf("%s with %d bytes", l.Reason, len(l.Event.Data))
		}
	}
	if len(sink.events) != 0 {
		t.Error("a guess became an event")
	}
}

func TestAParcelKeepsItsNameOverItsTries(t *testing.T) {
	b := startBare(t)
	s := b.open()
	p := s.Parker(newCutter())
	e := testEntry(1, time.Now().Add(time.Hour))
	e.Event.Data = bigDocument(1<<20 - 100)
	b.stop()
	w := newCountdown(1)
	p.Park("acme", endpointA, e, w)
	eventually(t, func() bool { _, fault := p.Pending(); return fault != nil })
	b.start()
	w.wait(t)
	shutWith(t, p.Close)
	if all, err := s.payloads.List(testContext(t)); err != nil || len(all) != 1 {
		t.Errorf("%d payloads of one entry, %v", len(all), err)
	}
}

func TestAnEventWhosePayloadIsGoneIsBuried(t *testing.T) {
	for name, lose := range map[string]func(*testing.T, *Store, *transport.Event){
		"deleted": func(t *testing.T, s *Store, ev *transport.Event) {
			if err := s.DeletePayload(testContext(t), ev.Object); err != nil {
				t.Fatal(err)
			}
		},
		"a part is lost": func(t *testing.T, s *Store, ev *transport.Event) {
			loseParts(t, s, ev.Object, jetstream.WithPurgeKeep(3))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openEmbedded(t, embeddedOptions(t))
			ev := submitBig(t, s)
			lose(t, s, ev)
			sink := newSink(1)
			startConsuming(t, s, sink)
			l := onlyLetter(t, s, transport.ReasonPayloadGone)
			if l.Customer != "acme" || l.Event.Seq != ev.Seq {
				t.Errorf("%+v", l)
			}
			eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == ev.Seq })
			if len(sink.events) != 0 {
				t.Error("it was handed on all the same")
			}
		})
	}
}

func loseParts(t *testing.T, s *Store, name string, o ...jetstream.StreamPurgeOpt) {
	t.Helper()
	ctx := testContext(t)
	info, err := s.payloads.GetInfo(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := s.js.Stream(ctx, streamPayloads)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(ctx, append(o, jetstream.WithPurgeSubject(chunkSubject(info.NUID)))...); err != nil {
		t.Fatal(err)
	}
}

func TestAPayloadWithoutAnyPartIsGone(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ev := submitBig(t, s)
	loseParts(t, s, ev.Object)
	ctx, cancel := context.WithTimeout(testContext(t), 200*time.Millisecond)
	defer cancel()
	if _, err := s.GetPayload(ctx, ev.Object); !errors.Is(err, transport.ErrNotFound) {
		t.Error(err)
	}
}

func TestAnEntryWhosePayloadIsGoneComesWithoutData(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	e := testEntry(1, time.Now())
	e.Event.Object = "event-gone"
	parkAll(t, s, endpointA, e)
	sink := newSink(1)
	startConsuming(t, s, sink)
	got := receiveFrom(t, sink.due, "the entry")
	if ev := got.seg.Entries[0].Event; ev.Object != "event-gone" || ev.Data != nil {
		t.Errorf("%+v", ev)
	}
}

func TestReplayingALetterWhosePayloadIsGone(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	d := testLetter(1, "acme", endpointA, transport.ReasonPayloadGone)
	d.Event.Object, d.Event.Data = "event-gone", nil
	bury(t, s, d)
	if _, err := s.ReplayDeadLetter(testContext(t), 1); fieldName(err) != "id" {
		t.Error(err)
	}
}

func TestWhatCameDueAndCannotBeReadIsBuried(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	raw := append([]byte{99}, bytes.Repeat([]byte("x"), 2*maxRaw)...)
	publishOn(t, s, "due.0.e.00000000000000000001", string(raw))
	sink := newSink(1)
	startConsuming(t, s, sink)
	l := onlyLetter(t, s, transport.ReasonNotReadable)
	if l.Endpoint != "" || !bytes.Equal(l.Event.Data, raw[:maxRaw]) || l.Subject != "due.0.e.00000000000000000001" {
		t.Errorf("%+v", l)
	}
	eventually(t, func() bool { return streamState(t, s, StreamDeferred).Msgs == 0 })
	if _, err := s.ReplayDeadLetter(testContext(t), l.ID); fieldName(err) != "id" {
		t.Errorf("replaying it: %v", err)
	}
}

func TestSweepKeepsWhatIsReferredTo(t *testing.T) {
	s, later := openLater(t)
	ctx := testContext(t)
	sink := newSink(10)
	_, graves := startConsuming(t, s, sink)
	parked, buried, settled, deleted := submitBig(t, s), submitBig(t, s), submitBig(t, s), submitBig(t, s)
	if err := s.DeletePayload(ctx, deleted.Object); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		sink.event(t).h.Ack()
	}
	p := s.Parker(newCutter())
	e := transport.Entry{Event: parked, Hop: 1, Due: time.Now().Add(time.Hour)}
	p.Park("acme", endpointA, e, nil)
	shutWith(t, p.Close)
	w := newCountdown(1)
	graves.Bury(&transport.DeadLetter{Customer: "acme", Endpoint: endpointB, Reason: transport.ReasonExhausted, Event: buried}, w)
	w.wait(t)
	eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 4 })
	waiting := submitBig(t, s) // in hand: not acked
	unreadable := payloadName("parked")
	if err := s.PutPayload(ctx, unreadable, []byte(`1`)); err != nil {
		t.Fatal(err)
	}
	publishOn(t, s, "park.0.e.9", "\xff of a later version: "+unreadable)

	sweepAt := func(d time.Duration) {
		t.Helper()
		later.Store(int64(d))
		if err := errors.Join(s.Purge(ctx), s.SweepPayloads(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when string, names map[*transport.Event]bool) {
		t.Helper()
		for ev, there := range names {
			if stored(t, s, ev.Object) != there {
				t.Errorf("%s: the payload of event %d is there: %t", when, ev.Seq, !there)
			}
		}
	}
	sweepAt(s.opts.EventsKeep + 59*time.Minute)
	want("while young", map[*transport.Event]bool{parked: true, buried: true, settled: true, waiting: true})
	sweepAt(s.opts.EventsKeep + 2*time.Hour)
	if st := streamState(t, s, StreamEvents); st.FirstSeq != 5 {
		t.Errorf("the log begins at %d", st.FirstSeq)
	}
	want("when old", map[*transport.Event]bool{parked: true, buried: true, settled: false, waiting: true})
	if !stored(t, s, unreadable) {
		t.Error("what a message refers to that cannot be read was deleted")
	}

	for _, name := range []string{StreamEvents, StreamDeferred, StreamDeadLetters} {
		stream, err := s.js.Stream(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Purge(ctx); err != nil {
			t.Fatal(err)
		}
	}
	sweepAt(s.opts.EventsKeep + 2*time.Hour)
	if st := streamState(t, s, streamPayloads); st.Msgs != 0 {
		t.Errorf("%d messages are left of payloads that nothing refers to", st.Msgs)
	}
}

func TestSweepGoesInBoundedSteps(t *testing.T) {
	s, _ := openLater(t)
	for i := range 10 {
		if err := s.PutPayload(testContext(t), fmt.Sprint("p", i), []byte(`1`)); err != nil {
			t.Fatal(err)
		}
	}
	e := testEntry(1, time.Now().Add(time.Hour))
	e.Event.Object = "p4"
	parkAll(t, s, endpointA, e)
	if err := s.sweepOld(testContext(t), time.Now().Add(time.Minute), 3); err != nil {
		t.Fatal(err)
	}
	all, err := s.payloads.List(testContext(t))
	if err != nil || len(all) != 1 || all[0].Name != "p4" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestSweepWhileEntriesMove: an entry that is parked again and again is found
// wherever it is; one that is given up meanwhile is found among the letters.
func TestSweepWhileEntriesMove(t *testing.T) {
	s, later := openLater(t)
	const n = 24
	var entries []transport.Entry
	for i := range uint64(n) {
		e := testEntry(i+1, time.Now())
		e.Event.Object = payloadName("event")
		if err := s.PutPayload(testContext(t), e.Event.Object, []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
		parkOneOf(t, s, e, i)
	}
	later.Store(int64(8 * 24 * time.Hour))
	sink := newSink(n)
	_, graves := startConsuming(t, s, sink)
	p := s.Parker(newCutter())
	defer shutWith(t, p.Close)
	stop, moved := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(moved)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case got := <-sink.due:
				e := got.seg.Entries[0]
				e.Hop++
				e.Due = time.Now()
				w := newCountdown(1)
				if i%40 == 39 {
					graves.Bury(&transport.DeadLetter{Customer: "acme", Endpoint: got.seg.Endpoint, Event: e.Event}, w)
				} else {
					p.Park("acme", got.seg.Endpoint, e, w)
				}
				go func() { // the ack waits for what replaces the entry
					<-w.done
					got.h.Ack()
				}()
			}
		}
	}()
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if err := s.SweepPayloads(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-moved
	for _, e := range entries {
		if !stored(t, s, e.Event.Object) {
			t.Errorf("the payload of event %d was deleted", e.Event.Seq)
		}
	}
}

func parkOneOf(t testing.TB, s *Store, e transport.Entry, i uint64) {
	t.Helper()
	parkAll(t, s, fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i), e)
}
