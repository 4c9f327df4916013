package node

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// someEvents is a log in which every so many-th event is acme's.
type someEvents struct {
	events
	last, every uint64
	read        int
}

func (s *someEvents) LastEvent(context.Context) (uint64, error) { return s.last, nil }

func (s *someEvents) EventsOf(_ context.Context, customer string, from, to uint64, each func(*transport.Event) bool) error {
	for seq := from; seq <= to; seq++ {
		if seq%s.every != 0 {
			continue
		}
		s.read++
		if !each(&transport.Event{Seq: seq, Customer: customer, Data: []byte(`{}`)}) {
			return nil
		}
	}
	return nil
}

func TestTheLastEventsOfACustomer(t *testing.T) {
	for _, c := range []struct {
		last, every uint64
		most, want  int
	}{{0, 1, 500, 0}, {3, 1, 500, 3}, {100_000, 1, 500, 500}, {100_000, 1000, 50, 50}, {100_000, 30_000, 50, 3}} {
		log := &someEvents{last: c.last, every: c.every}
		got, err := eventLog{log, func() time.Time { return time.Time{} }}.Recent(t.Context(), "acme", c.most)
		if err != nil || len(got) != c.want {
			t.Fatalf("%+v: %d events, %v", c, len(got), err)
		}
		for i, ev := range got {
			if want := (c.last/c.every - uint64(i)) * c.every; ev.Seq != want {
				t.Fatalf("%+v: event %d is %d, want %d", c, i, ev.Seq, want)
			}
		}
	}
	// Who publishes little among many is not searched for without an end.
	turns := 0
	log := &someEvents{last: 1 << 20, every: 1 << 21}
	got, err := eventLog{log, func() time.Time { turns++; return time.Time{}.Add(time.Duration(turns) * time.Second) }}.Recent(t.Context(), "acme", 10)
	if err != nil || len(got) != 0 || turns > 5 {
		t.Errorf("%d events, %v, %d looks at the clock", len(got), err, turns)
	}
}
