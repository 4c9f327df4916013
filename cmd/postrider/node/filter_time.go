package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postrider/postrider/transport"
)

// awayNews tells that an endpoint's filter or template is put away: in the log,
// to the metrics, and to its customer as ops.quota.reached. That it is shows in
// the endpoint's state_reason as long as it lasts.
type awayNews struct {
	node *Node
	// told are yet to be written; what does not fit is in the log alone.
	told chan transport.PutAway
}

const (
	// awayQueue bounds what waits to be written.
	awayQueue = 256
	// awaySweep is between two looks at who is put away.
	awaySweep = 10 * time.Second
	awayPause = time.Second
)

func newAwayNews(n *Node) *awayNews {
	return &awayNews{node: n, told: make(chan transport.PutAway, awayQueue)}
}

// tell takes a piece of news; it does not block.
func (a *awayNews) tell(p transport.PutAway) {
	a.node.log.Warn("an endpoint's filter or template costs too much time and is put away; what comes meanwhile is skipped",
		"endpoint", p.Endpoint, "customer", p.Customer, "until", p.Until)
	a.node.metrics.PutAway()
	select {
	case a.told <- p:
	default:
	}
}

// change forgives an endpoint that was edited: its filter may be another.
func (a *awayNews) change(c transport.Change) { a.node.shares.Forgive(c.Customer, c.ID) }

// run writes the news until ctx ends.
func (a *awayNews) run(ctx context.Context) {
	sweep := time.NewTicker(awaySweep)
	defer sweep.Stop()
	for {
		select {
		case p := <-a.told:
			a.write(ctx, &p)
		case <-sweep.C:
			a.node.metrics.EndpointsAway(a.node.shares.Sweep(a.node.now()))
		case <-ctx.Done():
			return
		}
	}
}

// quotaDocument is the data of ops.quota.reached.
type quotaDocument struct {
	Quota    string    `json:"quota"`
	Endpoint string    `json:"endpoint"`
	Name     string    `json:"name"`
	Reason   string    `json:"reason"`
	Until    time.Time `json:"until"`
	Time     time.Time `json:"time"`
}

// write tries until the event is in the log, or ctx ends.
func (a *awayNews) write(ctx context.Context, p *transport.PutAway) {
	d := quotaDocument{Quota: "filter_time", Endpoint: p.Endpoint, Reason: p.Reason(), Until: p.Until.UTC(), Time: p.At.UTC()}
	if ep, there := a.node.registry.Endpoint(p.Endpoint); there {
		d.Name = ep.Name
	}
	data, err := json.Marshal(&d)
	for told := false; err == nil; told = true {
		id := fmt.Sprintf("ops-%s-filter_time-%d", p.Endpoint, p.At.UnixNano())
		failed := a.node.store.SubmitOps(ctx, p.Customer, "quota.reached", id, p.At, data)
		if failed == nil {
			return
		}
		if !told && ctx.Err() == nil {
			a.node.log.Warn("that a quota is reached cannot be told; trying until it can", "endpoint", p.Endpoint, "error", failed)
		}
		select {
		case <-time.After(awayPause):
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
