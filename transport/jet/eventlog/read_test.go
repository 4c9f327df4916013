package eventlog

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestEvent(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	jettest.Publish(t, s.js, "events.acme.access.granted", `{"a":1}`, "Nats-Msg-Id", "given")
	jettest.Publish(t, s.js, "events.acme.access.granted", `not JSON`)
	ev, err := s.Event(jettest.Context(t), 1)
	if err != nil || ev.ID != "given" || ev.Customer != "acme" || ev.Type != "access.granted" || string(ev.Data) != `{"a":1}` {
		t.Errorf("%+v, %v", ev, err)
	}
	for _, seq := range []uint64{0, 2, 3} {
		if _, err := s.Event(jettest.Context(t), seq); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("event %d: %v", seq, err)
		}
	}
}

func TestEventsOfACustomer(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	began := time.Now()
	for i := range 30 {
		customer := []string{"acme", "beta", "acme2"}[i%3]
		if _, err := s.Submit(ctx, []transport.Event{{Customer: customer, Type: "a.b", Data: []byte(`{}`)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SubmitOps(ctx, "acme", "endpoint.failing", "o-1", time.Now(), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	seqs := func(from, to uint64, most int) (got []uint64) {
		err := s.EventsOf(ctx, "acme", from, to, func(ev *transport.Event) bool {
			if ev.Customer != "acme" || ev.Stored.IsZero() || len(ev.Data) == 0 {
				t.Errorf("%+v", ev)
			}
			got = append(got, ev.Seq)
			return len(got) < most
		})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if got := seqs(1, 31, 100); !slices.Equal(got, []uint64{1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31}) {
		t.Errorf("all: %d", got)
	}
	if got := seqs(5, 13, 100); !slices.Equal(got, []uint64{7, 10, 13}) {
		t.Errorf("between: %d", got)
	}
	if got := seqs(1, 31, 2); !slices.Equal(got, []uint64{1, 4}) {
		t.Errorf("two: %d", got)
	}
	if err := s.EventsOf(ctx, ">", 1, 31, nil); err == nil {
		t.Error("a customer that is none")
	}
	for at, want := range map[time.Time]uint64{began.Add(-time.Hour): 1, {}: 1, time.Now().Add(time.Hour): 32} {
		if seq, err := s.EventAt(ctx, at); seq != want || err != nil {
			t.Errorf("at %s: %d, %v, want %d", at, seq, err, want)
		}
	}
}
