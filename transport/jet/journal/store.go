package journal

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Options say who is told of the journal.
type Options struct {
	// Journaled is told of each try to write a batch: its records, how long it
	// took, and the error; nil: nobody.
	Journaled func(records int, took time.Duration, err error)
	// Fence guards the writes; nil: nothing does.
	Fence *jet.Fence
}

// Store is the journal of one shard.
type Store struct {
	shard   jet.Shard
	opts    Options
	conn    *jet.Conn
	js      jetstream.JetStream
	log     *slog.Logger
	cursors jetstream.KeyValue
	reached progress
	fence   *jet.Fence
}

// Open gives the journal of a shard, whose stream is there: see Config.
func Open(ctx context.Context, conn *jet.Conn, shard jet.Shard, o Options) (*Store, error) {
	if o.Journaled == nil {
		o.Journaled = func(int, time.Duration, error) {}
	}
	s := &Store{shard: shard, opts: o, conn: conn, js: conn.JetStream(), log: conn.Log(), fence: o.Fence}
	var err error
	s.cursors, err = conn.Bucket(ctx, jet.BucketCursors, jet.DescribeCursors)
	return s, err
}
