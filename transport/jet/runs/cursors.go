package runs

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Cursors are the ledger's cursors on a node without Redis: how far runs have
// come, in the bucket CURSORS.
type Cursors struct{ store *Store }

// Cursors gives the store's cursors.
func (s *Store) Cursors() Cursors { return Cursors{s} }

// Read gives where the keys' cursors are, 0 where one has not moved yet.
func (c Cursors) Read(ctx context.Context, keys []string) ([]uint64, error) {
	values, err := c.store.lastValues(ctx, jet.BucketCursors, keys)
	if err != nil {
		return nil, fmt.Errorf("reading cursors: %w", jet.Unavailable(err))
	}
	at := make([]uint64, len(keys))
	for i, v := range values {
		if v.revision == 0 {
			continue
		}
		if at[i], err = strconv.ParseUint(string(v.data), 10, 64); err != nil {
			return nil, fmt.Errorf("cursor %s: %w", keys[i], err)
		}
	}
	return at, nil
}

// Move takes a cursor from one place to another. It is transport.ErrConflict
// where the cursor is elsewhere, and fine where it is there already.
func (c Cursors) Move(ctx context.Context, key string, from, to uint64) error {
	err := c.move(ctx, key, from, to)
	if errors.Is(err, transport.ErrConflict) {
		return fmt.Errorf("cursor %s: %w", key, err)
	}
	if err != nil {
		return fmt.Errorf("cursor %s: %w", key, jet.Unavailable(err))
	}
	return nil
}

func (c Cursors) move(ctx context.Context, key string, from, to uint64) error {
	values, err := c.store.lastValues(ctx, jet.BucketCursors, []string{key})
	if err != nil {
		return err
	}
	at, text := uint64(0), strconv.FormatUint(to, 10)
	if values[0].revision > 0 {
		if at, err = strconv.ParseUint(string(values[0].data), 10, 64); err != nil {
			return err
		}
	}
	switch {
	case at == to && values[0].revision > 0:
		return nil
	case at != from:
		return transport.ErrConflict
	case values[0].revision == 0:
		_, err = c.store.cursors.Create(ctx, key, []byte(text))
	default:
		_, err = c.store.cursors.Update(ctx, key, []byte(text), values[0].revision)
	}
	if errors.Is(err, jetstream.ErrKeyExists) || jet.WrongSequence(err) {
		return transport.ErrConflict
	}
	return err
}
