package jet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// BucketReplays holds replays of many: what is to be replayed, and how far each
// has come.
const BucketReplays = "REPLAYS"

// Records are the entries of a bucket.
type Records struct {
	store *Store
	name  string
	kv    jetstream.KeyValue
}

// Replays opens the bucket of replays.
func (s *Store) Replays(ctx context.Context) (*Records, error) {
	kv, err := s.bucket(ctx, BucketReplays, "Postrider: replays of many deliveries")
	return &Records{store: s, name: BucketReplays, kv: kv}, err
}

// Keep stores an entry in place of the one before.
func (r *Records) Keep(ctx context.Context, key string, data []byte) error {
	if _, err := r.kv.Put(ctx, key, data); err != nil {
		return fmt.Errorf("storing %s: %w", key, unavailable(err))
	}
	return nil
}

// Kept gives an entry; transport.ErrNotFound where there is none.
func (r *Records) Kept(ctx context.Context, key string) ([]byte, error) {
	e, err := r.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("%s: %w", key, transport.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, unavailable(err))
	}
	return e.Value(), nil
}

// Keys lists the entries there are.
func (r *Records) Keys(ctx context.Context) (keys []string, err error) {
	before := "$KV." + r.name + "."
	err = r.store.sweep(ctx, sweep{stream: "KV_" + r.name, subject: before + ">"}, func(m *jetstream.RawStreamMsg) error {
		if m.Header.Get(headerKVOperation) == "" {
			keys = append(keys, strings.TrimPrefix(m.Subject, before))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", r.name, unavailable(err))
	}
	return keys, nil
}

// Drop removes an entry; one that is not there is fine.
func (r *Records) Drop(ctx context.Context, key string) error {
	if err := r.kv.Purge(ctx, key); err != nil {
		return fmt.Errorf("removing %s: %w", key, unavailable(err))
	}
	return nil
}
