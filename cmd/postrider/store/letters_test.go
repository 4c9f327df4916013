package store

import (
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestReplayingALetter(t *testing.T) {
	o := embeddedOptions(t)
	o.Now = func() time.Time { return jettest.Time } // a clock that stands still
	s := openEmbedded(t, o)
	sink := jettest.NewSink(10)
	startConsuming(t, s, sink)
	bury(t, s, jettest.Letter(5, "acme", jettest.EndpointA, transport.ReasonExhausted))
	first, err := s.Replayable().ReplayDeadLetter(jettest.Context(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Replayable().ReplayDeadLetter(jettest.Context(t), 1)
	if err != nil || first == second || first == 0 {
		t.Fatalf("%d, then %d, %v", first, second, err)
	}
	seen := map[uint64]bool{}
	for range 2 {
		got := jettest.Receive(t, sink.DueC, "the replay")
		e := got.Seg.Entries[0]
		if got.Seg.Endpoint != jettest.EndpointA || got.Seg.Customer != "acme" || len(e.Tries) != 0 || e.Event.ID != "e" || string(e.Event.Data) != `{"b" :"<&>",  "a":1}` {
			t.Errorf("%+v", e)
		}
		seen[e.Replay] = true
		got.H.Ack()
	}
	if !seen[first] || !seen[second] {
		t.Errorf("%v", seen)
	}
	if _, err := s.Letters.DeadLetter(jettest.Context(t), 1); err != nil {
		t.Errorf("the letter stays: %v", err)
	}
	if _, err := s.Replayable().ReplayDeadLetter(jettest.Context(t), 9); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
