package telemetry

import (
	"context"
	"testing"

	"github.com/postrider/postrider/transport"
)

// busy is a target that calls back from within an attempt.
type busy struct{ during func() }

func (b busy) Send(context.Context, *transport.Event, int) transport.Answer {
	b.during()
	return transport.Answer{Class: transport.Delivered}
}

func (busy) Close() {}

func TestAttemptsUnderWayAreCounted(t *testing.T) {
	tele := New("test")
	var during bool
	target := tele.Counting(busy{func() { expect(t, tele, "postrider_in_flight 1"); during = true }})
	if a := target.Send(t.Context(), &transport.Event{}, 1); a.Class != transport.Delivered {
		t.Errorf("the answer is %v", a)
	}
	if !during {
		t.Error("no attempt was made")
	}
	expect(t, tele, "postrider_in_flight 0")
}
