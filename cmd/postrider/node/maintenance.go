package node

import (
	"context"
	"time"
)

// purgeEvery is how often settled events past their keep are purged, sweepEvery
// how often payloads that nothing refers to are deleted, and watchEvery how
// often the store is looked at for what only a restart can mend.
const (
	purgeEvery = time.Minute
	sweepEvery = time.Hour
	watchEvery = time.Second
)

// resealPause is between two tries to seal secrets anew.
const resealPause = time.Minute

// firstSweep is how long after the start payloads are swept for the first
// time: not in the rush of it, and before a node that is started often ends.
const firstSweep = 5 * time.Minute

// maintain purges what is settled and old, and has the node leave where the
// store is broken for good.
func (n *Node) maintain() {
	ctx, cancel := context.WithCancel(context.Background())
	n.stopUpkeep = cancel
	n.upkeep.Go(func() { n.sweepPayloads(ctx) })
	n.upkeep.Go(func() { n.room.run(ctx) })
	if n.cfg.MasterKeyPrevious != "" {
		n.upkeep.Go(func() { n.reseal(ctx) })
	}
	n.upkeep.Go(func() {
		purge, watch := time.NewTicker(purgeEvery), time.NewTicker(watchEvery)
		defer purge.Stop()
		defer watch.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-purge.C:
				if err := n.store.Purge(ctx); err != nil && ctx.Err() == nil {
					n.log.Warn("settled events were not purged; trying again in a minute", "error", err)
				}
			case <-watch.C:
				if err := n.store.Broken(); err != nil {
					n.leave(err)
				}
			}
		}
	})
}

// reseal seals with the master key what the one before had sealed, once, and
// says when the latter is needed no more.
func (n *Node) reseal(ctx context.Context) {
	for {
		resealed, err := n.store.Settings.Reseal(ctx, func(int) {})
		switch {
		case err == nil:
			n.log.Info("all secrets are sealed with master_key; master_key_previous may be taken out", "resealed", resealed)
			return
		case ctx.Err() != nil:
			return
		}
		n.log.Warn("not all secrets are sealed with master_key yet; trying again in a minute", "resealed", resealed, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(resealPause):
		}
	}
}

// sweepPayloads has a goroutine of its own: it may read for long.
func (n *Node) sweepPayloads(ctx context.Context) {
	sweep := time.NewTimer(firstSweep)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			if !n.keeper.Acts() {
				sweep.Reset(purgeEvery)
				continue
			}
			if err := n.store.SweepPayloads(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("unused payloads were not deleted; trying again in an hour", "error", err)
			}
			sweep.Reset(sweepEvery)
		}
	}
}
