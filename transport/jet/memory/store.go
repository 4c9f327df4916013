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
}

// Open makes the bucket, and lets many memories be stored at once.
func Open(ctx context.Context, conn *jet.Conn) (*Store, error) {
	s := &Store{conn: conn, js: conn.JetStream(), log: conn.Log()}
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
