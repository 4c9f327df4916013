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
	store *Conn
	name  string
	kv    jetstream.KeyValue
}

// Records opens a bucket whose entries nobody has a form for.
func (c *Conn) Records(ctx context.Context, name, description string) (*Records, error) {
	kv, err := c.Bucket(ctx, name, description)
	return &Records{store: c, name: name, kv: kv}, err
}

// Keep stores an entry in place of the one before.
func (r *Records) Keep(ctx context.Context, key string, data []byte) error {
	if _, err := r.kv.Put(ctx, key, data); err != nil {
		return fmt.Errorf("storing %s: %w", key, Unavailable(err))
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
		return nil, fmt.Errorf("reading %s: %w", key, Unavailable(err))
	}
	return e.Value(), nil
}

// Keys lists the entries there are.
func (r *Records) Keys(ctx context.Context) (keys []string, err error) {
	before := "$KV." + r.name + "."
	err = r.store.Sweep(ctx, Sweep{Stream: "KV_" + r.name, Subject: before + ">"}, func(m *jetstream.RawStreamMsg) error {
		if m.Header.Get(HeaderKVOperation) == "" {
			keys = append(keys, strings.TrimPrefix(m.Subject, before))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", r.name, Unavailable(err))
	}
	return keys, nil
}

// Drop removes an entry; one that is not there is fine.
func (r *Records) Drop(ctx context.Context, key string) error {
	if err := r.kv.Purge(ctx, key); err != nil {
		return fmt.Errorf("removing %s: %w", key, Unavailable(err))
	}
	return nil
}
