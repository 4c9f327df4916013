package endpoint

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func inOrderPlain() *transport.Endpoint {
	ep := plain()
	ep.Delivery.Ordered = true
	return ep
}

func TestAnOrderedEndpointListsWhatIsParkedFirst(t *testing.T) {
	withActor(t, plain(), func(h *fixture) {
		h.answers(failure)
		h.lease(1)
		h.next(inOrderPlain())
		h.answers(ok)
		h.lease(2)
		h.wantSent(1)
		h.told([]ParkedPair{{Place: transport.Place{Seq: 1}, Due: time.Now().Add(time.Second)}})
		h.wantSent(1)
		h.back(&h.entries[0])
		h.send(NotParked{{Place: transport.Place{Seq: 1}}}) // it had ended
		h.wantSent(1, 2)
	})
}

func TestAnOrderedEndpointGoesOnWhenADeadLetterIsDurable(t *testing.T) {
	ep := inOrderPlain()
	ep.Delivery.Retries = false
	withActor(t, ep, func(h *fixture) {
		h.slow = true
		h.answers(failure)
		h.lease(1)
		h.lease(2)
		for _, write := range []string{"all before", "letter 1", "buried 1"} {
			h.wantSent(1)
			h.durable(slices.Index(h.waiting, write))
		}
		h.wantSent(1)
		h.durable(slices.Index(h.waiting, "all before"))
		h.wantSent(1, 2)
	})
}

// What was owed is known before a fresh pair that is parked untried comes back,
// even to a node that knows of it by its segment alone.
func TestAFreshPairIsParkedBehindItsFanOut(t *testing.T) {
	ep := plain()
	ep.State = transport.StatePaused
	withActor(t, ep, func(h *fixture) {
		h.slow = true
		h.lease(1)
		for _, want := range []string{"all before", "park 1"} {
			if !slices.Equal(h.waiting, []string{want}) {
				t.Fatalf("wrote %v, want %s first", h.waiting, want)
			}
			h.wantEnd(1, 0)
			h.durable(0)
		}
		h.wantEnd(1, ParkedForRoom)
	})
}

// A pair that comes back to a paused endpoint was known before.
func TestAPairThatIsParkedAgainWaitsForItsSegmentAlone(t *testing.T) {
	ep := plain()
	ep.State = transport.StatePaused
	withActor(t, ep, func(h *fixture) {
		h.send(&Lease{Pair: transport.Pair{Seq: 1, Endpoint: "ep"}, Event: &transport.Event{Seq: 1}, Hop: 1, Owner: h})
		h.durable(0)
		h.wantEnd(1, ParkedForRoom)
		if !slices.Equal(h.written, []string{"park 1"}) || h.entries[0].Hop != 2 {
			t.Errorf("wrote %v, %+v", h.written, h.entries)
		}
	})
}
