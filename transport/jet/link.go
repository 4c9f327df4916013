package jet

import (
	"context"
	"fmt"
	"sync"

	"github.com/postrider/postrider/transport"
)

// link is the connection from when it is there until it is lost: an answer
// that was still owed then never comes.
type link struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
}

func (l *link) up() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
}

func (l *link) down() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
}

// is tells whether it is there. Right after a reconnect it may not be yet: the
// client says that it is connected before its handlers have been called.
func (l *link) is() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx == nil || l.ctx.Err() == nil
}

// bound is ctx, and ends with the link too.
func (l *link) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	l.mu.Lock()
	lost := l.ctx
	l.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	if lost == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(lost, cancel)
	return ctx, func() { stop(); cancel() }
}

// Linked is ctx, and ends with the connection too. The error is that there is none.
func (c *Conn) Linked(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := c.Away(); err != nil {
		return nil, nil, err
	}
	ctx, end := c.link.bound(ctx)
	return ctx, end, nil
}

// Away is an error while there is no connection: what is published then lies
// in a buffer, and its answer comes too late.
func (c *Conn) Away() error {
	if c.nc.IsConnected() && c.link.is() {
		return nil
	}
	return fmt.Errorf("no connection to NATS: %w", transport.ErrUnavailable)
}
