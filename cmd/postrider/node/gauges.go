package node

import (
	"cmp"
	"context"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/telemetry"
)

// watch lets the metrics ask the node at each scrape.
func (n *Node) watch(ends map[string]func() time.Time) {
	if n.cfg.NATS.URL.Reveal() == "" && n.cfg.NATS.Listen != "" {
		n.metrics.WatchConnections(telemetry.ListenerNATS, n.store.Producers)
	}
	n.metrics.Watch(telemetry.Sources{
		Waiting:       func() int { st := n.shard.Stats(); return st.InHand + st.Waiting + st.Parked },
		OldestWaiting: func() time.Duration { return n.shard.Stats().Oldest },
		Actors:        func() int { return n.shard.Stats().Actors },
		WindowEvents:  func() int { return n.shard.Stats().Held },
		WindowBytes:   func() int64 { return int64(n.shard.Stats().WindowBytes) },
		Endpoints:     n.endpointStates,
		Breakers:      n.breakerStates,
		Streams:       func() []telemetry.StreamFill { return n.fill.now(n).streams },
		Room:          n.room.gauge,
		LogLag:        func() telemetry.LogLag { return n.fill.now(n).lag },
		NATS:          func() bool { return n.store.Ready() == nil },
		Redis:         n.redisReachable(),
		Draining:      n.isDraining,
		Certificates:  ends,
	})
}

// redisReachable is nil where there is no Redis.
func (n *Node) redisReachable() func() bool {
	if n.redis == nil {
		return nil
	}
	return func() bool { return n.stage.Ready() == nil }
}

func (n *Node) endpointStates() map[string]int {
	states := map[string]int{}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	standings := n.shard.Standings(ctx)
	for _, ep := range n.registry.Endpoints("") {
		state := ep.Shown()
		if state == transport.StateActive && standings[ep.ID].State == transport.StateFailing {
			state = transport.StateFailing
		}
		states[state]++
	}
	return states
}

// breakerStates counts an endpoint that has nothing to do as closed.
func (n *Node) breakerStates() map[string]int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	standings := n.shard.Standings(ctx)
	states := map[string]int{}
	for _, ep := range n.registry.Endpoints("") {
		states[cmp.Or(standings[ep.ID].Breaker, "closed")]++
	}
	return states
}

// lacks names what the node waits for; empty when it is ready.
func (n *Node) lacks() []api.Lack {
	var lacks []api.Lack
	if n.isDraining() {
		lacks = append(lacks, api.Lack{Part: "node", Detail: "it is drained, and makes no new leases until it is started again"})
	}
	if err := n.store.Ready(); err != nil {
		lacks = append(lacks, api.Lack{Part: "nats", Detail: err.Error()})
	}
	if !n.keeper.Acts() {
		lacks = append(lacks, api.Lack{Part: "shard", Detail: "another node may own it by now: its journal takes no writes of this one"})
	}
	if err := n.stage.Ready(); err != nil {
		lacks = append(lacks, api.Lack{Part: "redis", Detail: err.Error(), Bearable: true})
	}
	if err := n.runs.Ready(); err != nil {
		lacks = append(lacks, api.Lack{Part: "runs", Detail: err.Error(), Bearable: true})
	}
	return append(lacks, n.room.lacks()...)
}

// egress lists the addresses that deliveries leave from, where they are set.
func (n *Node) egress() []string {
	list := []string{}
	for _, a := range n.cfg.Egress.SourceIPs {
		list = append(list, a.String())
	}
	return list
}

// routedTo is the highest sequence up to which all events of the log have
// reached the shard.
func (n *Node) routedTo() uint64 {
	handedOn := n.consumers.Routed()
	if n.stage.Within() == 0 {
		return handedOn
	}
	return n.shard.Routed()
}

func (n *Node) info() api.Info {
	i := n.standbyInfo()
	if i.StartedAt, i.Ledger = n.startedAt, "jetstream"; n.redis != nil {
		i.Ledger = "redis"
	}
	return i
}

// standbyInfo is what a node tells that does not own the shard yet.
func (n *Node) standbyInfo() api.Info {
	i := n.store.Info()
	role := api.NodeStandby
	owns, owner := n.shardOwner()
	if owns {
		role, owner.At = api.NodeOwner, n.keeper.Standing().Since
	}
	return api.Info{
		StartedAt: n.madeAt, Shards: 1, Node: n.id, Role: role,
		Owner: &api.InfoOwner{Node: owner.Node, Epoch: owner.Epoch, Since: owner.At},
		NATS:  api.InfoNATS{Embedded: i.Embedded, Listen: i.URL, Sync: i.Sync},
	}
}
