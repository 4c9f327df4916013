package run

import (
	"context"
	"sync"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// An alert whose type is changed belongs to the runs of its old type until it
// is adopted by those of the new one. That is decided here alone, while no run
// of either is open: so it is known exactly up to where the old ones have
// taken it along, and where the new ones are.

// adopter decides what alerts that change their type have been run for. While mu
// is held nothing of what that depends on moves.
type adopter struct {
	settling
	detections Detections
	records    Records
	cursors    Cursors
	due        *dueSet

	mu   sync.Mutex
	open map[transport.RunKey]bool // runs from before their plan to their end
	tail tail
}

// adoptFree adopts what can be, while no round or batch is at it.
func (d *adopter) adoptFree(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.adoptAll(ctx)
}

// enter marks keys and their families as open, after what can be was adopted.
func (d *adopter) enter(ctx context.Context, due dues) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.adoptAll(ctx); err != nil {
		return err
	}
	for key := range due {
		for _, one := range family(key) {
			d.open[one] = true
		}
	}
	return nil
}

// leave ends what enter began.
func (d *adopter) leave(due dues) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range due {
		for _, one := range family(key) {
			delete(d.open, one)
		}
	}
}

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

// adoptAll adopts all alerts that can be; mu is held.
func (d *adopter) adoptAll(ctx context.Context) error {
	for _, a := range d.alerts.moving() {
		if d.mustWait(a) {
			continue
		}
		from, to, busy, err := d.covered(ctx, a)
		if err != nil {
			return err
		}
		if busy {
			continue
		}
		position, catchUp := adopt(a, from, to)
		revision, err := d.store.SettleAlert(ctx, a.Customer, a.ID, a.Revision, position, catchUp, "")
		if isConflict(err) {
			continue // it was changed again, and is seen again
		}
		if err != nil {
			return err
		}
		if err := d.store.WaitAlerts(ctx, revision); err != nil {
			return err
		}
		if catchUp > 0 && a.AlertType == matching.AlertLive {
			d.due.add(transport.RunKey{Customer: a.Customer, Type: transport.RunCatchUp})
		}
	}
	return nil
}

// mustWait tells whether a run of one of the alert's two types is open, or it
// still has to catch up with live runs.
func (d *adopter) mustWait(a *Alert) bool {
	if a.MovedFrom == matching.AlertLive && a.CatchUp > 0 {
		return true
	}
	for _, t := range [...]string{a.MovedFrom, a.AlertType} {
		key := transport.RunKey{Customer: a.Customer, Type: t}
		for _, one := range append(rivals(key), key) {
			if d.open[one] {
				return true
			}
		}
		if t == matching.AlertLive && d.open[transport.RunKey{Customer: a.Customer, Type: transport.RunCatchUp}] {
			return true
		}
	}
	return false
}

// covered gives the sequences up to which runs of an alert's old and its new
// type have come; busy tells that one of them broke off and is still open.
// mu is held.
func (d *adopter) covered(ctx context.Context, a *Alert) (from, to uint64, busy bool, err error) {
	keys := []transport.RunKey{{Customer: a.Customer, Type: a.MovedFrom}, {Customer: a.Customer, Type: a.AlertType},
		{Customer: a.Customer, Type: transport.RunCatchUp}, {Customer: a.Customer, Type: transport.RunSummary}}
	last, err := d.detections.LastDetection(ctx)
	if err != nil {
		return 0, 0, false, err
	}
	records, err := d.records.LoadRuns(ctx, keys)
	if err != nil {
		return 0, 0, false, err
	}
	for _, run := range records {
		busy = busy || isOpen(run)
	}
	cursors, err := d.cursors.Read(ctx, []string{keys[0].String(), keys[1].String(), liveCursor})
	if err != nil {
		return 0, 0, false, err
	}
	of := func(i int) uint64 {
		switch {
		case keys[i].Type != matching.AlertLive:
			return covered(keys[i].Type, cursors[i], last, records...)
		case d.tail.follows:
			return d.tail.covered(a.Customer)
		}
		return covered(keys[i].Type, max(cursors[i], cursors[2]), last, records...)
	}
	return of(0), of(1), busy, nil
}
