package runs

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Store is what runs of alerts keep.
type Store struct {
	conn    *jet.Conn
	nc      *nats.Conn
	js      jetstream.JetStream
	changes *jet.Changes
	log     *slog.Logger
	runs    jetstream.KeyValue
	cursors jetstream.KeyValue
}

// Open makes the buckets where they are not there; the streams are: see Configs.
func Open(ctx context.Context, conn *jet.Conn) (*Store, error) {
	s := &Store{conn: conn, nc: conn.NATS(), js: conn.JetStream(), changes: conn.Changes(), log: conn.Log()}
	var err error
	if s.runs, err = conn.Bucket(ctx, BucketRuns, "Postrider: the last run of each customer's alerts"); err != nil {
		return nil, err
	}
	s.cursors, err = conn.Bucket(ctx, jet.BucketCursors, jet.DescribeCursors)
	return s, err
}

// Configs are the streams as they are to be. Detections are kept for a time, and
// take a third of what EVENTS may have (-1: nothing bounds it).
func Configs(keep time.Duration, eventsMax int64) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{detectionsConfig(keep, jet.DetectionsShare(eventsMax)), runsConfig(), runLogConfig()}
}
