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
		from, to, busy, err := r.covered(ctx, a)
		if err != nil {
			return err
		}
		if busy {
			continue
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
			r.due.add(transport.RunKey{Customer: a.Customer, Type: transport.RunCatchUp})
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
		key := transport.RunKey{Customer: a.Customer, Type: t}
		for _, one := range append(rivals(key), key) {
			if r.open[one] {
				return true
			}
		}
		if t == matching.AlertLive && r.open[transport.RunKey{Customer: a.Customer, Type: transport.RunCatchUp}] {
			return true
		}
	}
	return false
}

// covered gives the sequences up to which runs of an alert's old and its new
// type have come; busy tells that one of them broke off and is still open.
// moving is held.
func (r *Runner) covered(ctx context.Context, a *Alert) (from, to uint64, busy bool, err error) {
	keys := []transport.RunKey{{Customer: a.Customer, Type: a.MovedFrom}, {Customer: a.Customer, Type: a.AlertType},
		{Customer: a.Customer, Type: transport.RunCatchUp}, {Customer: a.Customer, Type: transport.RunSummary}}
	last, err := r.o.Detections.LastDetection(ctx)
	if err != nil {
		return 0, 0, false, err
	}
	records, err := r.o.Records.LoadRuns(ctx, keys)
	if err != nil {
		return 0, 0, false, err
	}
	for _, run := range records {
		busy = busy || isOpen(run)
	}
	cursors, err := r.o.Cursors.Read(ctx, []string{keys[0].String(), keys[1].String(), liveCursor})
	if err != nil {
		return 0, 0, false, err
	}
	of := func(i int) uint64 {
		switch {
		case keys[i].Type != matching.AlertLive:
			return covered(keys[i].Type, cursors[i], last, records...)
		case r.tail.follows:
			return r.tail.covered(a.Customer)
		}
		return covered(keys[i].Type, max(cursors[i], cursors[2]), last, records...)
	}
	return of(0), of(1), busy, nil
}

// caughtUp notes what alerts have caught up by a run.
func (r *Runner) caughtUp(ctx context.Context, run *transport.Run) error {
	if run.Type == matching.AlertLive {
		return nil // what live alerts have missed is for a run of its own
	}
	for _, part := range run.Ranges() {
		if err := r.caughtUpBy(ctx, transport.RunKey{Customer: run.Customer, Type: part.Type}, run.Through); err != nil {
			return err
		}
	}
	return nil
}

// caughtUpBy notes what alerts of a key have caught up by a run that read up to
// through.
func (r *Runner) caughtUpBy(ctx context.Context, key transport.RunKey, through uint64) error {
	for again := true; again; {
		again = false
		for _, a := range r.alerts.catchingUp(key) {
			position, catchUp := max(a.Position, min(through, a.CatchUp)), a.CatchUp
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
	}
	return nil
}
