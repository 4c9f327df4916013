package shard

import (
	"maps"
	"slices"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// changed takes a change of the registry in.
func (m *Machine) changed(in *Input) {
	c := in.Change
	_, known := m.routes.byID[c.ID]
	m.routes.apply(*c)
	m.unblock = true // one that is removed, or ordered no longer, waits for no earlier event
	a := m.active[c.ID]
	if a == nil {
		m.changeIdle(c, known)
		m.do(Effect{Do: InEffect, Message: in.InEffect})
		return
	}
	if endpoint.IsClosed(c.Endpoint) && m.parked.of(c.ID).Entries > 0 {
		m.recallAll(c.ID)
	}
	if c.Endpoint == nil {
		m.tell(a, endpoint.Close{Reason: transport.ReasonEndpointRemoved, InEffect: in.InEffect})
		return
	}
	m.tell(a, endpoint.Change{Endpoint: c.Endpoint, InEffect: in.InEffect})
	if c.Endpoint.Delivery.Ordered {
		m.handAll(a)
	}
}

// changeIdle: of an endpoint without an actor only what is parked matters. It
// is given up where the endpoint is closed, and looked after where it is not.
func (m *Machine) changeIdle(c *transport.Change, known bool) {
	p := m.parked.of(c.ID)
	switch {
	case p.Entries == 0:
	case endpoint.IsClosed(c.Endpoint):
		m.recallAll(c.ID)
	case p.Ready > 0 && !m.draining && known:
		m.open(c.Endpoint)
	}
}

// allKnown has what is parked for an endpoint that there is not brought back, to
// be given up.
func (m *Machine) allKnown() {
	for _, id := range slices.Sorted(maps.Keys(m.parked)) {
		if m.routes.byID[id] == nil && m.parked.of(id).Entries > 0 {
			m.recallAll(id)
		}
	}
}
