package node

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/transport/replay"
)

// openReplays goes on with the replays that were under way, and reads what the
// API must know before it answers: revoked tokens, answers given before, and who
// changed what.
// Floor is the last event of the log that was settled when the node started.
func (n *Node) openReplays(ctx context.Context, floor uint64) (err error) {
	if n.revoked, err = n.store.Settings.Revoked(ctx); err != nil {
		return err
	}
	if n.answers, err = n.store.Settings.Answers(ctx); err != nil {
		return err
	}
	if n.changeLog, err = n.store.Settings.ChangeLog(ctx); err != nil {
		return err
	}
	records, err := n.store.Replays(ctx)
	if err != nil {
		return err
	}
	n.replays, err = replay.Open(ctx, replay.Options{
		Records: records, Deliveries: n.deliveries, Events: n.store.History(), Parker: n.parker, Registry: receivers{n.registry, n.mailboxes},
		Routed: func() uint64 { return max(floor, n.routedTo()) }, Rate: float64(n.cfg.Replays.Rate), Now: n.now, Logger: n.log,
	})
	if err != nil {
		return fmt.Errorf("go on with replays: %w", err)
	}
	return nil
}
