package deferred

import (
	"math"
	"sync"

	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

// clearPace bounds how many segments RecallAll brings back in a second.
const clearPace = 200

// clearing is what is to be brought back altogether, by turns.
type clearing struct {
	wake chan struct{}

	mu    sync.Mutex
	queue []*clearance
}

// clearance is one endpoint of which everything comes back.
type clearance struct {
	endpoint string
	begun    bool
	left     int      // segments of the first listing; those parked since stay
	rest     []parked // of what is listed
	again    bool     // asked for once more since it was begun
}

func (c *clearing) init() { c.wake = make(chan struct{}, 1) }

// RecallAll brings back everything of an endpoint that was parked before, what
// waits for its own time too, at a bounded pace, and goes on by itself where
// NATS was away; what was not brought back before Close is forgotten. It does
// not block. Calls for an endpoint that waits for its turn are one.
func (p *Parker) RecallAll(endpoint string) {
	c := &p.clearing
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, there := range c.queue {
		if there.endpoint == endpoint {
			there.again = there.begun
			return
		}
	}
	c.queue = append(c.queue, &clearance{endpoint: endpoint})
	groupcommit.Nudge(c.wake)
}

// first is whose turn it is, nil where nobody's.
func (c *clearing) first() *clearance {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	c.queue[0].begun = true
	return c.queue[0]
}

// turned ends the first one's turn: it leaves where it is done, or is the last.
func (c *clearing) turned(done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.queue[0]
	c.queue = c.queue[1:]
	if done && one.again {
		one, done = &clearance{endpoint: one.endpoint}, false
	}
	if !done {
		c.queue = append(c.queue, one)
	}
}

// clearAsked serves the queue until Close.
func (p *Parker) clearAsked() {
	pace := newPace(clearPace)
	var wait groupcommit.Backoff
	for p.ctx.Err() == nil {
		one := p.clearing.first()
		if one == nil {
			select {
			case <-p.clearing.wake:
			case <-p.ctx.Done():
			}
			continue
		}
		moved, err := p.clearTurn(one)
		if err != nil {
			if wait.First() && p.ctx.Err() == nil {
				p.store.log.Warn("what is parked cannot be brought back; trying until it can", "endpoint", one.endpoint, "err", jet.Unavailable(err))
			}
			wait.Pause(p.ctx.Done())
			continue
		}
		wait = groupcommit.Backoff{}
		p.clearing.turned(one.left == 0)
		_ = pace.wait(p.ctx, moved) // the end of ctx ends the loop
	}
}

// clearTurn brings back up to moveSegments of one endpoint.
func (p *Parker) clearTurn(one *clearance) (moved int, err error) {
	if len(one.rest) == 0 {
		if err := p.Flush(p.ctx); err != nil {
			return 0, err
		}
		rest, total, err := p.store.listParked(p.ctx, one.endpoint, mostListed, func(*parked) bool { return true })
		if err != nil {
			return 0, err
		}
		if one.rest = rest; one.left == 0 {
			one.left = total
		}
		one.left = min(one.left, total)
	}
	rest := one.rest
	part := cutParked(&rest, math.MaxInt)
	if len(part) > 0 {
		if _, err := p.store.bringBack(p.ctx, part); err != nil {
			return 0, err
		}
	}
	one.rest = rest
	one.left = max(0, one.left-len(part))
	return len(part), nil
}
