package bench

import (
	"context"
	"fmt"
	"time"
)

// PeerResult is what another sender did at full load, with the same producers
// and receiver, in the same run.
type PeerResult struct {
	PerSecond   float64 `json:"deliveries_per_s"`
	SenderCPU   float64 `json:"sender_cpu_us"` // a delivery, as of the node
	Connections int     `json:"connections"`
	RSSMiB      float64 `json:"rss_mib"`
	OtherCores  float64 `json:"other_cores"`
	Owed        uint64  `json:"owed"`
	Received    uint64  `json:"received"`
}

// peer measures the afternoon's Go under the same full load as the node.
func (o Options) peer(ctx context.Context, of *run) (*PeerResult, error) {
	r := &run{o: o, c: of.c, sink: of.sink, result: &DeliveryResult{Case: of.c}}
	start := func(ctx context.Context, dir string) (delivering, error) {
		peer, err := o.Peer(ctx, NodeOptions{DataDir: dir, Synced: r.c.Synced, CAFile: r.sink.authority.ca()})
		if err != nil {
			return nil, err
		}
		r.useProducers(peer)
		return peer, nil
	}
	memory := sampler(time.Second/4, r.memory)
	var measured rate
	err := r.with(ctx, start, func(ctx context.Context) (err error) {
		measured, err = r.full(ctx, o.Seconds/4, o.Seconds)
		return err
	})
	most := peak(memory.stop())
	if err != nil {
		return nil, fmt.Errorf("the afternoon's Go: %w", err)
	}
	return &PeerResult{PerSecond: measured.perSecond(), SenderCPU: measured.each(measured.sender), Connections: r.result.Connections,
		RSSMiB: most, OtherCores: measured.others(), Owed: r.result.Owed, Received: r.result.Received}, nil
}
