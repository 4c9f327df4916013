package node

import (
	"context"
	"errors"
	"time"
)

// Stop makes no new leases, lets attempts under way finish until ctx ends,
// hands the rest back, and closes everything. Stopping again gives the same.
func (n *Node) Stop(ctx context.Context) error {
	n.stopping.Do(func() { n.stopped = n.close(ctx) })
	return n.stopped
}

// closingTime is for what must be closed after the patience for attempts ended.
const closingTime = 5 * time.Second

// deposedTime is the same where another node owns the shard: what is not written
// will not be.
const deposedTime = 500 * time.Millisecond

func (n *Node) close(ctx context.Context) error {
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	if n.stopUpkeep != nil {
		n.stopUpkeep()
		n.upkeep.Wait()
	}
	if n.replays != nil {
		n.replays.Close()
	}
	n.runs.end()
	n.drain(ctx)
	closing := closingTime
	if n.deposed() {
		closing = deposedTime
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if n.shard != nil && ctx.Err() != nil {
		_ = n.shard.Drain(after) // what was broken off is handed back
	}
	if n.stage != nil {
		keep(n.stage.Close(after))
	}
	if n.parking != nil {
		n.background.Wait()
		n.parking.lists.Wait()
	}
	for _, c := range []interface{ Close(context.Context) error }{n.parker, n.graveyard, n.journal, n.memories} {
		if n.graveyard != nil {
			keep(c.Close(after))
		}
	}
	if n.keeper != nil {
		keep(n.keeper.Leave(after)) // nothing is written any more
		n.owning.Wait()
	}
	if n.shard != nil {
		keep(n.shard.Stop(after))
	}
	if n.redis != nil {
		keep(n.redis.Close())
	}
	if n.sender != nil {
		n.sender.Close()
	}
	if n.mail != nil {
		n.mail.Close()
	}
	n.tracer.Close(after)
	n.closeDeliveries()
	if n.store != nil {
		keep(n.store.Close(after))
	}
	return errors.Join(errs...)
}

// drain hands back, and breaks off what is under way at the end of ctx.
func (n *Node) drain(ctx context.Context) {
	if n.shard == nil {
		return
	}
	if err := n.handBack(ctx); err != nil {
		n.log.Warn("attempts in flight are broken off and will be made again", "error", err)
	}
	n.abort()
	n.drainer.end()
}
