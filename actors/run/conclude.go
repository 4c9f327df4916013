package run

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/postrider/postrider/transport"
)

// conclude does what follows a sweep, each step durable before the next: the
// event, the cursor, what alerts have caught up, the log of runs, the record.
// Broken off anywhere, it is done again from the record, and each step finds
// what it did before.
func (r *Runner) conclude(ctx context.Context, j *job) error {
	run := &j.run
	if j.cut {
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
	if err := r.o.Records.StoreRun(ctx, run); err != nil {
		return err
	}
	r.finished(ctx, run)
	return nil
}

func (r *Runner) moveCursor(ctx context.Context, run *transport.Run) error {
	if run.Type == transport.RunCatchUp {
		return nil // what it read lies behind the live cursor
	}
	key := run.Key().String()
	at, err := r.o.Cursors.Read(ctx, []string{key})
	if err != nil {
		return err
	}
	return r.o.Cursors.Move(ctx, key, at[0], run.To)
}

// finished tells the customer, once the record is done.
func (r *Runner) finished(ctx context.Context, run *transport.Run) {
	took := run.FinishedAt.Sub(run.StartedAt)
	r.o.Observer.RunFinished(run.AlertType(), took, run.Matches)
	r.o.Logger.Info("run finished", "customer", run.Customer, "type", run.Type, "run", run.ID, "from", run.From, "to", run.To,
		"matches", run.Matches, "left_out", run.LeftOut, "took", took)
	r.settled(run.Key())
	r.tellOps(ctx, run.Customer, "run.finished", "run-"+run.ID+"-finished",
		finished{RunID: run.ID, AlertType: run.AlertType(), Matches: run.Matches, Time: run.FinishedAt})
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
		failed{RunID: run.ID, AlertType: run.AlertType(), Reason: err.Error(), Time: now})
	if run.Revision > 0 {
		noted := *run
		noted.Error = err.Error()
		if r.o.Records.StoreRun(ctx, &noted) == nil { // for people; the retry reads it again
			run.Revision = noted.Revision
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
	data, err := json.Marshal(document)
	if err == nil {
		err = r.o.Reports.SubmitOps(ctx, customer, what, id, r.o.Now(), data)
	}
	if err != nil && ctx.Err() == nil {
		r.o.Logger.Warn("an event about a run was not stored", "customer", customer, "event", "ops."+what, "error", err)
	}
}
