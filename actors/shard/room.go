package shard

// room counts what is in hand of a window, in leases and bytes. How many leases
// an event makes is known only when the shard takes it: so its fan-out may
// overshoot.
type room struct {
	leases, bytes       int
	maxLeases, maxBytes int
}

func (r *room) take(leases, bytes int) {
	r.leases += leases
	r.bytes += bytes
}

func (r *room) give(leases, bytes int) { r.take(-leases, -bytes) }

// fill is how full it is, of 1.
func (r *room) fill() float64 {
	return max(float64(r.leases)/float64(r.maxLeases), float64(r.bytes)/float64(r.maxBytes))
}

// roomFor is the room of events, or of what is due.
func (m *Machine) roomFor(due bool) *room {
	if due {
		return &m.back
	}
	return &m.fresh
}

func (m *Machine) messages(due bool) map[uint64]*message {
	if due {
		return m.dues
	}
	return m.events
}
