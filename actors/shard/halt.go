package shard

import (
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

// canaryFor is how long a canary is waited for before another is sent.
const canaryFor = 5 * time.Second

// uplinkState is how our own line stands.
type uplinkState struct {
	down     bool
	canary   string // the endpoint that tries it
	canaryAt time.Time
}

// away tells whether nothing may be sent.
func (m *Machine) away() bool { return m.uplink.down || m.halted }

// uplinkIs tells the endpoints that our own line went down, or is back.
func (m *Machine) uplinkIs(down bool) {
	if m.uplink.down == down {
		return
	}
	was := m.away()
	m.uplink = uplinkState{down: down}
	if down {
		m.warn("most endpoints cannot be reached at once: our own line is down; deliveries wait, one at a time tries it")
	} else {
		m.do(Effect{Do: Inform, Reason: "endpoints are reached again; deliveries go on"})
	}
	m.tellAway(was)
}

// halt: the shard may not be ours any more. What is in hand stays there.
func (m *Machine) halt() {
	was := m.away()
	m.halted = true
	m.tellAway(was)
	for _, h := range m.allHeld() {
		if h.asked != nil {
			m.giveUp(h)
		}
	}
}

// goOn: it is ours; what was settled meanwhile is acked.
func (m *Machine) goOn() {
	was := m.away()
	m.halted = false
	m.tellAway(was)
	for _, h := range m.unacked {
		m.do(Effect{Do: Ack, Handle: h})
	}
	m.unacked = nil
}

// tellAway tells all endpoints where it changed whether anything may be sent.
func (m *Machine) tellAway(was bool) {
	if was == m.away() {
		return
	}
	word := endpoint.UplinkChange(endpoint.UplinkBack)
	if m.away() {
		word = endpoint.UplinkChange(endpoint.UplinkLost)
	}
	for _, id := range slices.Sorted(maps.Keys(m.active)) {
		m.tell(m.active[id], word)
	}
}

// sendCanary lets one endpoint after the other try the line while it is down.
func (m *Machine) sendCanary(now time.Time) {
	u := &m.uplink
	if !u.down || now.Sub(u.canaryAt) < canaryFor {
		return
	}
	ids := slices.Sorted(maps.Keys(m.active))
	i, found := slices.BinarySearch(ids, u.canary)
	if found {
		i++
	}
	for _, id := range slices.Concat(ids[i:], ids[:i]) {
		if a := m.active[id]; a.inHand > 0 {
			u.canary, u.canaryAt = id, now
			m.tell(a, endpoint.UplinkChange(endpoint.Canary))
			return
		}
	}
}

func (m *Machine) warn(what string) { m.do(Effect{Do: Warn, Reason: what}) }

// drain makes no new leases and hands back what waits.
func (m *Machine) drain() {
	if !m.draining {
		m.draining = true
		m.handBacks = append(m.handBacks, m.blocked...)
		m.blocked = nil
		for _, id := range slices.Sorted(maps.Keys(m.active)) {
			a := m.active[id]
			for a.waiting.Len() > 0 {
				m.handBacks = append(m.handBacks, a.next())
			}
			m.tell(a, endpoint.Drain{})
		}
		for _, h := range m.allHeld() {
			if h.asked != nil {
				m.giveUp(h)
			}
		}
	}
	m.drainAsked = true
}

// giveUp hands a message back that has no lease yet.
func (m *Machine) giveUp(h *message) {
	m.drop(h)
	delete(m.asking, h.seq)
	m.do(Effect{Do: Nak, Handle: h.handle})
}
