package sim

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// change is one of the registry's on its way to the shard.
type change struct {
	rcv  *receiver
	next *transport.Endpoint
}

// register changes the registry, and tells the node.
func (w *world) register(rcv *receiver, next *transport.Endpoint) {
	rcv.endpoint = next
	w.note(line{what: "registry", endpoint: rcv.id})
	for _, n := range w.living() {
		if n.shard != nil {
			n.news = append(n.news, change{rcv, next})
			n.after(20*time.Millisecond, n.hear)
		}
	}
}

// hear brings what the registry told to the shard.
func (n *node) hear() {
	if n.away() {
		n.after(300*time.Millisecond, n.hear)
		return
	}
	news := n.news
	n.news = nil
	for _, c := range news {
		n.begin(c)
	}
}

// lookWhetherInEffect looks whether the change on its way in is in effect.
func (n *node) lookWhetherInEffect() {
	select {
	case <-n.awaited:
		n.awaited = nil
		if n.judged() {
			n.w.judge.changed(n.changes[0].rcv, n.changes[0].next)
		}
		if n.changes = n.changes[1:]; len(n.changes) > 0 {
			n.change()
		}
	default:
	}
}

// begin gives the shard a change after those before it.
func (n *node) begin(c change) {
	n.changes = append(n.changes, c)
	if len(n.changes) == 1 {
		n.change()
	}
}

func (n *node) change() {
	c := n.changes[0]
	if n.judged() {
		n.w.judge.changing(c.rcv, c.next)
	}
	n.w.revision++
	n.awaited = n.shard.Begin(transport.Change{ID: c.rcv.id, Customer: c.rcv.customer, Endpoint: c.next, Revision: n.w.revision})
}
