package run

import (
	"context"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// An alert whose type is changed belongs to the runs of its old type until it
// is adopted by those of the new one. That is decided here alone, while no run
// of either is open: so it is known exactly up to where the old ones have
// taken it along, and where the new ones are.

// adopt gives where an alert goes on: from and to are the sequences up to which
// runs of its old and its new type have come. What lies between position and
// catchUp has been read by the new type's runs without it.
func adopt(a *Alert, from, to uint64) (position, catchUp uint64) {
	position = a.Position
	if a.CatchUp == 0 { // else the old type's runs have not taken it along yet
		position = max(position, from)
	}
	if to > position {
		catchUp = to
	}
	return position, catchUp
}

// adoptAll adopts all alerts that can be; moving is held.
func (r *Runner) adoptAll(ctx context.Context) error {
	for _, a := range r.alerts.moving() {
		if r.mustWait(a) {
			continue
		}
		from, err := r.coveredBy(ctx, transport.RunKey{Customer: a.Customer, Type: a.MovedFrom})
		if err != nil {
			return err
		}
		to, err := r.coveredBy(ctx, transport.RunKey{Customer: a.Customer, Type: a.AlertType})
		if err != nil {
			return err
		}
		position, catchUp := adopt(a, from, to)
		revision, err := r.o.Alerts.SettleAlert(ctx, a.Customer, a.ID, a.Revision, position, catchUp, "")
		if isConflict(err) {
			continue // it was changed again, and is seen again
		}
		if err != nil {
			return err
		}
		if err := r.o.Alerts.WaitAlerts(ctx, revision); err != nil {
			return err
		}
		if catchUp > 0 && a.AlertType == matching.AlertLive {
			r.due.add(transport.RunKey{Customer: a.Customer, Type: transport.RunCatchUp}, nil)
		}
	}
	return nil
}

// mustWait tells whether a run of one of the alert's two types is open, or it
// still has to catch up with live runs.
func (r *Runner) mustWait(a *Alert) bool {
	if a.MovedFrom == matching.AlertLive && a.CatchUp > 0 {
		return true
	}
	for _, t := range [...]string{a.MovedFrom, a.AlertType} {
		if r.open[transport.RunKey{Customer: a.Customer, Type: t}] {
			return true
		}
		if t == matching.AlertLive && r.open[transport.RunKey{Customer: a.Customer, Type: transport.RunCatchUp}] {
			return true
		}
	}
	return false
}

// coveredBy is the sequence up to which a key's runs have come; moving is held.
func (r *Runner) coveredBy(ctx context.Context, key transport.RunKey) (uint64, error) {
	if key.Type == matching.AlertLive && r.tail.follows {
		return r.tail.covered(key.Customer), nil
	}
	last, err := r.o.Detections.LastDetection(ctx)
	if err != nil {
		return 0, err
	}
	records, err := r.o.Records.LoadRuns(ctx, []transport.RunKey{key})
	if err != nil {
		return 0, err
	}
	cursors, err := r.o.Cursors.Read(ctx, []string{key.String(), liveCursor})
	if err != nil {
		return 0, err
	}
	cursor := cursors[0]
	if key.Type == matching.AlertLive {
		cursor = max(cursor, cursors[1])
	}
	return covered(cursor, records[0], last), nil
}

// caughtUp notes what alerts have caught up by a run.
func (r *Runner) caughtUp(ctx context.Context, run *transport.Run) error {
	for {
		again := false
		for _, a := range r.alerts.catchingUp(run.Key()) {
			position, catchUp := max(a.Position, min(run.Through, a.CatchUp)), a.CatchUp
			if position == a.CatchUp {
				catchUp = 0
			}
			if position == a.Position && catchUp == a.CatchUp {
				continue
			}
			revision, err := r.o.Alerts.SettleAlert(ctx, a.Customer, a.ID, a.Revision, position, catchUp, a.MovedFrom)
			if again = again || isConflict(err); isConflict(err) {
				revision, err = r.o.Alerts.Revision(ctx)
			}
			if err != nil {
				return err
			}
			if err := r.o.Alerts.WaitAlerts(ctx, revision); err != nil {
				return err
			}
		}
		if !again {
			return nil
		}
	}
}
