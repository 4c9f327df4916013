package email

import (
	"context"
	"slices"
	"sync"
	"time"
)

// idleTime is how long a session without work is kept. Relays close idle ones
// themselves, most after minutes; a burst of mails is over in less.
const idleTime = 5 * time.Second

// pool bounds the sessions that are open at once, and keeps idle ones.
type pool struct {
	slots chan struct{}

	mu     sync.Mutex
	idle   []*session
	closed bool
}

func newPool(size int) *pool { return &pool{slots: make(chan struct{}, size)} }

// acquire waits for the right to have a session; free gives it back.
func (p *pool) acquire(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) free() { <-p.slots }

// take gives the session that was used last, or nil.
func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	s := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	s.idle.Stop()
	return s
}

// keep takes back a session that is ready for the next mail. Its owner frees
// its slot only then, so that idle ones count among those open.
func (p *pool) keep(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || s.mails >= maxMails {
		s.quit()
		return
	}
	p.idle = append(p.idle, s)
	s.idle = time.AfterFunc(idleTime, func() { p.expire(s) })
}

func (p *pool) expire(s *session) {
	p.mu.Lock()
	i := slices.Index(p.idle, s)
	if i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		s.quit()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, s := range p.idle {
		s.idle.Stop()
		s.quit()
	}
	p.idle = nil
}
