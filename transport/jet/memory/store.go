package memory

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Store is the bucket MEMORY.
type Store struct {
	conn *jet.Conn
	js   jetstream.JetStream
	log  *slog.Logger
	// fence tells whether this node may store anything; nil: it may.
	fence *jet.Fence
}

// Open makes the bucket, and lets many memories be stored at once. Nothing is
// stored while fence, nil for none, says that this node may not act.
func Open(ctx context.Context, conn *jet.Conn, fence *jet.Fence) (*Store, error) {
	s := &Store{conn: conn, js: conn.JetStream(), log: conn.Log(), fence: fence}
	if _, err := conn.Bucket(ctx, BucketMemory, "Postrider: what endpoints remember"); err != nil {
		return nil, err
	}
	stream, err := s.js.Stream(ctx, streamMemory)
	if err == nil && !stream.CachedInfo().Config.AllowAtomicPublish {
		config := stream.CachedInfo().Config
		config.AllowAtomicPublish = true
		_, err = s.js.UpdateStream(ctx, config)
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", BucketMemory, jet.Unavailable(err))
	}
	return s, nil
}
