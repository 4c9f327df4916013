package node

import (
	"context"
	"sync"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/telemetry"
)

// parking fits the parker to the actors, and counts what is parked.
type parking struct {
	*deferred.Parker
	metrics *telemetry.Telemetry
	ctx     context.Context
	lists   sync.WaitGroup
}

// Park counts an entry and parks it.
func (p *parking) Park(customer, id string, e transport.Entry, w transport.Waiter) {
	p.metrics.Deferred(1)
	p.Parker.Park(customer, id, e, w)
}

// List tells what is parked for an ordered endpoint, unless the node stops first.
func (p *parking) List(id string, got func([]endpoint.ParkedPair)) {
	p.lists.Go(func() {
		pairs, err := p.Parker.List(p.ctx, id)
		if err != nil {
			return // the node stops
		}
		waiting := make([]endpoint.ParkedPair, len(pairs))
		for i, p := range pairs {
			waiting[i] = endpoint.ParkedPair{Place: p.Place, Due: p.Due, Hop: p.Hop}
		}
		got(waiting)
	})
}
