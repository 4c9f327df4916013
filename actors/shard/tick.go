package shard

import (
	"maps"
	"slices"
	"time"
)

const (
	tickEvery = 100 * time.Millisecond
	// sweepEvery counts ticks.
	sweepEvery = 10
	// progressEvery keeps held messages from being given to anyone again.
	progressEvery = 10 * time.Second
)

// Stats is what a shard looked like at its last sweep.
type Stats struct {
	Actors, Endpoints int
	// Held messages, leases in hand of endpoints, waiting for credit, and
	// entries parked in DEFERRED.
	Held, InHand, Waiting, Parked int
	WindowBytes                   int
	// Oldest is how long the oldest held message has been in hand.
	Oldest time.Duration
}

// tick looks after room and line, and sweeps now and then.
func (m *Machine) tick(now time.Time, in *Input) {
	if in.EventWaits || in.Away || m.halted {
		m.arrivals.wait(now)
	}
	if !m.halted {
		m.relieve(now, false, in.EventWaits, in.Took)
		m.relieve(now, true, in.SegmentWaits, in.Took)
		m.sendCanary(now)
	}
	if m.ticks++; m.ticks%sweepEvery == 0 {
		m.sweep(now)
	}
}

// sweep asks for more time for what is held long, ends idle actors, and takes
// the figures.
func (m *Machine) sweep(now time.Time) {
	st := &Stats{Actors: len(m.active), Endpoints: len(m.routes.byID), Held: len(m.events) + len(m.dues), WindowBytes: m.fresh.bytes}
	st.Oldest = m.touch(now)
	for _, id := range slices.Sorted(maps.Keys(m.active)) {
		a := m.active[id]
		st.InHand += a.inHand
		st.Waiting += a.waiting.Len()
		a.shedding = a.shedding && a.inHand > credit/2
		if a.inHand == 0 && now.Sub(a.idle) >= m.idle && !m.keepsOrder(id) {
			delete(m.active, id)
			m.do(Effect{Do: End, To: a})
		}
	}
	for _, p := range m.parked {
		st.Parked += max(0, p.Entries)
	}
	st.Waiting += len(m.blocked)
	if asked := m.arrivals.seek(now); len(asked) > 0 {
		m.do(Effect{Do: Seek, Message: asked})
	}
	m.do(Effect{Do: Figures, Message: st})
}

// sought takes in which of the events that were asked about the log has.
func (m *Machine) sought(now time.Time, in *Input) {
	if m.arrivals.sought(now, in.Asked, in.There) {
		m.warn("events of the log did not come, or were deleted; ordered endpoints go on without them")
		m.unblock = true
	}
}

// touch asks for more time for what is held long, and tells since when the oldest
// is held.
func (m *Machine) touch(now time.Time) (oldest time.Duration) {
	var long []*message
	for _, due := range []bool{false, true} {
		for _, h := range m.messages(due) {
			oldest = max(oldest, now.Sub(h.since))
			if now.Sub(h.touched) >= progressEvery && !m.halted {
				long = append(long, h)
			}
		}
	}
	slices.SortFunc(long, byAge)
	for _, h := range long {
		h.touched = now
		m.do(Effect{Do: InProgress, Handle: h.handle})
	}
	return oldest
}

// keepsOrder: an ordered endpoint's actor knows what is parked, and lives on
// as long as anything is.
func (m *Machine) keepsOrder(id string) bool {
	ep := m.routes.byID[id]
	return ep != nil && ep.Delivery.Ordered && m.parked.of(id).Entries > 0
}
