package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
)

// ended begins a drain without waiting for its end.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (n *node) now() time.Time { return start.Add(n.w.now + n.ahead) }

// kill is kill -9.
func (n *node) kill() {
	w := n.w
	w.did(killed)
	w.note(line{what: "kill -9", n: int64(n.life)})
	owned := w.node == n
	n.alive = false
	n.host.node = nil
	n.crashWrites()
	if !w.plan.external {
		w.serverUp = false
		w.log.kill()
		w.deferred.kill()
	}
	if w.o.Plant == ForgotSegment && owned {
		w.forgetSegment()
	}
	w.forget(n, true)
	n.host.comeBack()
}

// killAny kills a node whatever it does.
func (w *world) killAny() {
	if n := w.anyNode(); n != nil {
		n.kill()
	}
}

// forgetSegment is a planted fault: a segment that was said to be durable is not.
func (w *world) forgetSegment() {
	for _, p := range slices.Backward(w.deferred.all) {
		if !p.gone {
			p.gone = true
			delete(w.deferred.dues, p.seq)
			delete(w.deferred.parks, p.name)
			return
		}
	}
}

const patience = 25 * time.Second

// drain is a graceful stop: what is in flight ends, the rest is handed back.
func (n *node) drain() {
	w := n.w
	w.note(line{what: "drains", n: int64(n.life)})
	n.pulling = false
	_ = n.shard.Drain(ended)
	n.leave(w.now + patience)
}

func (n *node) leave(latest time.Duration) {
	switch {
	case len(n.inHand) == 0:
	case n.w.now < latest:
		n.after(100*time.Millisecond, func() { n.leave(latest) })
		return
	case len(n.flying) > 0:
		for _, k := range slices.Sorted(maps.Keys(n.flying)) {
			n.flying[k].finish(transport.Answer{Class: transport.Aborted})
		}
		n.after(5*time.Second, func() { n.leave(0) })
		return
	}
	if n.away() || len(n.air) > 0 {
		n.after(100*time.Millisecond, func() { n.leave(latest) })
		return
	}
	n.w.note(line{what: "left", n: int64(n.life)})
	n.w.forget(n, len(n.inHand) > 0)
	n.keeper.step(lease.Input{Kind: lease.Left})
}
