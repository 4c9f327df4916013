package deadletters

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Options say who is told of dead letters.
type Options struct {
	// Unreadable is told why a detection was buried unread; nil: nobody.
	Unreadable func(reason string)
	// Fence guards what is buried; nil: nothing does.
	Fence *jet.Fence
}

// Store is the dead letters of one shard.
type Store struct {
	shard   jet.Shard
	opts    Options
	conn    *jet.Conn
	nc      *nats.Conn
	js      jetstream.JetStream
	changes *jet.Changes
	log     *slog.Logger
	now     func() time.Time
}

// New gives the dead letters of a shard, whose stream is there: see Config.
func New(conn *jet.Conn, shard jet.Shard, o Options) *Store {
	return &Store{shard: shard, opts: o, conn: conn, nc: conn.NATS(), js: conn.JetStream(), changes: conn.Changes(), log: conn.Log(), now: conn.Now}
}
