package deferred

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

// earlyBy is how much sooner than asked a segment must come back to cast doubt
// on the clocks.
const earlyBy = 100 * time.Millisecond

// serverClock is what is known of the clock of the server that keeps the
// schedules. Schedules are written in its time, all else is in the node's.
type serverClock struct {
	mu   sync.Mutex
	skew time.Duration

	// doubt holds a value while something came back too early.
	doubt chan struct{}
	// early counts the segments that came back too early.
	early atomic.Uint64
}

// ahead is the server's time less the node's.
func (c *serverClock) ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew
}

// learn takes the server's time at some moment between two of the node's. What
// was known is kept where it may still be true.
func (c *serverClock) learn(asked, server, answered time.Time) time.Duration {
	least, most := server.Sub(answered), server.Sub(asked)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = min(max(c.skew, least), most)
	return c.skew
}

// returned judges by its wake a segment that fired by itself.
func (c *serverClock) returned(now, wake time.Time) {
	if wake.Sub(now) > earlyBy {
		c.early.Add(1)
		groupcommit.Nudge(c.doubt)
	}
}

// askClock asks the server that leads DEFERRED for its time, and gives how far
// it is ahead and what the schedules there were written for.
func (s *Store) askClock(ctx context.Context) (skew time.Duration, written string, err error) {
	if err := s.conn.Away(); err != nil {
		return 0, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, jet.APITimeout)
	defer cancel()
	asked := s.now()
	stream, err := s.js.Stream(ctx, s.shard.Deferred())
	if err != nil {
		return 0, "", err
	}
	info := stream.CachedInfo()
	return s.clock.learn(asked, info.TimeStamp, s.now()), info.Config.Metadata[metaSkew], nil
}
