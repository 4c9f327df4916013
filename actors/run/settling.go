package run

import (
	"context"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// settling notes at the alerts themselves how far runs have come for them.
type settling struct {
	alerts *alerts
	store  Alerts
}

// caughtUp notes what alerts have caught up by a run.
func (s settling) caughtUp(ctx context.Context, run *transport.Run) error {
	if run.Type == matching.AlertLive {
		return nil // what live alerts have missed is for a run of its own
	}
	for _, part := range run.Ranges() {
		if err := s.caughtUpBy(ctx, transport.RunKey{Customer: run.Customer, Type: part.Type}, run.Through); err != nil {
			return err
		}
	}
	return nil
}

// caughtUpBy notes what alerts of a key have caught up by a run that read up to
// through.
func (s settling) caughtUpBy(ctx context.Context, key transport.RunKey, through uint64) error {
	for again := true; again; {
		again = false
		for _, a := range s.alerts.catchingUp(key) {
			position, catchUp := max(a.Position, min(through, a.CatchUp)), a.CatchUp
			if position == a.CatchUp {
				catchUp = 0
			}
			if position == a.Position && catchUp == a.CatchUp {
				continue
			}
			revision, err := s.store.SettleAlert(ctx, a.Customer, a.ID, a.Revision, position, catchUp, a.MovedFrom)
			if again = again || isConflict(err); isConflict(err) {
				revision, err = s.store.Revision(ctx)
			}
			if err != nil {
				return err
			}
			if err := s.store.WaitAlerts(ctx, revision); err != nil {
				return err
			}
		}
	}
	return nil
}
