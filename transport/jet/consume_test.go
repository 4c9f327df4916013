package jet

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func TestConsumeGivesEventsInOrderAndAcksThem(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := Open(testContext(t), embeddedOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	g, sink := s.Graveyard(), newSink(1000)
	c, err := s.Consume(testContext(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		publishOn(t, s, "events.acme.access.granted", fmt.Sprintf(`{"n":%d}`, i))
	}
	for i := range 100 {
		got := sink.event(t)
		if got.ev.Seq != uint64(i+1) || string(got.ev.Data) != fmt.Sprintf(`{"n":%d}`, i) {
			t.Fatalf("%d: %+v", i, got.ev)
		}
		got.h.InProgress()
		got.h.Ack()
		got.h.Ack()
		got.h.Nak() // does nothing any more
	}
	eventually(t, func() bool { return c.Routed() == 100 && ackFloor(t, s, StreamEvents) == 100 })
	shutWith(t, c.Stop)
	shutWith(t, c.Stop)
	shutWith(t, g.Close)
	shutWith(t, g.Close)
	closeStore(t, s)
}

func ackFloor(t testing.TB, s *Store, stream string) uint64 {
	t.Helper()
	c, err := s.js.Consumer(testContext(t), stream, consumerName)
	if err != nil {
		t.Fatal(err)
	}
	return c.CachedInfo().AckFloor.Stream
}

// An event that is held for long, since its endpoint hangs, keeps no other one
// in memory.
func TestWhatIsHeldKeepsNothingElseInMemory(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	const n = 500
	for i := range n {
		publishOn(t, s, "events.acme.access.granted", fmt.Sprintf(`{"n":%d,"filler":%q}`, i, strings.Repeat("x", 200)))
	}
	sink := newSink(0)
	startConsuming(t, s, sink) // they queue up in the client while the sink is slow
	sink.event(t).h.Ack()
	time.Sleep(100 * time.Millisecond)
	held := sink.event(t)
	var later []weak.Pointer[byte]
	for range n - 3 {
		got := sink.event(t)
		later = append(later, weak.Make(&got.ev.Data[0]))
		got.h.Ack()
	}
	last := sink.event(t) // the client may keep the newest
	eventually(t, func() bool {
		runtime.GC()
		for _, p := range later {
			if p.Value() != nil {
				return false
			}
		}
		return true
	})
	held.h.Ack()
	last.h.Ack()
}

func TestBadDocumentsAreBuriedAndBlockNothing(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := newSink(10)
	startConsuming(t, s, sink)
	raw := strings.Repeat("\x00\xff", maxRaw)
	publishOn(t, s, "events.acme.x", raw)
	publishOn(t, s, "events.acme.x", `{}`, "Nats-Msg-Id", strings.Repeat("i", 300))
	publishOn(t, s, "events.acme", `{}`)
	publishOn(t, s, "events.acme.x", `{"good":true}`)
	got := sink.event(t)
	if string(got.ev.Data) != `{"good":true}` {
		t.Fatalf("%+v", got.ev)
	}
	got.h.Ack()
	eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 4 })
	letters, next, err := s.DeadLetters(testContext(t), transport.LetterFilter{})
	if err != nil || len(letters) != 3 || next != 0 {
		t.Fatalf("%+v, %d, %v", letters, next, err)
	}
	reasons := letters[2].Reason + " " + letters[1].Reason + " " + letters[0].Reason
	if reasons != "not_json bad_id bad_subject" {
		t.Errorf("newest last: %s", reasons)
	}
	if l := letters[2]; string(l.Event.Data) != raw[:maxRaw] || l.Customer != "acme" || l.Event.Seq != 1 || !strings.Contains(l.Detail, "65536") || l.Subject != "events.acme.x" {
		t.Errorf("%s, %d bytes", l.Detail, len(l.Event.Data))
	}
	m, err := s.js.Stream(testContext(t), StreamDeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := m.GetMsg(testContext(t), 1)
	if err != nil || msg.Subject != "deadletters.acme._" || !strings.Contains(string(msg.Data), `"raw":"`+base64.StdEncoding.EncodeToString([]byte(raw[:30]))) ||
		!strings.Contains(string(msg.Data), `"raw_cut":true`) {
		t.Errorf("%v: %.300s", err, msg.Data)
	}
	if _, err := s.ReplayDeadLetter(testContext(t), letters[2].ID); fieldName(err) != "id" {
		t.Errorf("replaying a document that could not be read: %v", err)
	}
}

func TestStopHandsEverythingBackAtOnce(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	const n = 300
	for range n {
		publishOn(t, s, "events.acme.x", `{}`)
	}
	g := s.Graveyard()
	t.Cleanup(func() { shutWith(t, g.Close) })
	blocked := newSink(0)
	c, err := s.Consume(testContext(t), blocked, g)
	if err != nil {
		t.Fatal(err)
	}
	first := blocked.event(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		shutWith(t, c.Stop)
	}()
	// The handler stands in the sink with the second event until it is let go,
	// unless the stop came before it got there.
	eventually(t, c.stopping.Load)
	select {
	case second := <-blocked.events:
		second.h.Nak()
	case <-stopped:
	}
	receiveFrom(t, stopped, "the stop")
	first.h.Nak()

	sink := newSink(n)
	startConsuming(t, s, sink)
	seen := map[uint64]bool{}
	for len(seen) < n { // long before AckWait
		got := sink.event(t)
		seen[got.ev.Seq] = true
		got.h.Ack()
	}
}

func TestConsumersComeBack(t *testing.T) {
	b := startBare(t)
	s := b.open()
	sink := newSink(100)
	startConsuming(t, s, sink)
	publishOn(t, s, "events.acme.x", `1`)
	sink.event(t).h.Ack()

	t.Run("after a restart of NATS", func(t *testing.T) {
		eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 1 })
		back, unlisten := s.reconnects.listen()
		defer unlisten()
		b.stop()
		b.start()
		receiveFrom(t, back, "the connection")
		publishOn(t, s, "events.acme.x", `2`)
		for got := sink.event(t); ; got = sink.event(t) {
			got.h.Ack()
			if got.ev.Seq == 2 {
				break
			}
		}
	})
	t.Run("after being deleted", func(t *testing.T) {
		eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 2 })
		for _, stream := range []string{StreamEvents, StreamDeferred} {
			if err := s.js.DeleteConsumer(testContext(t), stream, consumerName); err != nil {
				t.Fatal(err)
			}
		}
		publishOn(t, s, "events.acme.x", `3`)
		for got := sink.event(t); ; got = sink.event(t) {
			got.h.Ack()
			if got.ev.Seq == 3 {
				break
			}
		}
		parkOne(t, s, endpointA, 3, s.now())
		receiveFrom(t, sink.due, "what came due").h.Ack()
	})
}
