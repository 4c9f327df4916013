package node

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// gatePoll is how soon an attempt that may not be sent looks again, before the
// halt that is due is told.
const gatePoll = 20 * time.Millisecond

// sendGate lets attempts through while this node acts as the shard's owner.
// Those that come meanwhile wait, and keep their place; those under way are cut
// when another may own the shard, and made again once it is known that none does.
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

// enter waits until an attempt may be sent, and gives the context that it is to
// be sent with; false where ctx ended first.
func (g *sendGate) enter(ctx context.Context) (sending context.Context, end func(), ok bool) {
	for !g.fence.Acts() {
		halted, turned := g.fence.Halted()
		if halted {
			select {
			case <-turned:
			case <-ctx.Done():
				return nil, nil, false
			}
			continue
		}
		select {
		case <-time.After(gatePoll):
		case <-ctx.Done():
			return nil, nil, false
		}
	}
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	sending, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(open, cancel)
	return sending, func() { stop(); cancel() }, true
}

// gated sends through a gate.
type gated struct {
	endpoint.Target
	gate *sendGate
}

// Send makes one attempt; again, where it was cut.
func (t gated) Send(ctx context.Context, ev *transport.Event, number int) transport.Answer {
	for {
		sending, end, ok := t.gate.enter(ctx)
		if !ok {
			return transport.Answer{Class: transport.Aborted, Reason: transport.ReasonAborted, Detail: "broken off by us"}
		}
		a := t.Target.Send(sending, ev, number)
		end()
		if a.Class != transport.Aborted || ctx.Err() != nil {
			return a
		}
	}
}
