package deadletters

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// purgers is how many letters are deleted at a time.
const purgers = 16

// purgeTimeout is long enough for as many letters as there may be.
const purgeTimeout = time.Hour

// CountDeadLetters tells how many letters a filter chooses; Before and Limit
// do not count.
func (s *Store) CountDeadLetters(ctx context.Context, f transport.LetterFilter) (n uint64, err error) {
	err = s.chosenLetters(ctx, &f, func(uint64) { n++ })
	return n, err
}

// PurgeDeadLetters deletes the letters that a filter chooses, for good, and
// tells how many; with an error, some may be deleted. Letters that come
// meanwhile stay. Their pairs stay dead-lettered in the journal.
func (s *Store) PurgeDeadLetters(ctx context.Context, f transport.LetterFilter) (n uint64, err error) {
	ctx, end, err := s.changes.Begin(ctx, purgeTimeout)
	if err != nil {
		return 0, err
	}
	defer end()
	var ids []uint64
	if err := s.chosenLetters(ctx, &f, func(id uint64) { ids = append(ids, id) }); err != nil {
		return 0, err
	}
	stream, err := s.changes.JS.Stream(ctx, s.shard.DeadLetters())
	if err != nil {
		return 0, fmt.Errorf("purging dead letters: %w", jet.Unavailable(err))
	}
	next := make(chan uint64)
	var work sync.WaitGroup
	var mu sync.Mutex
	for range purgers {
		work.Go(func() {
			for id := range next {
				gone := s.changes.Do(ctx, func(ctx context.Context) error { return stream.DeleteMsg(ctx, id) })
				mu.Lock()
				switch {
				case gone == nil:
					n++
				case !errors.Is(gone, jetstream.ErrMsgNotFound) && !errors.Is(gone, jetstream.ErrMsgDeleteUnsuccessful):
					err = gone
				}
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		mu.Lock()
		failed := err != nil
		mu.Unlock()
		if failed {
			break
		}
		next <- id
	}
	close(next)
	work.Wait()
	if err != nil {
		return n, fmt.Errorf("purging dead letters, %d of %d are purged: %w", n, len(ids), jet.Unavailable(err))
	}
	return n, nil
}

// chosenLetters tells the ids of letters that a filter chooses, oldest first,
// of those that are there when it is called. One that cannot be read is chosen
// where neither reason nor times are asked for.
func (s *Store) chosenLetters(ctx context.Context, f *transport.LetterFilter, each func(id uint64)) error {
	subject, err := letterFilter(*f)
	if err != nil {
		return err
	}
	stream, err := s.js.Stream(ctx, s.shard.DeadLetters())
	if err != nil {
		return fmt.Errorf("reading dead letters: %w", jet.Unavailable(err))
	}
	last := stream.CachedInfo().State.LastSeq
	all := f.Reason == "" && f.From.IsZero() && f.To.IsZero()
	err = s.conn.Sweep(ctx, jet.Sweep{Stream: s.shard.DeadLetters(), Subject: subject}, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence > last {
			return jet.ErrEnough
		}
		if !all {
			if d, err := decodeLetter(m.Sequence, m.Data); err != nil || !f.Chooses(d) {
				return nil
			}
		}
		each(m.Sequence)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading dead letters: %w", jet.Unavailable(err))
	}
	return nil
}
