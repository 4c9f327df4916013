package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/transport"
)

// record is a job as it is kept. Cursor and Intent are places in its plan, or
// sequences of the log: what lies before Cursor is settled, what lies before
// Intent may have been parked.
type record struct {
	transport.ReplayJob
	Cursor uint64 `json:"cursor"`
	Intent uint64 `json:"intent"`
	// Of ReplayPast: the first event that may be wanted, and the last that may
	// have been routed without the endpoint; 0: not known yet.
	First uint64 `json:"first,omitempty"`
	Last  uint64 `json:"last,omitempty"`
}

const (
	recordSuffix = ".job"
	planInfix    = ".plan."
)

func (r *Replays) keepRecord(ctx context.Context, rec *record) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("replay %s: %w", rec.ID, err)
	}
	return r.o.Records.Keep(ctx, rec.ID+recordSuffix, data)
}

// load reads the jobs, and drops the plans of those that never came to be.
func (r *Replays) load(ctx context.Context) error {
	keys, err := r.o.Records.Keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !strings.HasSuffix(key, recordSuffix) {
			continue
		}
		data, err := r.o.Records.Kept(ctx, key)
		if errors.Is(err, transport.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		j := newJobOf(r)
		j.again = true
		if err := json.Unmarshal(data, &j.rec); err != nil || j.rec.ID+recordSuffix != key {
			r.o.Logger.Error("a replay's record cannot be read; it is passed over", "key", key, "error", err)
			continue
		}
		if j.rec.Final() {
			close(j.done)
		}
		r.jobs[j.rec.ID] = j
		r.number = max(r.number, j.rec.Number)
	}
	for _, key := range keys {
		if id, _, plan := strings.Cut(key, planInfix); plan && (r.jobs[id] == nil || r.jobs[id].rec.Final()) {
			if err := r.o.Records.Drop(ctx, key); err != nil {
				return err
			}
		}
	}
	return r.forget(ctx)
}

// forget drops what has been over for long, and the oldest of too many.
func (r *Replays) forget(ctx context.Context) error {
	r.mu.Lock()
	var over []*job
	for _, j := range r.jobs {
		if j.rec.Final() {
			over = append(over, j)
		}
	}
	slices.SortFunc(over, func(a, b *job) int { return cmp.Compare(b.rec.Number, a.rec.Number) })
	old := r.o.Now().Add(-keepJobs)
	var drop []string
	for i, j := range over {
		if i >= mostKept || j.rec.FinishedAt.Before(old) {
			drop = append(drop, j.rec.ID)
			delete(r.jobs, j.rec.ID)
		}
	}
	r.mu.Unlock()
	for _, id := range drop {
		if err := r.o.Records.Drop(ctx, id+recordSuffix); err != nil {
			return err
		}
	}
	return nil
}
