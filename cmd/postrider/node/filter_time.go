package node

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/transport"
)

// awaySweep is between two looks at who is put away.
const awaySweep = 10 * time.Second

// filtersPutAway tells that an endpoint's filter or template is put away: in the
// log, to the metrics, and to its customer as ops.quota.reached. That it is shows
// in the endpoint's state_reason as long as it lasts.
func (n *Node) filtersPutAway(p transport.PutAway) {
	n.log.Warn("an endpoint's filter or template costs too much time and is put away; what comes meanwhile is skipped",
		"endpoint", p.Endpoint, "customer", p.Customer, "until", p.Until)
	n.metrics.PutAway()
	d := quotaDocument{Quota: transport.QuotaFilters, Endpoint: p.Endpoint, Reason: p.Reason(), Until: p.Until.UTC(), Time: p.At.UTC()}
	if ep, there := n.registry.Endpoint(p.Endpoint); there {
		d.Name = ep.Name
	}
	n.quotaNews.put(quotaNews{customer: p.Customer, what: "quota.reached",
		id: fmt.Sprintf("ops-%s-filter_time-%d", p.Endpoint, p.At.UnixNano()), at: p.At, document: d})
}

// forgiveFilters: an endpoint that was edited may have another filter.
func (n *Node) forgiveFilters(c transport.Change) { n.shares.Forgive(c.Customer, c.ID) }

// sweepFilters counts the endpoints that are put away until ctx ends.
func (n *Node) sweepFilters(ctx context.Context) {
	sweep := time.NewTicker(awaySweep)
	defer sweep.Stop()
	for {
		select {
		case <-sweep.C:
			n.metrics.EndpointsAway(n.shares.Sweep(n.now()))
		case <-ctx.Done():
			return
		}
	}
}

// standing is how an endpoint stands, with whether its expressions are put away.
func (n *Node) standing(ctx context.Context, id string) (transport.Standing, bool) {
	st, known := n.shard.Standing(ctx, id)
	ep, there := n.registry.Endpoint(id)
	if !there {
		return st, known
	}
	if away, is := n.shares.Away(n.now(), ep.Customer, id); is {
		if !known {
			st = transport.Standing{State: transport.StateActive, Breaker: "closed"}
		}
		st.Away, known = away.Reason(), true
	}
	return st, known
}

func (n *Node) standings(ctx context.Context) map[string]transport.Standing {
	all := n.shard.Standings(ctx)
	for _, away := range n.shares.AllAway(n.now()) {
		st, known := all[away.Endpoint]
		if !known {
			st = transport.Standing{State: transport.StateActive, Breaker: "closed"}
		}
		st.Away = away.Reason()
		if all != nil {
			all[away.Endpoint] = st
		}
	}
	return all
}
