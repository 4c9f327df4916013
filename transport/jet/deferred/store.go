package deferred

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// watchEvery is how often the server's clock is looked at.
const watchEvery = 10 * time.Second

// Witness is told how far DEFERRED has come, so that a stream that lost its end is
// found by what it knows: the journal.
type Witness interface {
	// Parked notes that the stream has come up to a sequence.
	Parked(seq uint64)
	// Tell tells waiters of what is stored up to seq once that is known
	// elsewhere too.
	Tell(seq uint64, waiters []transport.Waiter)
}

// Options say how what waits is kept and read.
type Options struct {
	// Window is the most segments of a shard in hand; 0: 16,384.
	Window int
	// Witness is told how far the stream has come.
	Witness Witness
	// Fence guards what is parked; nil: nothing does.
	Fence *jet.Fence
	// Events are read by what refers to them.
	Events Events
}

// Events are the events of the log, by what refers to them.
type Events interface {
	// Find gives the events beside what refers to them, nil where the log does not
	// have one. They are shared. The error is that it cannot tell now.
	Find(ctx context.Context, refs []transport.Reference) ([]*transport.Event, error)
}

// Store is what waits of one shard.
type Store struct {
	shard      jet.Shard
	opts       Options
	witness    Witness
	conn       *jet.Conn
	nc         *nats.Conn
	js         jetstream.JetStream
	changes    *jet.Changes
	log        *slog.Logger
	now        func() time.Time
	clock      serverClock
	watchClock time.Duration
	moves      *publisher.Costs

	// referring is held while a replay is given its reference, or its event, for
	// which nothing refers to the event yet; purgeable, which it guards, is where
	// the events end that may be purged where nothing refers to them.
	referring sync.RWMutex
	purgeable uint64
	// moving is held while schedules are read by name and published anew: one that is
	// replaced meanwhile is not found, and its guard refuses.
	moving sync.Mutex
	parker atomic.Pointer[Parker] // the last one
}

// Open gives what waits of a shard, whose stream is there (see Config), and asks
// the server for its time.
func Open(ctx context.Context, conn *jet.Conn, shard jet.Shard, o Options) (*Store, error) {
	o.Window = cmp.Or(o.Window, 16384)
	s := &Store{shard: shard, opts: o, witness: o.Witness, conn: conn, nc: conn.NATS(), js: conn.JetStream(), changes: conn.Changes(),
		log: conn.Log(), now: conn.Now, clock: serverClock{doubt: make(chan struct{}, 1)}, watchClock: watchEvery, moves: publisher.NewCosts()}
	if _, _, err := s.askClock(ctx); err != nil {
		return nil, fmt.Errorf("asking the NATS server for its time: %w", jet.Unavailable(err))
	}
	return s, nil
}
