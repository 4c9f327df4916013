package sim

import (
	"slices"
	"time"
)

// ackWait is when what was handed out and not acked is handed out again.
const ackWait = 30 * time.Second

// consumer is a durable pull consumer: what it handed out comes again after
// ackWait, at a Nak at once, and after a reset to the floor all that is not acked.
type consumer struct {
	w       *world
	stream  string
	most    int // MaxAckPending
	pending map[uint64]*grant
	again   []uint64
	acked   func(seq uint64) // what becomes of the message
	round   int              // of resets: what was said before one is heard no more
}

type grant struct{ until time.Duration }

func (c *consumer) reset() {
	c.pending, c.again = map[uint64]*grant{}, nil
	c.round++
}

// full tells whether nothing new may be handed out.
func (c *consumer) full() bool { return len(c.pending)+len(c.again) >= c.most }

// hand notes that a message went out; its ack is waited for so long.
func (c *consumer) hand(seq uint64, wait time.Duration) {
	g := &grant{until: c.w.now + wait}
	c.pending[seq] = g
	c.watch(seq, g)
}

func (c *consumer) watch(seq uint64, g *grant) {
	c.w.after(g.until-c.w.now, func() {
		switch {
		case c.pending[seq] != g:
		case c.w.now < g.until:
			c.watch(seq, g)
		default:
			c.w.note(line{what: "ack wait over", seq: seq, more: c.stream})
			c.w.did(redelivered)
			c.giveBack(seq)
		}
	})
}

func (c *consumer) giveBack(seq uint64) {
	delete(c.pending, seq)
	c.again = append(c.again, seq)
}

// choose is the place of the message that is handed out again next: mostly the
// oldest.
func (c *consumer) choose() int {
	if c.w.dice.one(4) {
		return c.w.dice.IntN(len(c.again))
	}
	return 0
}

// unlist takes the sequence at place i out of the list.
func unlist(all []uint64, i int) []uint64 {
	if i == 0 {
		return all[1:]
	}
	return slices.Delete(all, i, i+1)
}

// handle settles one delivery of a message, once.
type handle struct {
	n       *node
	c       *consumer
	seq     uint64
	settled bool
}

func (h *handle) settle() bool {
	if h.settled || !h.n.alive {
		return false
	}
	h.settled = true
	delete(h.n.inHand, inHand{h.c, h.seq})
	return true
}

func (h *handle) lost() bool { return h.n.mute() || h.n.w.faulty && h.n.w.dice.one(150) }

// Ack is judged when the node sends it, whether it arrives or not.
func (h *handle) Ack() {
	if !h.settle() {
		return
	}
	if !h.n.keeper.acts() { // of one who may not own the shard any more it is not said
		h.n.w.did(lostAck)
		return
	}
	h.n.w.judge.acts(h.n, "acks")
	h.n.w.note(line{what: "ack", seq: h.seq, more: h.c.stream})
	h.n.w.judge.acking(h.c, h.seq)
	if h.lost() {
		h.n.w.did(lostAck)
		return
	}
	h.c.hear(h.n, h.seq)
}

// hear has an ack arrive some milliseconds after the node sent it, or when the
// node goes on, where it was frozen before the ack had left. After a reset the
// server takes it as the ack of the same message, handed out again since.
func (c *consumer) hear(n *node, seq uint64) {
	round, travel := c.round, c.w.dice.between(0, 3*time.Millisecond)
	if c.w.dice.one(50) {
		travel = c.w.dice.between(0, 200*time.Millisecond)
	}
	arrive := func() {
		switch {
		case !c.w.serverUp:
		case c.round == round:
			c.acked(seq)
		case c.pending[seq] != nil:
			c.w.did(lateAcks)
			c.w.note(line{what: "late ack", seq: seq, more: c.stream})
			c.w.judge.ackedLate(c, seq)
			c.w.judge.acking(c, seq)
			c.acked(seq)
		}
	}
	c.w.after(travel, func() {
		if n.frozen && n.alive && c.w.dice.one(2) {
			n.late = append(n.late, arrive)
			return
		}
		arrive()
	})
}

func (h *handle) Nak() {
	if !h.settle() {
		return
	}
	h.n.w.note(line{what: "nak", seq: h.seq, more: h.c.stream})
	if !h.lost() && h.c.pending[h.seq] != nil {
		h.c.giveBack(h.seq)
	}
}

func (h *handle) InProgress() {
	if g := h.c.pending[h.seq]; g != nil && !h.n.mute() && h.n.alive && !h.settled {
		g.until = h.n.w.now + ackWait
	}
}
