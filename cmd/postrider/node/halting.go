package node

import "sync"

// halting has the shard halt and go on as its lease says: what it would send
// meanwhile waits with its endpoint, so that it goes at the pace, and with the
// settings, of when it may go; what it would ack is acked then.
type halting struct {
	mu     sync.Mutex
	shard  halter // nil: it is not there yet
	halted bool
}

// halter is a shard, as far as its lease has to do with it.
type halter interface {
	Halt()
	GoOn()
}

// follow begins with a shard as the lease stands.
func (h *halting) follow(s halter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shard = s; h.halted {
		s.Halt()
	}
}

// turn takes in that the lease halts, or lets go on.
func (h *halting) turn(halted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.halted = halted
	switch {
	case h.shard == nil:
	case halted:
		h.shard.Halt()
	default:
		h.shard.GoOn()
	}
}
