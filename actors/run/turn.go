package run

import "github.com/postrider/postrider/transport"

// turn is a key's part in a round.
type turn struct {
	situation
	// triggers made the key due and are not settled; waiting are those that the
	// run in hand does not answer, as it was open before they came.
	triggers, waiting []Trigger
	told              []Trigger // of the run in hand
	job               *job      // nil where there is none yet, or nothing to run
	idle              bool      // there is nothing to run
}

// take sorts triggers by what has answered them: those that a run has, one that
// was ended or is open, hear of it.
func (t *turn) take(triggers []Trigger) {
	for _, one := range triggers {
		id := one.ID()
		switch by := t.answers(id); {
		case isOpen(by):
			t.told = append(t.told, one)
		case by != nil:
			one.Tell(by)
			one.Settle()
		case isOpen(t.record):
			t.waiting = append(t.waiting, one)
		default:
			if t.triggers = append(t.triggers, one); id.After(t.trigger) {
				t.trigger = id
			}
		}
	}
}

// answers gives the run that answers a trigger, nil where none does: the key's
// own last one, or one that covers what it covers.
func (t *turn) answers(id transport.RunTrigger) *transport.Run {
	if t.record != nil && !id.After(t.record.Trigger) {
		return t.record
	}
	for _, run := range t.ended {
		if run != nil && run.Type == transport.RunSummary && run.State == transport.RunDone && !id.After(run.Trigger) {
			return run
		}
	}
	return nil
}

// tell tells those who triggered the run, nil where there is nothing to run,
// and settles what they are settled by.
func (t *turn) tell(run *transport.Run) {
	t.told = append(t.told, t.triggers...)
	t.triggers = nil
	for _, one := range t.told {
		one.Tell(run)
		one.Settle()
	}
}
