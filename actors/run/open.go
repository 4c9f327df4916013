package run

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/postrider/postrider/transport"
)

// openRuns makes the records of what is due, or finds those that are open, and
// tells those who triggered them. What is due is open until close. After
// an error some may be made, and turns tells which; nil: none is.
func (r *rounds) openRuns(ctx context.Context, due dues) (turns []*turn, later dues, err error) {
	last, err := r.detections.LastDetection(ctx)
	if err != nil {
		return nil, nil, err
	}
	event, err := r.reports.LastEvent(ctx)
	if err != nil {
		return nil, nil, err
	}
	revision, err := known(ctx, r.store)
	if err != nil {
		return nil, nil, err
	}
	if err := r.adopter.enter(ctx, due); err != nil {
		return nil, nil, err
	}
	turns, later, err = r.turns(ctx, due)
	if err != nil {
		return nil, nil, err
	}
	errs := r.writes.each(len(turns), func(i int) error {
		t := turns[i]
		t.last, t.event, t.revision = last, event, revision
		return r.openRun(ctx, t)
	})
	return turns, later, errors.Join(errs...)
}

// turns gives what runs now, with all that is known of it, and what runs later.
func (r *rounds) turns(ctx context.Context, due dues) (turns []*turn, later dues, err error) {
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

// read gives the cursors of the types of alerts that are due, and the last runs
// of all keys that have to do with them.
func (r *rounds) read(ctx context.Context, due dues) (at map[transport.RunKey]uint64, records map[transport.RunKey]*transport.Run, err error) {
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
	cursors, err := r.cursors.Read(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	runs, err := r.records.LoadRuns(ctx, keys)
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
func (r *rounds) openRun(ctx context.Context, t *turn) error {
	run, some := plan(&t.situation, r.now())
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
		err = r.records.StoreRun(ctx, &j.run)
	}
	if err != nil {
		return err
	}
	t.job = j
	t.tell(&j.run)
	return nil
}

// resume looks how far an open run had come.
func (s *shared) resume(ctx context.Context, j *job) (err error) {
	j.reported, err = s.reports.FindReport(ctx, &j.run)
	return err
}
