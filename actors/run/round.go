package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

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

// round carries out what is due. What fails is due again after a pause, what
// was too much for one run, and what had to wait for another, at once.
func (r *Runner) round(ctx context.Context, due dues) {
	turns, later, err := r.openRuns(ctx, due)
	defer r.close(due)
	if err == nil {
		err = r.sweep(ctx, r.o.Detections.ReadDetections, jobsOf(turns))
	}
	if err != nil {
		r.trouble("runs", err)
		if turns == nil { // nothing is known of any
			for key, t := range due {
				turns = append(turns, &turn{situation: situation{key: key}, triggers: t})
			}
		}
		for _, t := range turns {
			r.again(ctx, t, err)
		}
		r.postpone(later, true)
		return
	}
	errs := r.each(len(turns), func(i int) error {
		if turns[i].job == nil {
			return nil
		}
		return r.conclude(ctx, turns[i].job)
	})
	var fault error
	for i, t := range turns {
		if errs[i] != nil {
			fault = errs[i]
			r.again(ctx, t, errs[i])
			continue
		}
		r.ended(t)
	}
	r.trouble("runs", fault)
	r.postpone(later, fault != nil)
}

// ended tells of a run that is done, and has the key's next one made where one
// is due.
func (r *Runner) ended(t *turn) {
	if t.job == nil {
		return
	}
	for _, one := range t.told {
		one.Tell(&t.job.run)
	}
	if t.job.run.Rest || len(t.waiting) > 0 {
		r.due.add(t.key, t.waiting...)
	}
}

// postpone makes keys due that had to wait for others; where these failed, with
// a pause.
func (r *Runner) postpone(later dues, failed bool) {
	for key, t := range later {
		if !failed {
			r.due.add(key, t...)
			continue
		}
		time.AfterFunc(r.pause(0), func() { r.due.add(key, t...) })
	}
}

// again makes a key due after a pause that grows with its failures. Those who
// wait for it hear why.
func (r *Runner) again(ctx context.Context, t *turn, err error) {
	if t.idle {
		return
	}
	unsettled := slices.Concat(t.triggers, t.waiting)
	var run *transport.Run
	if t.job != nil {
		run = &t.job.run
	}
	failures := 0
	if !isConflict(err) { // else somebody else goes on with it
		failures = r.fail(ctx, t.key, run, err)
		why := r.why(err)
		for _, one := range unsettled {
			one.Delay(why)
		}
		if run != nil {
			failed := *run
			failed.Error = why
			for _, one := range t.told {
				one.Tell(&failed)
			}
		}
	}
	time.AfterFunc(r.pause(failures), func() { r.due.add(t.key, unsettled...) })
}

func jobsOf(turns []*turn) (jobs []*job) {
	for _, t := range turns {
		if t.job != nil {
			jobs = append(jobs, t.job)
		}
	}
	return jobs
}

// openRuns makes the records of what is due, or finds those that are open, and
// tells those who triggered them. What is due is in r.open until close. After
// an error some may be made, and turns tells which; nil: none is.
func (r *Runner) openRuns(ctx context.Context, due dues) (turns []*turn, later dues, err error) {
	last, err := r.o.Detections.LastDetection(ctx)
	if err != nil {
		return nil, nil, err
	}
	event, err := r.o.Reports.LastEvent(ctx)
	if err != nil {
		return nil, nil, err
	}
	revision, err := r.waitAlerts(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := r.enter(ctx, due); err != nil {
		return nil, nil, err
	}
	turns, later, err = r.turns(ctx, due)
	if err != nil {
		return nil, nil, err
	}
	errs := r.each(len(turns), func(i int) error {
		t := turns[i]
		t.last, t.event, t.revision = last, event, revision
		return r.openRun(ctx, t)
	})
	return turns, later, errors.Join(errs...)
}

// enter marks keys as open, after alerts that change their type are adopted.
func (r *Runner) enter(ctx context.Context, due dues) error {
	r.moving.Lock()
	defer r.moving.Unlock()
	if err := r.adoptAll(ctx); err != nil {
		return err
	}
	for key := range due {
		for _, one := range family(key) {
			r.open[one] = true
		}
	}
	return nil
}

func (r *Runner) close(due dues) {
	r.moving.Lock()
	defer r.moving.Unlock()
	for key := range due {
		for _, one := range family(key) {
			delete(r.open, one)
		}
	}
	nudge(r.lives) // an alert may have waited for this to be adopted
}

// turns gives what runs now, with all that is known of it, and what runs later.
func (r *Runner) turns(ctx context.Context, due dues) (turns []*turn, later dues, err error) {
	at, records, err := r.read(ctx, due)
	if err != nil {
		return nil, nil, err
	}
	now, later := due.arrange(func(key transport.RunKey) bool { return isOpen(records[key]) })
	for key, triggers := range now {
		t := &turn{situation: situation{key: key, record: records[key]}}
		for _, one := range covers(key.Type) {
			of := transport.RunKey{Customer: key.Customer, Type: one}
			t.parts = append(t.parts, standing{alertType: one, cursor: at[of], bounds: r.alerts.bounds(of)})
		}
		for _, rival := range rivals(key) {
			t.ended = append(t.ended, records[rival])
		}
		t.take(triggers)
		turns = append(turns, t)
	}
	slices.SortFunc(turns, func(a, b *turn) int { return strings.Compare(a.key.String(), b.key.String()) })
	return turns, later, nil
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

// read gives the cursors of the types of alerts that are due, and the last runs
// of all keys that have to do with them.
func (r *Runner) read(ctx context.Context, due dues) (at map[transport.RunKey]uint64, records map[transport.RunKey]*transport.Run, err error) {
	var keys, types []transport.RunKey
	seen := map[transport.RunKey]bool{}
	for key := range due {
		for _, one := range family(key) {
			if seen[one] {
				continue
			}
			seen[one] = true
			if keys = append(keys, one); one.Type != transport.RunSummary {
				types = append(types, one)
			}
		}
	}
	names := make([]string, len(types))
	for i, key := range types {
		names[i] = key.String()
	}
	cursors, err := r.o.Cursors.Read(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	runs, err := r.o.Records.LoadRuns(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	at, records = map[transport.RunKey]uint64{}, map[transport.RunKey]*transport.Run{}
	for i, key := range types {
		at[key] = cursors[i]
	}
	for i, key := range keys {
		records[key] = runs[i]
	}
	return at, records, nil
}

// openRun makes a turn's record, or takes the open one, and tells of it.
func (r *Runner) openRun(ctx context.Context, t *turn) error {
	run, some := plan(&t.situation, r.o.Now())
	if !some {
		t.idle = true
		t.tell(nil)
		return nil
	}
	j := newJob(run)
	var err error
	if isOpen(t.record) {
		err = r.resume(ctx, j)
	} else {
		err = r.o.Records.StoreRun(ctx, &j.run)
	}
	if err != nil {
		return err
	}
	t.job = j
	t.tell(&j.run)
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

// resume looks how far an open run had come.
func (r *Runner) resume(ctx context.Context, j *job) (err error) {
	j.reported, err = r.o.Reports.FindReport(ctx, &j.run)
	return err
}
