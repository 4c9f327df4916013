package store

import (
	"testing"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// The log lost events before, and the journal lost its word of that: what is owed
// above the floor and will not come is given up; what comes is left alone.
func TestWhatIsOwedAboveTheFloorAndDoesNotComeIsGivenUp(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	events := submitted(t, s, 3)
	stream, err := s.JetStream().Stream(jettest.Context(t), jet.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(jettest.Context(t), events[1].Seq); err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		owed := jettest.FanOutOf(ev.Seq, ev.ID, jettest.EndpointA, jettest.EndpointB)
		owed.Stored = ev.Stored
		journalAll(t, s, owed, jettest.OutcomeOf(transport.DeadLettered, ev.Seq, jettest.EndpointB))
	}
	if err := s.Deferred.Mark(jettest.Context(t), transport.MarkMending); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start finds nothing more
		if _, err := s.Recover(jettest.Context(t), recovery.NewTaking(), newCutter(), nil); err != nil {
			t.Fatal(err)
		}
		letters, _, err := s.Letters.DeadLetters(jettest.Context(t), transport.LetterFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(letters) != 1 || letters[0].Event.Seq != events[1].Seq || letters[0].Endpoint != jettest.EndpointA || letters[0].Reason != transport.ReasonEventGone {
			t.Errorf("given up: %+v", letters)
		}
		if err := s.Deferred.Mark(jettest.Context(t), transport.MarkMending); err != nil {
			t.Fatal(err)
		}
	}
}
