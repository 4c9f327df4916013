package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// dueSet is what is due, with those who want to hear of it.
type dueSet struct {
	mu   sync.Mutex
	keys map[transport.RunKey][]Trigger
	wake chan struct{}
}

func newDueSet() *dueSet {
	return &dueSet{keys: map[transport.RunKey][]Trigger{}, wake: make(chan struct{}, 1)}
}

// add makes a key due; of many times one run comes. t may be nil.
func (d *dueSet) add(key transport.RunKey, t ...Trigger) {
	d.mu.Lock()
	for _, one := range t {
		if one != nil {
			d.keys[key] = append(d.keys[key], one)
		}
	}
	if _, there := d.keys[key]; !there {
		d.keys[key] = nil
	}
	d.mu.Unlock()
	nudge(d.wake)
}

func (d *dueSet) take() map[transport.RunKey][]Trigger {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.keys
	d.keys = map[transport.RunKey][]Trigger{}
	return taken
}

// runDue carries out what is due, one sweep after the other.
func (r *Runner) runDue(ctx context.Context) error {
	records, err := r.o.Records.AllRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range records {
		if run.State == transport.RunOpen && run.Type != matching.AlertLive {
			r.due.add(run.Key())
		}
	}
	for _, customer := range r.alerts.behind() {
		r.due.add(transport.RunKey{Customer: customer, Type: transport.RunCatchUp})
	}
	for {
		select {
		case <-r.due.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		select { // what is due together is one sweep
		case <-time.After(r.o.Collect):
		case <-ctx.Done():
			return ctx.Err()
		}
		if taken := r.due.take(); len(taken) > 0 {
			r.round(ctx, taken)
		}
	}
}

// round carries out what is due. What fails is due again after a pause, what
// was too much for one run at once.
func (r *Runner) round(ctx context.Context, taken map[transport.RunKey][]Trigger) {
	keys := slices.SortedFunc(maps.Keys(taken), func(a, b transport.RunKey) int { return strings.Compare(a.String(), b.String()) })
	told := map[transport.RunKey][]Trigger{}
	jobs, err := r.openRuns(ctx, keys, func(key transport.RunKey, run *transport.Run) {
		for _, t := range taken[key] {
			t.Tell(run)
			t.Settle()
		}
		told[key] = taken[key]
		delete(taken, key)
	})
	if err == nil {
		err = r.sweep(ctx, r.o.Detections.ReadDetections, jobs)
	}
	defer r.close(keys)
	if err != nil {
		r.failAll(ctx, keys, jobs, taken, err)
		return
	}
	errs := r.each(len(jobs), func(i int) error { return r.conclude(ctx, jobs[i]) })
	var fault error
	for i, j := range jobs {
		key := j.run.Key()
		switch {
		case errs[i] != nil:
			fault = errs[i]
			r.again(ctx, key, &j.run, errs[i])
		case j.cut:
			r.due.add(key)
		}
		if errs[i] == nil {
			for _, t := range told[key] {
				t.Tell(&j.run)
			}
		}
	}
	r.trouble("runs", fault)
}

// failAll has everything tried again; those that have no record keep their
// triggers.
func (r *Runner) failAll(ctx context.Context, keys []transport.RunKey, jobs []*job, taken map[transport.RunKey][]Trigger, err error) {
	r.trouble("runs", err)
	runs := map[transport.RunKey]*transport.Run{}
	for _, j := range jobs {
		runs[j.run.Key()] = &j.run
	}
	for _, key := range keys {
		r.again(ctx, key, runs[key], err, taken[key]...)
	}
}

// again makes a key due after a pause that grows with its failures.
func (r *Runner) again(ctx context.Context, key transport.RunKey, run *transport.Run, err error, t ...Trigger) {
	tries := 0
	if !isConflict(err) { // else somebody else goes on with it
		tries = r.fail(ctx, key, run, err)
	}
	time.AfterFunc(r.pause(tries), func() { r.due.add(key, t...) })
}

// openRuns makes the records of what is due, or finds those that are open, and
// tells made of each: nil where there is nothing to run. The keys are in
// r.open until close. After an error some may be made.
func (r *Runner) openRuns(ctx context.Context, keys []transport.RunKey, made func(transport.RunKey, *transport.Run)) ([]*job, error) {
	last, err := r.o.Detections.LastDetection(ctx)
	if err != nil {
		return nil, err
	}
	event, err := r.o.Reports.LastEvent(ctx)
	if err != nil {
		return nil, err
	}
	revision, err := r.waitAlerts(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.enter(ctx, keys); err != nil {
		return nil, err
	}
	situations, err := r.situations(ctx, keys)
	if err != nil {
		return nil, err
	}
	opened := make([]*job, len(keys))
	errs := r.each(len(keys), func(i int) (err error) {
		s := &situations[i]
		s.last, s.event, s.revision = last, event, revision
		opened[i], err = r.openRun(ctx, s)
		return err
	})
	var jobs []*job
	for i, j := range opened {
		switch {
		case errs[i] != nil:
		case j == nil:
			made(keys[i], nil)
		default:
			made(keys[i], &j.run)
			jobs = append(jobs, j)
		}
	}
	return jobs, errors.Join(errs...)
}

// enter marks keys as open, after alerts that change their type are adopted.
func (r *Runner) enter(ctx context.Context, keys []transport.RunKey) error {
	r.moving.Lock()
	defer r.moving.Unlock()
	if err := r.adoptAll(ctx); err != nil {
		return err
	}
	for _, key := range keys {
		r.open[key] = true
	}
	return nil
}

func (r *Runner) close(keys []transport.RunKey) {
	r.moving.Lock()
	defer r.moving.Unlock()
	for _, key := range keys {
		delete(r.open, key)
	}
	nudge(r.lives) // an alert may have waited for this to be adopted
}

// situations gives what is known of keys.
func (r *Runner) situations(ctx context.Context, keys []transport.RunKey) ([]situation, error) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.String()
	}
	cursors, err := r.o.Cursors.Read(ctx, names)
	if err != nil {
		return nil, err
	}
	records, err := r.o.Records.LoadRuns(ctx, keys)
	if err != nil {
		return nil, err
	}
	all := make([]situation, len(keys))
	for i, key := range keys {
		all[i] = situation{key: key, cursor: cursors[i], record: records[i], bounds: r.alerts.bounds(key)}
	}
	return all, nil
}

// openRun makes a key's record, or takes the open one; nil: there is nothing to run.
func (r *Runner) openRun(ctx context.Context, s *situation) (*job, error) {
	run, ok := plan(s, r.o.Now())
	if !ok {
		return nil, nil
	}
	j := newJob(run)
	if s.record != nil && s.record.State == transport.RunOpen {
		return j, r.resume(ctx, j)
	}
	if err := r.o.Records.StoreRun(ctx, &j.run); err != nil {
		return nil, fmt.Errorf("run of %s: %w", s.key, err)
	}
	return j, nil
}

// resume looks how far an open run had come.
func (r *Runner) resume(ctx context.Context, j *job) (err error) {
	j.reported, err = r.o.Reports.FindReport(ctx, &j.run)
	return err
}
