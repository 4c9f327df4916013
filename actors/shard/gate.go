package shard

import "sync"

// gate lets messages in as far as the machine has room for them: acquire waits,
// so that a full window stops the pulling. A few may be between the two: let in,
// and not yet stepped.
type gate struct {
	mu      sync.Mutex
	open    *sync.Cond
	closed  bool
	halted  bool
	coming  int  // let in, not yet stepped
	first   room // what they take
	inHand  room // by the machine's word
	waiters int
	refused bool // since waits was asked
}

// maxComing is how many messages may be let in and not yet stepped.
const maxComing = 64

func newGate(r room) *gate {
	g := &gate{inHand: r}
	g.open = sync.NewCond(&g.mu)
	return g
}

// acquire takes room for leases of bytes, waiting until something of the window
// is free; false when the gate was closed. What is larger than the whole window
// goes in when the window is empty.
func (g *gate) acquire(leases, bytes int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.closed && g.full(bytes) {
		g.waiters++
		g.open.Wait()
		g.waiters--
	}
	if g.closed {
		return false
	}
	g.coming++
	g.first.take(leases, bytes)
	return true
}

// full tells whether so many bytes more must wait; the lock is held.
func (g *gate) full(bytes int) bool {
	leases, used := g.first.leases+g.inHand.leases, g.first.bytes+g.inHand.bytes
	return g.halted || g.coming >= maxComing || leases >= g.inHand.maxLeases || leases > 0 && used+bytes > g.inHand.maxBytes
}

// takes tells whether acquire would not wait.
func (g *gate) takes(bytes int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	takes := g.closed || !g.full(bytes)
	g.refused = g.refused || !takes
	return takes
}

// waits tells whether something waits for room.
func (g *gate) waits() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	waits := g.waiters > 0 || g.refused
	g.refused = false
	return waits
}

// stepped says that n messages more of what was let in, which took so much, were
// stepped, and what the machine has in hand now.
func (g *gate) stepped(n int, took, inHand room) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n == 0 && g.inHand == inHand {
		return
	}
	g.coming -= n
	g.first.give(took.leases, took.bytes)
	g.inHand = inHand
	if g.waiters > 0 {
		g.open.Broadcast()
	}
}

// halt lets nothing in until it is told otherwise.
func (g *gate) halt(halted bool) {
	g.mu.Lock()
	g.halted = halted
	g.mu.Unlock()
	g.open.Broadcast()
}

// close turns everyone away who waits or comes.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.open.Broadcast()
}

// used is what was let in and is not given back.
func (g *gate) used() (leases, bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.first.leases + g.inHand.leases, g.first.bytes + g.inHand.bytes
}
