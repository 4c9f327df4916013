package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
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
	got, err := s.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "acme", Type: "a", Data: jettest.BigDocument(1 << 20)}})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := s.Events.Event(jettest.Context(t), got[0].Seq)
	if err != nil {
		t.Fatal(err)
	}
	if ev.Object == "" {
		t.Fatal("the payload is in the message")
	}
	return ev
}

func payloads(t testing.TB, s *Store) jetstream.ObjectStore {
	t.Helper()
	all, err := s.JetStream().ObjectStore(jettest.Context(t), jet.BucketPayloads)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func onlyLetter(t testing.TB, s *Store, reason string) *transport.DeadLetter {
	t.Helper()
	var letters []transport.DeadLetter
	jettest.Eventually(t, func() (there bool) {
		var err error
		letters, _, err = s.Letters.DeadLetters(jettest.Context(t), transport.LetterFilter{})
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
	there, err := s.HasPayload(jettest.Context(t), name)
	if err != nil {
		t.Fatal(err)
	}
	if there {
		if _, err := s.GetPayload(jettest.Context(t), name); err != nil {
			t.Error(err)
		}
	}
	return there
}

// TestAProducerCannotPullAnotherCustomersPayload: a producer may write any
// header, so that the name alone guards a payload.
func TestAProducerCannotPullAnotherCustomersPayload(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	secret := jettest.BigDocument(1<<20 - 100)
	e := jettest.Entry(1, time.Now().Add(time.Hour))
	e.Event.Data = secret
	parkAll(t, s, jettest.EndpointA, e)
	parkAll(t, s, jettest.EndpointB, e)
	letter := jettest.Letter(1, "acme", jettest.EndpointA, transport.ReasonExhausted)
	letter.Event.Data = secret
	bury(t, s, letter)
	victim := submitBig(t, s)
	kinds := map[string]int{}
	names, err := payloads(t, s).List(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range names {
		kind, token, _ := bytes.Cut([]byte(info.Name), []byte("-"))
		if kinds[string(kind)]++; len(token) != 32 || !regexp.MustCompile(`^[a-z]+-[0-9a-f]{32}$`).MatchString(info.Name) {
			t.Errorf("payload %s can be guessed", info.Name)
		}
	}
	if fmt.Sprint(kinds) != "map[buried:1 event:1 parked:2]" {
		t.Errorf("payloads: %v", kinds)
	}

	sink := jettest.NewSink(10)
	nc := jettest.Connect(t, s.ClientURL())
	steal := func(name string) {
		m := nats.NewMsg("events.evil.x")
		m.Header.Set(jet.HeaderObject, name)
		m.Data = []byte(`null`)
		if answer, err := nc.RequestMsg(m, jettest.Patience); err != nil || !strings.Contains(string(answer.Data), "Postrider's own") {
			t.Errorf("the gate answers %v, %v", answer, err)
		}
		jettest.Publish(t, s.JetStream(), "events.evil.x", `null`, jet.HeaderObject, name) // an external server has no gate
	}
	guesses := []string{"parked.0.1", "buried.0.1", "event.0.1", "parked-1", "buried-1", "event-1", "parked-", "*", ">"}
	for _, name := range guesses {
		steal(name)
	}
	startConsuming(t, s, sink)
	if got := sink.Next(t); got.Ev.Seq != victim.Seq {
		t.Errorf("customer %s got %d bytes", got.Ev.Customer, len(got.Ev.Data))
	}
	jettest.Eventually(t, func() bool {
		return jettest.StreamState(t, s.JetStream(), jet.StreamDeadLetters).Msgs == uint64(1+len(guesses))
	})
	letters, _, err := s.Letters.DeadLetters(jettest.Context(t), transport.LetterFilter{Customer: "evil"})
	if err != nil || len(letters) != len(guesses) {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for _, l := range letters {
		if l.Reason != transport.ReasonPayloadGone || len(l.Event.Data) > 10 {
			t.Errorf("%s with %d bytes", l.Reason, len(l.Event.Data))
		}
	}
	if len(sink.Events) != 0 {
		t.Error("a guess became an event")
	}
}

func TestAParcelKeepsItsNameOverItsTries(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	p := s.Deferred.Parker(newCutter())
	e := jettest.Entry(1, time.Now().Add(time.Hour))
	e.Event.Data = jettest.BigDocument(1<<20 - 100)
	b.Stop()
	w := jettest.NewCountdown(1)
	p.Park("acme", jettest.EndpointA, e, w)
	jettest.Eventually(t, func() bool { _, fault := p.Pending(); return fault != nil })
	b.Start()
	w.Wait(t)
	jettest.ShutWith(t, p.Close)
	if all, err := payloads(t, s).List(jettest.Context(t)); err != nil || len(all) != 1 {
		t.Errorf("%d payloads of one entry, %v", len(all), err)
	}
}

func TestAnEventWhosePayloadIsGoneIsBuried(t *testing.T) {
	for name, lose := range map[string]func(*testing.T, *Store, *transport.Event){
		"deleted": func(t *testing.T, s *Store, ev *transport.Event) {
			if err := s.DeletePayload(jettest.Context(t), ev.Object); err != nil {
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
			sink := jettest.NewSink(1)
			startConsuming(t, s, sink)
			l := onlyLetter(t, s, transport.ReasonPayloadGone)
			if l.Customer != "acme" || l.Event.Seq != ev.Seq {
				t.Errorf("%+v", l)
			}
			jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == ev.Seq })
			if len(sink.Events) != 0 {
				t.Error("it was handed on all the same")
			}
		})
	}
}

func loseParts(t *testing.T, s *Store, name string, o ...jetstream.StreamPurgeOpt) {
	t.Helper()
	ctx := jettest.Context(t)
	info, err := payloads(t, s).GetInfo(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := s.JetStream().Stream(ctx, "OBJ_"+jet.BucketPayloads)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(ctx, append(o, jetstream.WithPurgeSubject("$O."+jet.BucketPayloads+".C."+info.NUID))...); err != nil {
		t.Fatal(err)
	}
}

func TestAPayloadWithoutAnyPartIsGone(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ev := submitBig(t, s)
	loseParts(t, s, ev.Object)
	ctx, cancel := context.WithTimeout(jettest.Context(t), 200*time.Millisecond)
	defer cancel()
	if _, err := s.GetPayload(ctx, ev.Object); !errors.Is(err, transport.ErrNotFound) {
		t.Error(err)
	}
}

func TestAnEntryWhosePayloadIsGoneComesWithoutData(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	e := jettest.Entry(1, time.Now())
	e.Event.Object = "event-gone"
	parkAll(t, s, jettest.EndpointA, e)
	sink := jettest.NewSink(1)
	startConsuming(t, s, sink)
	got := jettest.Receive(t, sink.DueC, "the entry")
	if ev := got.Seg.Entries[0].Event; ev.Object != "event-gone" || ev.Data != nil {
		t.Errorf("%+v", ev)
	}
}

func TestReplayingALetterWhosePayloadIsGone(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	d := jettest.Letter(1, "acme", jettest.EndpointA, transport.ReasonPayloadGone)
	d.Event.Object, d.Event.Data = "event-gone", nil
	bury(t, s, d)
	if _, err := s.Replayable().ReplayDeadLetter(jettest.Context(t), 1); jettest.FieldName(err) != "id" {
		t.Error(err)
	}
}

func TestWhatCameDueAndCannotBeReadIsBuried(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	raw := append([]byte{99}, bytes.Repeat([]byte("x"), 2*64<<10)...)
	jettest.Publish(t, s.JetStream(), "due.0.e.00000000000000000001", string(raw))
	sink := jettest.NewSink(1)
	startConsuming(t, s, sink)
	l := onlyLetter(t, s, transport.ReasonNotReadable)
	if l.Endpoint != "" || !bytes.Equal(l.Event.Data, raw[:64<<10]) || l.Subject != "due.0.e.00000000000000000001" {
		t.Errorf("%+v", l)
	}
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.JetStream(), jet.StreamDeferred).Msgs == 0 })
	if _, err := s.Replayable().ReplayDeadLetter(jettest.Context(t), l.ID); jettest.FieldName(err) != "id" {
		t.Errorf("replaying it: %v", err)
	}
}

func TestSweepKeepsWhatIsReferredTo(t *testing.T) {
	s, later := openLater(t)
	ctx := jettest.Context(t)
	sink := jettest.NewSink(10)
	_, graves := startConsuming(t, s, sink)
	buried, settled, deleted, parked := submitBig(t, s), submitBig(t, s), submitBig(t, s), submitBig(t, s)
	if err := s.DeletePayload(ctx, deleted.Object); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		sink.Next(t).H.Ack()
	}
	p := s.Deferred.Parker(newCutter())
	e := transport.Entry{Event: parked, Hop: 1, Due: time.Now().Add(time.Hour)}
	p.Park("acme", jettest.EndpointA, e, nil)
	jettest.ShutWith(t, p.Close)
	w := jettest.NewCountdown(1)
	graves.Bury(&transport.DeadLetter{Customer: "acme", Endpoint: jettest.EndpointB, Reason: transport.ReasonExhausted, Event: buried}, w)
	w.Wait(t)
	jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 4 })
	waiting := submitBig(t, s) // in hand: not acked
	unreadable := jet.PayloadName("parked")
	if err := s.PutPayload(ctx, unreadable, []byte(`1`)); err != nil {
		t.Fatal(err)
	}
	jettest.Publish(t, s.JetStream(), "park.0.e.9", "\xff of a later version: "+unreadable)

	sweepAt := func(d time.Duration) {
		t.Helper()
		later.Store(int64(d))
		if err := errors.Join(s.Events.Purge(ctx), s.SweepPayloads(ctx)); err != nil {
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
	if st := jettest.StreamState(t, s.JetStream(), jet.StreamEvents); st.FirstSeq != parked.Seq {
		t.Errorf("the log begins at %d, and %d is referred to", st.FirstSeq, parked.Seq)
	}
	want("when old", map[*transport.Event]bool{parked: true, buried: true, settled: false, waiting: true})
	if !stored(t, s, unreadable) {
		t.Error("what a message refers to that cannot be read was deleted")
	}

	for _, name := range []string{jet.StreamEvents, jet.StreamDeferred, jet.StreamDeadLetters} {
		stream, err := s.JetStream().Stream(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Purge(ctx); err != nil {
			t.Fatal(err)
		}
	}
	sweepAt(s.opts.EventsKeep + 2*time.Hour)
	if st := jettest.StreamState(t, s.JetStream(), "OBJ_"+jet.BucketPayloads); st.Msgs != 0 {
		t.Errorf("%d messages are left of payloads that nothing refers to", st.Msgs)
	}
}

// TestSweepWhileEntriesMove: an entry that is parked again and again is found
// wherever it is; one that is given up meanwhile is found among the letters.
func TestSweepWhileEntriesMove(t *testing.T) {
	s, later := openLater(t)
	const n = 24
	var entries []transport.Entry
	for i := range uint64(n) {
		e := jettest.Entry(i+1, time.Now())
		e.Event.Object = jet.PayloadName("event")
		if err := s.PutPayload(jettest.Context(t), e.Event.Object, []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
		parkOneOf(t, s, e, i)
	}
	later.Store(int64(8 * 24 * time.Hour))
	sink := jettest.NewSink(n)
	_, graves := startConsuming(t, s, sink)
	p := s.Deferred.Parker(newCutter())
	defer jettest.ShutWith(t, p.Close)
	stop, moved := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(moved)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case got := <-sink.DueC:
				e := got.Seg.Entries[0]
				e.Hop++
				e.Due = time.Now()
				w := jettest.NewCountdown(1)
				if i%40 == 39 {
					graves.Bury(&transport.DeadLetter{Customer: "acme", Endpoint: got.Seg.Endpoint, Event: e.Event}, w)
				} else {
					p.Park("acme", got.Seg.Endpoint, e, w)
				}
				go func() { // the ack waits for what replaces the entry
					<-w.C
					got.H.Ack()
				}()
			}
		}
	}()
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if err := s.SweepPayloads(jettest.Context(t)); err != nil {
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
