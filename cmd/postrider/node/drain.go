package node

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/api"
)

// selfID is how a caller names the node that answers.
const selfID = "self"

// drainer runs a node's drain: once, by whoever asks first; it holds until the
// node is started again.
type drainer struct {
	mu     sync.Mutex
	closed bool
	done   chan struct{} // nil: not begun; closed: it has ended
	err    error         // there when done is closed
}

// begin runs do unless that was done before, or the node is closing.
func (d *drainer) begin(do func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.done != nil {
		return
	}
	done := make(chan struct{})
	d.done = done
	go func() {
		defer close(done)
		d.err = do()
	}()
}

// end waits for a drain under way, and lets none begin any more.
func (d *drainer) end() {
	d.mu.Lock()
	d.closed = true
	done := d.done
	d.mu.Unlock()
	if done != nil {
		<-done
	}
}

func (d *drainer) state() api.NodeState {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		return api.NodeWorking
	}
	select {
	case <-d.done:
		if d.err == nil {
			return api.NodeDrained
		}
	default:
	}
	return api.NodeDraining
}

// isDraining tells whether no new leases are made.
func (n *Node) isDraining() bool { return n.drainer.state() != api.NodeWorking }

// handBack stops the pulling while the shard gives up what it has not begun: a
// consumer may be waiting for room in the shard's window. It returns when
// attempts under way have ended, or with an error at the end of ctx. It may be
// called again, and beside itself.
func (n *Node) handBack(ctx context.Context) error {
	drained := make(chan error, 1)
	go func() { drained <- n.shard.Drain(ctx) }()
	n.parker.Hurry()
	n.room.end()
	var stopping error
	if n.consumers != nil {
		stopping = n.consumers.Stop(ctx)
	}
	return errors.Join(<-drained, stopping)
}

// about describes this node.
func (n *Node) about() api.Node {
	ready := true
	for _, lack := range n.lacks() {
		ready = ready && lack.Bearable
	}
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	a := api.Node{ID: n.id, Name: name, Version: n.version, State: n.drainer.state(), Ready: ready, StartedAt: n.startedAt,
		Shards: []int{0}, InHand: n.shard.Stats().Held}
	switch {
	case a.State == api.NodeDrained && !n.store.Embedded():
		a.State = api.NodeDraining // until the shard is handed over: see Server.handOver
	case a.State == api.NodeDrained:
		a.Shards, a.InHand = []int{}, 0 // what the shard told last may be of before
	}
	return a
}

// nodes fits the one node that there is to the API.
type nodes struct{ n *Node }

// Nodes is this one.
func (s nodes) Nodes(context.Context) []api.Node { return []api.Node{s.n.about()} }

// Drain begins it, and leaves it going when the caller leaves.
func (s nodes) Drain(_ context.Context, id string) (api.Node, error) {
	n := s.n
	if me := n.about(); id != selfID && id != me.ID && id != me.Name {
		return api.Node{}, transport.ErrNotFound
	}
	n.drainer.begin(func() error {
		n.log.Info("draining: no new leases; attempts under way finish")
		if err := n.handBack(n.sending); err != nil {
			return err
		}
		if n.store.Embedded() { // nobody else can take the shard
			n.log.Info("drained: nothing is in hand; start the node again to have it work")
			return nil
		}
		n.log.Info("nothing is in hand; handing the shard over")
		close(n.drained)
		return nil
	})
	return n.about(), nil
}
