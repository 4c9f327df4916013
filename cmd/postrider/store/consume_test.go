package store

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
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestConsumeGivesEventsInOrderAndAcksThem(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := Open(jettest.Context(t), embeddedOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	g, sink := s.Letters.Graveyard(), jettest.NewSink(1000)
	c, err := s.Consume(jettest.Context(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		jettest.Publish(t, s.JetStream(), "events.acme.access.granted", fmt.Sprintf(`{"n":%d}`, i))
	}
	for i := range 100 {
		got := sink.Next(t)
		if got.Ev.Seq != uint64(i+1) || string(got.Ev.Data) != fmt.Sprintf(`{"n":%d}`, i) {
			t.Fatalf("%d: %+v", i, got.Ev)
		}
		got.H.InProgress()
		got.H.Ack()
		got.H.Ack()
		got.H.Nak() // does nothing any more
	}
	jettest.Eventually(t, func() bool { return c.Routed() == 100 && jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 100 })
	jettest.ShutWith(t, c.Stop)
	jettest.ShutWith(t, c.Stop)
	jettest.ShutWith(t, g.Close)
	jettest.ShutWith(t, g.Close)
	closeStore(t, s)
}

// An event that is held for long, since its endpoint hangs, keeps no other one
// in memory.
func TestWhatIsHeldKeepsNothingElseInMemory(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	const n = 500
	for i := range n {
		jettest.Publish(t, s.JetStream(), "events.acme.access.granted", fmt.Sprintf(`{"n":%d,"filler":%q}`, i, strings.Repeat("x", 200)))
	}
	sink := jettest.NewSink(0)
	startConsuming(t, s, sink) // they queue up in the client while the sink is slow
	sink.Next(t).H.Ack()
	time.Sleep(100 * time.Millisecond)
	held := sink.Next(t)
	var later []weak.Pointer[byte]
	for range n - 3 {
		got := sink.Next(t)
		later = append(later, weak.Make(&got.Ev.Data[0]))
		got.H.Ack()
	}
	last := sink.Next(t) // the client may keep the newest
	jettest.Eventually(t, func() bool {
		runtime.GC()
		for _, p := range later {
			if p.Value() != nil {
				return false
			}
		}
		return true
	})
	held.H.Ack()
	last.H.Ack()
}

func TestBadDocumentsAreBuriedAndBlockNothing(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	raw := strings.Repeat("\x00\xff", 64<<10)
	jettest.Publish(t, s.JetStream(), "events.acme.x", raw)
	jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`, "Nats-Msg-Id", strings.Repeat("i", 300))
	jettest.Publish(t, s.JetStream(), "events.acme", `{}`)
	jettest.Publish(t, s.JetStream(), "events.acme.x", `{"good":true}`)
	got := sink.Next(t)
	if string(got.Ev.Data) != `{"good":true}` {
		t.Fatalf("%+v", got.Ev)
	}
	got.H.Ack()
	jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 4 })
	letters, next, err := s.Letters.DeadLetters(jettest.Context(t), transport.LetterFilter{})
	if err != nil || len(letters) != 3 || next != 0 {
		t.Fatalf("%+v, %d, %v", letters, next, err)
	}
	reasons := letters[2].Reason + " " + letters[1].Reason + " " + letters[0].Reason
	if reasons != "not_json bad_id bad_subject" {
		t.Errorf("newest last: %s", reasons)
	}
	if l := letters[2]; string(l.Event.Data) != raw[:64<<10] || l.Customer != "acme" || l.Event.Seq != 1 || !strings.Contains(l.Detail, "65536") || l.Subject != "events.acme.x" {
		t.Errorf("%s, %d bytes", l.Detail, len(l.Event.Data))
	}
	m, err := s.JetStream().Stream(jettest.Context(t), jet.StreamDeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := m.GetMsg(jettest.Context(t), 1)
	if err != nil || msg.Subject != "deadletters.acme._" || !strings.Contains(string(msg.Data), `"raw":"`+base64.StdEncoding.EncodeToString([]byte(raw[:30]))) ||
		!strings.Contains(string(msg.Data), `"raw_cut":true`) {
		t.Errorf("%v: %.300s", err, msg.Data)
	}
	if _, err := s.Replayable().ReplayDeadLetter(jettest.Context(t), letters[2].ID); jettest.FieldName(err) != "id" {
		t.Errorf("replaying a document that could not be read: %v", err)
	}
}

func TestConsumersComeBack(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	sink := jettest.NewSink(100)
	startConsuming(t, s, sink)
	jettest.Publish(t, s.JetStream(), "events.acme.x", `1`)
	sink.Next(t).H.Ack()

	t.Run("after a restart of NATS", func(t *testing.T) {
		jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 1 })
		back, unlisten := s.Reconnects()
		defer unlisten()
		b.Stop()
		b.Start()
		jettest.Receive(t, back, "the connection")
		jettest.Publish(t, s.JetStream(), "events.acme.x", `2`)
		for got := sink.Next(t); ; got = sink.Next(t) {
			got.H.Ack()
			if got.Ev.Seq == 2 {
				break
			}
		}
	})
	t.Run("after being deleted", func(t *testing.T) {
		jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 2 })
		for _, stream := range []string{jet.StreamEvents, jet.StreamDeferred} {
			if err := s.JetStream().DeleteConsumer(jettest.Context(t), stream, jet.ConsumerName); err != nil {
				t.Fatal(err)
			}
		}
		jettest.Publish(t, s.JetStream(), "events.acme.x", `3`)
		for got := sink.Next(t); ; got = sink.Next(t) {
			got.H.Ack()
			if got.Ev.Seq == 3 {
				break
			}
		}
		parkOne(t, s, jettest.EndpointA, 3, s.Now())
		jettest.Receive(t, sink.DueC, "what came due").H.Ack()
	})
}
