package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Above shortOf of its room, in percent, the log has what it keeps for those alone
// that wait for it moved elsewhere, until it would be down to roomy.
const (
	shortOf = 80
	roomy   = 65
)

// purgeable is what may be purged where nothing refers to it.
type purgeable struct {
	stream jetstream.Stream
	first  uint64 // that is there
	below  uint64 // where it ends
	need   int64  // how many bytes are to be freed; 0: it has room
}

// Purge drops from EVENTS what is settled, older than EventsKeep and referred to by
// nothing: up to the earliest of the shard consumer's ack floor, the newest message
// of that age and the oldest one that something refers to. Where the log runs short
// of room, the last of these is moved elsewhere. Without the consumer nothing is
// settled, and nothing is purged.
func (s *Store) Purge(ctx context.Context) error {
	_, err := s.purge(ctx, 0)
	return err
}

// Relieve is Purge of the oldest events below a sequence, however young they are:
// room is short. It gives the sequence that the log begins at then.
func (s *Store) Relieve(ctx context.Context, below uint64) (first uint64, err error) {
	return s.purge(ctx, below)
}

// purge purges what is below a sequence, 0: what is old, as far as it may be.
func (s *Store) purge(ctx context.Context, most uint64) (first uint64, err error) {
	p, err := s.purgeable(ctx, most)
	if err != nil || p.below <= p.first {
		return p.first, err
	}
	below := p.below
	if s.opts.Referred != nil {
		if below, err = s.notReferred(ctx, &p); err != nil {
			return p.first, fmt.Errorf("purging %s below %d: %w", s.shard.Events(), p.below, err)
		}
	}
	if below <= p.first {
		return p.first, nil
	}
	if err := s.purgeBelow(ctx, &p, below); err != nil {
		return p.first, err
	}
	return below, nil
}

// purgeBelow purges, once the journal tells of it.
func (s *Store) purgeBelow(ctx context.Context, p *purgeable, below uint64) error {
	if tell := s.opts.Purging; tell != nil {
		if err := tell(ctx, below); err != nil {
			return fmt.Errorf("purging %s below %d: telling of it: %w", s.shard.Events(), below, jet.Unavailable(err))
		}
	}
	if !s.opts.Fence.Acts() {
		return fmt.Errorf("purging %s below %d: %w", s.shard.Events(), below, jet.ErrHalted)
	}
	if err := p.stream.Purge(ctx, jetstream.WithPurgeSequence(below)); err != nil {
		return fmt.Errorf("purging %s below %d: %w", s.shard.Events(), below, jet.Unavailable(err))
	}
	return nil
}

// notReferred is where that ends which nothing refers to, once what can be moved is.
func (s *Store) notReferred(ctx context.Context, p *purgeable) (below uint64, err error) {
	low, err := s.opts.Referred(ctx, p.first, p.below)
	if err != nil || low >= p.below {
		return p.below, err
	}
	if p.need == 0 || s.opts.MakeRoom == nil {
		return low, nil
	}
	return s.opts.MakeRoom(ctx, p.first, p.below, p.need)
}

func (s *Store) purgeable(ctx context.Context, most uint64) (p purgeable, err error) {
	if p.stream, err = s.js.Stream(ctx, s.shard.Events()); err != nil {
		return p, fmt.Errorf("purging %s: %w", s.shard.Events(), jet.Unavailable(err))
	}
	consumer, err := p.stream.Consumer(ctx, jet.ConsumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("purging %s: %w", s.shard.Events(), jet.Unavailable(err))
	}
	info := p.stream.CachedInfo()
	if most == 0 {
		if most, err = s.firstSince(ctx, info.State.LastSeq, s.now().Add(-s.opts.Keep)); err != nil {
			return p, fmt.Errorf("purging %s: finding what is older than %s: %w", s.shard.Events(), s.opts.Keep, jet.Unavailable(err))
		}
	}
	if info.State.Msgs == 0 {
		return p, nil
	}
	p.first, p.below = info.State.FirstSeq, min(most, consumer.CachedInfo().AckFloor.Stream+1)
	if most := info.Config.MaxBytes; most > 0 && int64(info.State.Bytes) > most/100*shortOf {
		p.need = int64(info.State.Bytes) - most/100*roomy
	}
	return p, nil
}

// MeanBytes is what a sequence of the log takes of its room, of all that are there.
func (s *Store) MeanBytes(ctx context.Context) (int64, error) {
	stream, err := s.js.Stream(ctx, s.shard.Events())
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", s.shard.Events(), jet.Unavailable(err))
	}
	state := stream.CachedInfo().State
	return int64(state.Bytes / max(1, state.LastSeq+1-state.FirstSeq)), nil
}
