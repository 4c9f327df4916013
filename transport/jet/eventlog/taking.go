package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// fillBatch is how many messages fill the log up in one go.
const fillBatch = 1000

// Restart has all events come again that are not settled, and tells after which
// that is. Nobody may consume meanwhile.
func (s *Store) Restart(ctx context.Context) (floor uint64, err error) {
	return s.conn.ResetToFloor(ctx, s.durable())
}

// StoredAfter is when the first event after seq was stored; zero: there is none.
func (s *Store) StoredAfter(ctx context.Context, seq uint64) (time.Time, error) {
	m, err := s.conn.FirstMessage(ctx, s.shard.Events(), jetstreamext.GetBatchSeq(seq+1))
	if err != nil || m == nil {
		return time.Time{}, err
	}
	return m.Time, nil
}

// FindLoss adds to the state of a shard what tells whether the log lost its end
// since the event of state.Reached.
func (s *Store) FindLoss(ctx context.Context, state *transport.ShardState) error {
	events, err := s.js.Stream(ctx, s.shard.Events())
	if err != nil {
		return err
	}
	state.EventsLast = events.CachedInfo().State.LastSeq
	at := state.Reached
	if at.Event == 0 || at.EventStored.IsZero() {
		return nil
	}
	if at.Event <= state.EventsLast {
		m, err := events.GetMsg(ctx, at.Event)
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return err
		}
		if m == nil || m.Time.Equal(at.EventStored) {
			return nil
		}
		state.ReachedAt = m.Time
	}
	return s.findNew(ctx, events, state)
}

// findNew finds where the log goes on with others than it had.
func (s *Store) findNew(ctx context.Context, events jetstream.Stream, state *transport.ShardState) error {
	after, err := s.conn.FirstMessage(ctx, s.shard.Events(), jetstreamext.GetBatchStartTime(state.Reached.EventStored.Add(time.Nanosecond)))
	if err != nil {
		return err
	}
	before := state.EventsLast
	if after != nil {
		state.NewFrom, before = after.Sequence, after.Sequence-1
	}
	m, err := events.GetMsg(ctx, before)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err
	}
	if m != nil {
		state.OldAt = m.Time
	}
	return nil
}

// Fill puts tiny messages in the places of what the log lost, up to a sequence,
// and deletes them by their subject: a purge with a sequence would empty the
// stream. Those that a node left which ended on the way are deleted too.
func (s *Store) Fill(ctx context.Context, to uint64) error {
	stream, err := s.js.Stream(ctx, s.shard.Events())
	if err != nil {
		return err
	}
	subject := "fill." + strconv.Itoa(int(s.shard))
	for last := stream.CachedInfo().State.LastSeq; last < to; {
		msgs := make([]*nats.Msg, min(to-last, fillBatch))
		for i := range msgs {
			msgs[i] = nats.NewMsg(subject)
		}
		if last, err = s.fillWith(ctx, msgs); err != nil {
			return fmt.Errorf("filling %s up to %d: %w", s.shard.Events(), to, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, jet.APITimeout)
	defer cancel()
	return stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
}

func (s *Store) fillWith(ctx context.Context, msgs []*nats.Msg) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*jet.PublishTimeout)
	defer cancel()
	if last, err = s.conn.PublishBatch(ctx, msgs); err == nil {
		return last, nil
	}
	s.conn.PublishEach(ctx, msgs, func(_ int, seq uint64, perr error) {
		if err = perr; perr == nil {
			last = max(last, seq)
		}
	})
	return last, err
}
