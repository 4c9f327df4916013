package deferred

import (
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestAReplayOfAnEventIsParkedDueNow(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	ev := jettest.Letter(5, "acme", jettest.EndpointA, "").Event
	first, err := s.Replay(ctx, jettest.EndpointA, ev)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Replay(ctx, jettest.EndpointA, ev)
	if err != nil || second == first {
		t.Fatalf("replays %d and %d, %v", first, second, err)
	}
	p := s.Parker(newCutter())
	defer jettest.ShutWith(t, p.Close)
	list, err := p.List(ctx, jettest.EndpointA)
	if err != nil || len(list) != 2 || list[0].Place != (transport.Place{Replay: first, Seq: 5}) || list[1].Replay != second {
		t.Errorf("parked %+v, %v", list, err)
	}
}
