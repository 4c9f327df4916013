package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/transport"
)

// conclude does what follows a sweep, each step durable before the next: the
// event, the cursor, what alerts have caught up, the log of runs, the record.
// Broken off anywhere, it is done again from the record, and each step finds
// what it did before.
func (r *Runner) conclude(ctx context.Context, j *job) error {
	run := &j.run
	if j.cut {
		run.Rest = true
		if err := r.o.Records.StoreRun(ctx, run); err != nil {
			return err
		}
	}
	if !j.reported && len(j.matches) > 0 {
		data, err := j.report(r.o.Number(run.Customer), r.o.Now())
		if err != nil {
			return err
		}
		if err := r.o.Reports.SubmitReport(ctx, run, data); err != nil {
			return err
		}
	}
	if err := r.moveCursor(ctx, run); err != nil {
		return err
	}
	if err := r.caughtUp(ctx, run); err != nil {
		return err
	}
	run.State, run.Error, run.FinishedAt = transport.RunDone, "", r.o.Now().UTC()
	if err := r.o.Records.LogRun(ctx, run); err != nil {
		return err
	}
	if err := r.tellFinished(ctx, run); err != nil {
		return err
	}
	if err := r.o.Records.StoreRun(ctx, run); err != nil {
		return err
	}
	r.finished(run)
	return nil
}

func (r *Runner) moveCursor(ctx context.Context, run *transport.Run) error {
	if run.Type == transport.RunCatchUp {
		return nil // what it read lies behind the live cursor
	}
	for _, part := range run.Ranges() {
		key := transport.RunKey{Customer: run.Customer, Type: part.Type}.String()
		at, err := r.o.Cursors.Read(ctx, []string{key})
		if err != nil {
			return err
		}
		if err := r.o.Cursors.Move(ctx, key, at[0], part.To); err != nil {
			return err
		}
	}
	return nil
}

// tellFinished stores the run's ops.run.finished, of which a repeat has the same id.
func (r *Runner) tellFinished(ctx context.Context, run *transport.Run) error {
	doc := finished{RunID: run.ID, AlertType: run.AlertType(), Detections: run.Detections, Matches: run.Matches,
		StartedAt: run.StartedAt, Time: run.FinishedAt}
	if first, last, some := run.Span(); some {
		doc.From, doc.To = first, last
	}
	return r.submitOps(ctx, run.Customer, "run.finished", "run-"+run.ID+"-finished", doc)
}

// finished counts and logs a run whose record is done.
func (r *Runner) finished(run *transport.Run) {
	took := run.FinishedAt.Sub(run.StartedAt)
	r.o.Observer.RunFinished(run.AlertType(), took, run.Matches)
	r.o.Logger.Info("run finished", "customer", run.Customer, "type", run.Type, "run", run.ID, "detections", run.Detections,
		"matches", run.Matches, "left_out", run.LeftOut, "took", took)
	r.settled(run.Key())
}

// fail notes why a key's run waits. The customer is told at the first failure.
func (r *Runner) fail(ctx context.Context, key transport.RunKey, run *transport.Run, err error) (tries int) {
	r.mu.Lock()
	tries = r.failures[key]
	r.failures[key] = tries + 1
	r.mu.Unlock()
	if tries > 0 || ctx.Err() != nil {
		return tries
	}
	if run == nil {
		run = &transport.Run{Customer: key.Customer, Type: key.Type}
	}
	r.o.Observer.RunFailed(run.AlertType())
	r.o.Logger.Warn("run failed; it is tried again until it succeeds", "customer", key.Customer, "type", key.Type, "run", run.ID, "error", err)
	now := r.o.Now().UTC()
	r.tellOps(ctx, key.Customer, "run.failed", fmt.Sprintf("run-%s-%s-failed-%d", key, run.ID, now.UnixNano()),
		failed{RunID: run.ID, AlertType: run.AlertType(), Reason: r.why(err), Time: now})
	if run.Revision > 0 { // for people; the retry reads it again
		noted := *run
		noted.State, noted.FinishedAt, noted.Error = transport.RunOpen, time.Time{}, r.why(err)
		if r.o.Records.StoreRun(ctx, &noted) == nil {
			run.Revision = noted.Revision
			_ = r.o.Records.LogRun(ctx, &noted) // where that fails it is listed once it is done
		}
	}
	return tries
}

func (r *Runner) settled(key transport.RunKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failures, key)
}

// tellOps is for people: where it fails, nothing waits for it.
func (r *Runner) tellOps(ctx context.Context, customer, what, id string, document any) {
	if err := r.submitOps(ctx, customer, what, id, document); err != nil && ctx.Err() == nil {
		r.o.Logger.Warn("an event about a run was not stored", "customer", customer, "event", "ops."+what, "error", err)
	}
}

func (r *Runner) submitOps(ctx context.Context, customer, what, id string, document any) error {
	data, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return r.o.Reports.SubmitOps(ctx, customer, what, id, r.o.Now(), data)
}

// why tells people what a run waits for. What they cannot reach has no address
// here: the log says more.
func (r *Runner) why(err error) string {
	var away *cursorsAway
	switch {
	case errors.As(err, &away):
		return cmp.Or(r.o.CursorsIn, "NATS") + ", which keeps how far runs have come, is not available"
	case errors.Is(err, transport.ErrUnavailable):
		return "NATS is not available"
	}
	return err.Error()
}
