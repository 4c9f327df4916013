package run

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// dueSet is what is due, with those who want to hear of it.
type dueSet struct {
	mu   sync.Mutex
	keys dues
	wake chan struct{}
}

func newDueSet() *dueSet {
	return &dueSet{keys: dues{}, wake: make(chan struct{}, 1)}
}

// add makes a key due; of many times one run comes. Without a trigger the key's
// last run is seen to its end, or goes on where it left something.
func (d *dueSet) add(key transport.RunKey, t ...Trigger) {
	d.mu.Lock()
	d.keys[key] = append(d.keys[key], t...)
	d.mu.Unlock()
	nudge(d.wake)
}

func (d *dueSet) take() dues {
	d.mu.Lock()
	defer d.mu.Unlock()
	due := d.keys
	d.keys = dues{}
	return due
}

// run carries out what is due, one round after the other, after what the last
// life of the node left.
func (r *rounds) run(ctx context.Context) error {
	if err := r.takeUp(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-r.due.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		select { // what is due together is one sweep
		case <-time.After(r.collect):
		case <-ctx.Done():
			return ctx.Err()
		}
		if taken := r.due.take(); len(taken) > 0 {
			r.carryOut(ctx, taken)
		}
	}
}

// takeUp makes due what the last life of the node left: runs that are open, or
// that left something, and what live alerts have to catch up.
func (r *rounds) takeUp(ctx context.Context) error {
	records, err := r.records.AllRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range records {
		if run.Type != matching.AlertLive && (isOpen(run) || run.Rest) {
			r.due.add(run.Key())
		}
	}
	for _, customer := range r.alerts.behind() {
		r.due.add(transport.RunKey{Customer: customer, Type: transport.RunCatchUp})
	}
	return nil
}

// covers are the types of alerts that runs of a type cover.
func covers(runType string) []string {
	if runType == transport.RunSummary {
		return []string{matching.AlertNormal, matching.AlertHot}
	}
	return []string{runType}
}

// rivals are the keys whose runs cover alerts that those of key cover: they are
// not open at the same time.
func rivals(key transport.RunKey) (keys []transport.RunKey) {
	switch key.Type {
	case matching.AlertNormal, matching.AlertHot:
		keys = append(keys, transport.RunKey{Customer: key.Customer, Type: transport.RunSummary})
	case transport.RunSummary:
		for _, t := range covers(key.Type) {
			keys = append(keys, transport.RunKey{Customer: key.Customer, Type: t})
		}
	}
	return keys
}

// family is key and its rivals, and theirs: what must be known to run it.
func family(key transport.RunKey) []transport.RunKey {
	keys := []transport.RunKey{key}
	for _, rival := range rivals(key) {
		for _, other := range append(rivals(rival), rival) {
			if !slices.Contains(keys, other) {
				keys = append(keys, other)
			}
		}
	}
	return keys
}

// dues are keys that are due, with their triggers.
type dues map[transport.RunKey][]Trigger

// arrange tells which of the keys that are due run now, and which after those;
// open tells whether a key's last run is. Open runs are ended first. A summary
// that is due with normal or hot alerts of its customer is the run of these too.
func (due dues) arrange(open func(transport.RunKey) bool) (now, later dues) {
	now, later = dues{}, dues{}
	for key, t := range due {
		place := key
		for _, rival := range rivals(key) {
			if _, asked := due[rival]; asked && rival.Type == transport.RunSummary && !open(rival) && !open(key) {
				place = rival
			}
		}
		into := now
		for _, rival := range rivals(place) {
			if open(rival) {
				now[rival] = append(now[rival], nil...)
				if !open(place) {
					into = later
				}
			}
		}
		into[place] = append(into[place], t...)
	}
	return now, later
}
