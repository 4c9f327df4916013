package node

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// gatePoll is how soon an attempt that may not be sent looks again: whether it may,
// or whether the node is told to halt.
const gatePoll = 20 * time.Millisecond

// sendGate lets attempts through while this node acts as the shard's owner. Those
// that come while it does not, and those under way that are cut when another may
// own the shard, end as aborted: their endpoints make them again once it is known
// that none does, at the pace and with the settings of then.
type sendGate struct {
	fence *jet.Fence

	mu   sync.Mutex
	open context.Context // ends when attempts under way are cut
	cut  context.CancelFunc
}

func (g *sendGate) goOn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil || g.open.Err() != nil {
		g.open, g.cut = context.WithCancel(context.Background())
	}
}

func (g *sendGate) cutAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut()
}

// enter gives the context that an attempt is to be sent with; false, after a while,
// where the node does not act.
func (g *sendGate) enter(ctx context.Context) (sending context.Context, end func(), ok bool) {
	if !g.fence.Acts() {
		g.wait(ctx)
		return nil, nil, false
	}
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	sending, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(open, cancel)
	return sending, func() { stop(); cancel() }, true
}

// wait returns when the node acts, or has had the time to tell its endpoints that
// it is halted: an attempt that is to be made again is not made at once.
func (g *sendGate) wait(ctx context.Context) {
	for told := false; !told && !g.fence.Acts(); told, _ = g.fence.Halted() {
		select {
		case <-time.After(gatePoll):
		case <-ctx.Done():
			return
		}
	}
}

// gated sends through a gate.
type gated struct {
	endpoint.Target
	gate *sendGate
}

// Send makes one attempt.
func (t gated) Send(ctx context.Context, ev *transport.Event, number int) transport.Answer {
	sending, end, ok := t.gate.enter(ctx)
	if !ok {
		return endpoint.Halted
	}
	defer end()
	a := t.Target.Send(sending, ev, number)
	if a.Class == transport.Aborted && ctx.Err() == nil {
		return endpoint.Halted // it was cut
	}
	return a
}
