package eventlog

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// Options say how the log is kept and read.
type Options struct {
	// Keep is how long events are kept that are settled; 0: 7 days.
	Keep time.Duration
	// Window is the most events of a shard in hand; 0: 16,384.
	Window int
	// Source gives more to store than Submit; nil: nothing.
	Source publisher.Source
	// Unreadable is told why a document became a dead letter unread; nil: nobody.
	Unreadable func(reason string)
	// Fence tells whether what is taken may be acked, and what is old be purged;
	// nil: always.
	Fence *jet.Fence
	// Referred gives the lowest sequence from first on that is referred to, as events
	// below another are to be purged, and sees to it that no more are; nil: none is.
	Referred func(ctx context.Context, first, purgeable uint64) (low uint64, err error)
	// MakeRoom moves events that are referred to elsewhere, where the log runs short
	// of room by need bytes, and gives the lowest that could not be moved, of those
	// from one sequence to below another; nil: it stays as it is.
	MakeRoom func(ctx context.Context, from, below uint64, need int64) (low uint64, err error)
	// Kept gives an event that was moved, nil where it was not; nil: none was.
	Kept func(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error)
	// Purging has the journal tell that events below a sequence are purged, before
	// they are; nil: nobody is told.
	Purging func(ctx context.Context, below uint64) error
	// Stored is told of each event that was stored, in no order: with an embedded
	// server by whoever stored it, else when it is taken, and then perhaps again;
	// nil: nobody.
	Stored func(Stored)
}

// Store is the log of one shard.
type Store struct {
	shard   jet.Shard
	opts    Options
	conn    *jet.Conn
	nc      *nats.Conn
	js      jetstream.JetStream
	changes *jet.Changes
	log     *slog.Logger
	now     func() time.Time
	submits *publisher.Committer
	found   found
}

// New gives the log of a shard, whose stream is there: see Config.
func New(conn *jet.Conn, shard jet.Shard, o Options) *Store {
	o.Keep, o.Window = cmp.Or(o.Keep, 7*24*time.Hour), cmp.Or(o.Window, 16384)
	return &Store{shard: shard, opts: o, conn: conn, nc: conn.NATS(), js: conn.JetStream(), changes: conn.Changes(),
		log: conn.Log(), now: conn.Now, submits: publisher.NewCommitter(conn.Changes().JS, o.Source, conn.Costs())}
}

// Close ends Submit.
func (s *Store) Close() { s.submits.Close() }
