package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Event gives one event of the log with its data; an error that wraps
// transport.ErrNotFound where it, or its data, is no longer kept.
func (s *Store) Event(ctx context.Context, seq uint64) (*transport.Event, error) {
	m, err := s.conn.Message(ctx, s.shard.Events(), seq)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", seq, err)
	}
	ev, letter, err := decodeInbound(ctx, &inbound{Shard: s.shard, Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Sequence, Stored: m.Time}, s.conn.GetPayload)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", seq, err)
	}
	if letter != nil {
		return nil, fmt.Errorf("event %d is no event (%s): %w", seq, letter.Reason, transport.ErrNotFound)
	}
	return ev, nil
}

// EventAt is the first sequence of the log stored at t or later; the one after
// the last where there is none.
func (s *Store) EventAt(ctx context.Context, t time.Time) (uint64, error) {
	stream, err := s.js.Stream(ctx, s.shard.Events())
	if err != nil {
		return 0, fmt.Errorf("finding the events since %s: %w", t.Format(time.RFC3339), jet.Unavailable(err))
	}
	seq, err := s.firstSince(ctx, stream.CachedInfo().State.LastSeq, t)
	if err != nil {
		return 0, fmt.Errorf("finding the events since %s: %w", t.Format(time.RFC3339), jet.Unavailable(err))
	}
	return seq, nil
}

// EventsOf calls each for a customer's events from one sequence to another,
// both included, in order, until each is false. Documents that cannot be read,
// and those whose payload is gone, are passed over.
func (s *Store) EventsOf(ctx context.Context, customer string, from, to uint64, each func(*transport.Event) (more bool)) error {
	if err := transport.CheckCustomer(customer); err != nil {
		return err
	}
	w := jet.Sweep{Stream: s.shard.Events(), Subject: "*." + customer + ".>", From: from}
	err := s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence > to {
			return jet.ErrEnough
		}
		ev, letter, err := decodeInbound(ctx, &inbound{Shard: s.shard, Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Sequence, Stored: m.Time}, s.conn.GetPayload)
		if err != nil || letter != nil {
			return err
		}
		if !each(ev) {
			return jet.ErrEnough
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading events: %w", jet.Unavailable(err))
	}
	return nil
}

// LastEvent is the sequence of the last event that was ever stored.
func (s *Store) LastEvent(ctx context.Context) (uint64, error) {
	return s.conn.LastSequence(ctx, s.shard.Events())
}

// Identity names the log such that one made anew has another name: the stream
// and when it was created.
func (s *Store) Identity(ctx context.Context) (string, error) {
	return s.conn.Identity(ctx, s.shard.Events())
}

// firstSince is the sequence of the first event stored at t or later, or the
// one after last where there is none.
func (s *Store) firstSince(ctx context.Context, last uint64, t time.Time) (uint64, error) {
	found, err := jetstreamext.GetBatch(ctx, s.js, s.shard.Events(), 1, jetstreamext.GetBatchStartTime(t))
	if err != nil {
		return 0, err
	}
	for m, err := range found {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return last + 1, nil
		}
		if err != nil {
			return 0, err
		}
		return m.Sequence, nil
	}
	return last + 1, nil
}
