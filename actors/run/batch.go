package run

import (
	"context"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

const (
	// liveBatch and liveBytes bound what is looked at together.
	liveBatch = 8192
	liveBytes = 32 << 20
	// batchChunk is how many detections of a batch one goroutine takes at once.
	batchChunk = 128
)

// tailing is one time of following the log for live alerts.
type tailing struct {
	*live
	batch []transport.RawDetection
	bytes int
	kept  uint64 // where the live cursor stands in the ledger
}

// batches collects what comes, for a moment, and looks at it together.
func (t *tailing) batches(ctx context.Context, in <-chan []transport.RawDetection, ended <-chan error) error {
	longest, quiet, keep := time.NewTimer(time.Hour), time.NewTimer(time.Hour), time.NewTicker(t.keepEvery)
	defer longest.Stop()
	defer quiet.Stop()
	defer keep.Stop()
	for {
		full := false
		select {
		case raws := <-in:
			if len(t.batch) == 0 {
				longest.Reset(t.live.longest)
			}
			quiet.Reset(t.live.quiet)
			if full = t.add(raws); !full {
				continue
			}
		case <-longest.C:
		case <-quiet.C:
		case <-keep.C:
			t.keep(ctx)
			continue
		case <-t.wake:
			if err := t.adopter.adoptFree(ctx); err != nil {
				return err
			}
			if len(t.alerts.live()) == 0 {
				t.keep(ctx)
				return nil
			}
			continue
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		longest.Stop()
		quiet.Stop()
		if err := t.look(ctx); err != nil {
			return err
		}
	}
}

// add tells whether the batch is to be looked at now.
func (t *tailing) add(raws []transport.RawDetection) bool {
	t.batch = append(t.batch, raws...)
	for i := range raws {
		t.bytes += len(raws[i].Data)
	}
	return len(t.batch) >= liveBatch || t.bytes >= liveBytes
}

// look matches the batch, by alerts that are at least as new as its
// detections, and reports what was found.
func (t *tailing) look(ctx context.Context) error {
	if len(t.batch) == 0 {
		return nil
	}
	revision, err := known(ctx, t.store)
	if err != nil {
		return err
	}
	t.adopter.mu.Lock()
	defer t.adopter.mu.Unlock()
	if err := t.adopter.adoptAll(ctx); err != nil {
		return err
	}
	for again := true; again; {
		if again, err = t.report(ctx, revision); err != nil {
			return err
		}
	}
	t.adopter.tail.to = t.batch[len(t.batch)-1].Seq
	t.batch, t.bytes = t.batch[:0], 0
	return nil
}

// report makes a run for each customer that the batch has matches for; again
// tells that not all had room. The adopter's mu is held.
func (t *tailing) report(ctx context.Context, revision uint64) (again bool, err error) {
	jobs := t.jobs()
	if err := t.sweeper.sweep(ctx, t.read, jobs); err != nil {
		return false, err
	}
	var hits []*job
	for _, j := range jobs {
		if again = again || j.cut; j.cut || len(j.matches) > 0 {
			t.adopter.tail.ahead[j.run.Customer] = j.run.To
		}
		if len(j.matches) > 0 {
			hits = append(hits, j)
		}
	}
	if len(hits) == 0 {
		return again, nil
	}
	if err := t.record(ctx, hits, revision); err != nil {
		return false, err
	}
	return again, t.concludeLive(ctx, hits)
}

// jobs has one for each customer whose live alerts have not seen all of the batch.
func (t *tailing) jobs() (jobs []*job) {
	end := t.batch[len(t.batch)-1].Seq
	for _, customer := range t.alerts.live() {
		from := t.adopter.tail.covered(customer) + 1
		if from > end {
			continue
		}
		jobs = append(jobs, newJob(transport.Run{Customer: customer, Type: matching.AlertLive, State: transport.RunOpen,
			From: from, Since: from, To: end, Through: end}))
	}
	return jobs
}

// read is the source that the batch is.
func (t *tailing) read(_ context.Context, from, to uint64, take func([]transport.RawDetection) error) error {
	rest := t.batch
	for len(rest) > 0 && rest[0].Seq < from {
		rest = rest[1:]
	}
	for len(rest) > 0 && rest[len(rest)-1].Seq > to {
		rest = rest[:len(rest)-1]
	}
	for len(rest) > 0 {
		n := min(batchChunk, len(rest))
		if err := take(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// record makes the records of live runs that found something.
func (t *tailing) record(ctx context.Context, hits []*job, revision uint64) error {
	event, err := t.reports.LastEvent(ctx)
	if err != nil {
		return err
	}
	keys := make([]transport.RunKey, len(hits))
	for i, j := range hits {
		keys[i] = j.run.Key()
	}
	records, err := t.records.LoadRuns(ctx, keys)
	if err != nil {
		return err
	}
	for i, j := range hits {
		run := &j.run
		run.AlertsRevision, run.After, run.StartedAt = revision, event, t.now().UTC()
		if records[i] != nil {
			run.Revision = records[i].Revision
			if records[i].State == transport.RunOpen {
				return transport.ErrConflict // another node's, which is finished first
			}
		}
		run.ID = transport.RunID(run)
		t.adopter.open[run.Key()] = true
	}
	errs := t.writes.each(len(hits), func(i int) error {
		// A cut run is stored short: the rest is another one's.
		hits[i].cut = false
		return t.records.StoreRun(ctx, &hits[i].run)
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// keep stores how far live alerts have come. Where that fails more is looked at
// again after a restart, and nothing else.
func (t *tailing) keep(ctx context.Context) {
	t.adopter.mu.Lock()
	to := t.adopter.tail.to
	t.adopter.mu.Unlock()
	if to == t.kept {
		return
	}
	err := t.cursors.Move(ctx, liveCursor, t.kept, to)
	if isConflict(err) {
		var at []uint64
		if at, err = t.cursors.Read(ctx, []string{liveCursor}); err == nil {
			t.kept = at[0]
		}
	} else if err == nil {
		t.kept = to
	}
	t.troubles.note("cursors of live alerts", err)
}
