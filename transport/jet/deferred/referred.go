package deferred

import (
	"context"
	"fmt"
	"math"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Referred gives the lowest sequence of the log that anything in DEFERRED refers
// to, or may refer to before ctx ends, as events below purgeable, which are
// settled, are to be purged; math.MaxUint64: nothing does. Nothing is given a
// first reference to an event below purgeable from now on: a replay of one is
// parked with its event.
//
// What moves in DEFERRED is stored anew before it is dropped: so the names are
// listed, and then all that was stored since the listing began is read.
func (s *Store) Referred(ctx context.Context, purgeable uint64) (low uint64, err error) {
	s.referring.Lock()
	s.purgeable = max(s.purgeable, purgeable)
	s.referring.Unlock()
	if p := s.parker.Load(); p != nil { // what was given one before is in DEFERRED
		if err := p.Flush(ctx); err != nil {
			return 0, fmt.Errorf("looking for what refers to events: %w", err)
		}
	}
	last, err := s.conn.LastSequence(ctx, jet.StreamDeferred)
	if err != nil {
		return 0, err
	}
	low = math.MaxUint64
	take := func(subject string, _ uint64) {
		if p, ok := readParked(subject); ok && p.Refers {
			low = min(low, p.Low)
		}
	}
	for _, filter := range []string{s.parkFilter(""), s.dueFilter()} {
		if err := s.conn.SubjectsOf(ctx, jet.StreamDeferred, filter, take); err != nil {
			return 0, fmt.Errorf("looking for what refers to events: %w", jet.Unavailable(err))
		}
	}
	err = s.conn.Sweep(ctx, jet.Sweep{Stream: jet.StreamDeferred, Subject: ">", From: last + 1}, func(m *jetstream.RawStreamMsg) error {
		take(m.Subject, 1)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("looking for what refers to events: %w", jet.Unavailable(err))
	}
	return low, nil
}

// find puts the events in the places of the references of a segment.
func (s *Store) find(ctx context.Context, entries []transport.Entry) error {
	var refs []transport.Reference
	for i := range entries {
		if entries[i].Refers {
			refs = append(refs, entries[i].Reference())
		}
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := s.opts.Events.Find(ctx, refs)
	if err != nil {
		return err
	}
	for i := range entries {
		if entries[i].Refers {
			entries[i].Found(found[0])
			found = found[1:]
		}
	}
	return nil
}
