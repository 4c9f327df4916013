package http1

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	idleTimeout = 90 * time.Second
	// keepAliveMargin is how much earlier than the receiver says a connection
	// is given up: a request must be there before the receiver closes it.
	keepAliveMargin = time.Second
)

// Host has the connections of one key. The one that came free last is used
// next, so that the rest can grow old.
type Host struct {
	pool  *Pool
	key   Key
	owner *owner
	dial  Dial
	users int // the pool's lock guards it
	kept  atomic.Int64

	mu     sync.Mutex
	closed bool
	idle   []*Conn
	timer  *time.Timer
	load   load
	queue  []*waiter // for a connection in use to come free, oldest first
}

// waiter is one who waits for a connection.
type waiter struct{ got chan *Conn }

// Take gives a connection with its deadline set, kept or new. Where one comes
// free sooner than a new one could be made, it waits for that. The error is of
// a dial, or ctx's. Each connection is to be given back by Keep or Discard.
func (h *Host) Take(ctx context.Context, deadline time.Time) (*Conn, error) {
	for {
		c, w, most := h.next()
		if w != nil {
			if c = h.await(ctx, w, most); c == nil && ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		if c == nil {
			return h.Fresh(ctx, deadline)
		}
		if c.usable(deadline) {
			c.Reused, c.taken = true, time.Now()
			return c, nil
		}
		h.Discard(c)
	}
}

// Fresh gives a new connection.
func (h *Host) Fresh(ctx context.Context, deadline time.Time) (*Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	start := time.Now()
	c, err := h.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.taken = time.Now()
	if !c.begin(deadline) {
		c.close()
		return nil, context.DeadlineExceeded
	}
	h.mu.Lock()
	h.load.dialled(c.taken.Sub(start))
	h.mu.Unlock()
	return c, nil
}

// next gives a kept connection; or a place in the queue, for so long at most;
// or neither: then one is to be made.
func (h *Host) next() (*Conn, *waiter, time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last := len(h.idle) - 1; last >= 0 {
		c := h.idle[last]
		h.idle[last] = nil
		h.idle = h.idle[:last]
		h.count(-1)
		h.load.inUse++
		return c, nil, 0
	}
	most := h.load.worthWaiting(len(h.queue))
	if most == 0 {
		return nil, nil, 0
	}
	w := &waiter{make(chan *Conn, 1)}
	h.queue = append(h.queue, w)
	return nil, w, most
}

// await gives what came free for w, or nil.
func (h *Host) await(ctx context.Context, w *waiter, most time.Duration) *Conn {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case c := <-w.got:
		return c
	case <-t.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	at := slices.Index(h.queue, w)
	if at >= 0 {
		h.queue = slices.Delete(h.queue, at, at+1)
	}
	h.mu.Unlock()
	if at >= 0 {
		return nil
	}
	return <-w.got // it was given meanwhile
}

// Keep takes a connection back after its exchange, to be used again where that
// can be, and to be closed where not.
func (h *Host) Keep(c *Conn) {
	c.finishWriting()
	now := time.Now()
	c.until = now.Add(c.lasts())
	sound := c.isSound() && c.until.After(now)
	h.mu.Lock()
	h.load.freed(now.Sub(c.taken))
	switch {
	case !sound || h.closed:
		h.mu.Unlock()
		c.close()
	case len(h.queue) > 0:
		w := h.queue[0]
		h.queue = slices.Delete(h.queue, 0, 1)
		h.load.inUse++
		h.mu.Unlock()
		w.got <- c
	default:
		h.put(c)
		h.mu.Unlock()
		h.pool.makeRoom()
	}
}

// Discard closes a connection that Take gave.
func (h *Host) Discard(c *Conn) {
	c.stopWriting()
	h.mu.Lock()
	h.load.inUse--
	h.mu.Unlock()
	c.close()
}

// lasts is how long c can be kept: less than the receiver said.
func (c *Conn) lasts() time.Duration {
	said := c.head.keepAlive
	if said < 0 {
		return idleTimeout
	}
	return min(idleTimeout, said-min(keepAliveMargin, said/2))
}

func (h *Host) put(c *Conn) {
	if len(h.idle) >= maxIdlePerHost {
		h.idle[0].close()
		h.idle = slices.Delete(h.idle, 0, 1)
		h.count(-1)
	}
	h.idle = append(h.idle, c)
	h.count(1)
	if h.timer == nil {
		h.timer = time.AfterFunc(time.Until(c.until), h.sweep)
	}
}

func (h *Host) count(n int64) {
	h.kept.Add(n)
	h.owner.idle.Add(n)
	h.pool.idle.Add(n)
}

// sweep closes what has been idle too long; it runs only while there is any.
func (h *Host) sweep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	var soonest time.Time
	before := len(h.idle)
	h.idle = slices.DeleteFunc(h.idle, func(c *Conn) bool {
		if !c.until.After(now) {
			c.close()
			return true
		}
		if soonest.IsZero() || c.until.Before(soonest) {
			soonest = c.until
		}
		return false
	})
	h.count(int64(len(h.idle) - before))
	h.timer = nil
	if len(h.idle) > 0 && !h.closed {
		h.timer = time.AfterFunc(soonest.Sub(now), h.sweep)
	}
}

func (h *Host) closeOldest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) > 0 {
		h.idle[0].close()
		h.idle = slices.Delete(h.idle, 0, 1)
		h.count(-1)
	}
}

// shut closes what is idle; what is in use is closed when it comes back.
func (h *Host) shut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	for _, c := range h.idle {
		c.close()
	}
	h.count(-int64(len(h.idle)))
	h.idle = nil
}
