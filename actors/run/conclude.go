package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// concluder ends runs, and tells of those that fail.
type concluder struct {
	records   Records
	reports   Reports
	cursors   Cursors
	cursorsIn string
	settling
	number   func(customer string) int64
	now      func() time.Time
	observer Observer
	log      *slog.Logger

	mu       sync.Mutex
	failures map[transport.RunKey]int // in a row
}

// conclude does what follows a sweep, each step durable before the next: the
// event, the cursor, what alerts have caught up, the log of runs, the record.
// Broken off anywhere, it is done again from the record, and each step finds
// what it did before.
func (c *concluder) conclude(ctx context.Context, j *job) error {
	run := &j.run
	if j.cut {
		run.Rest = true
		if err := c.records.StoreRun(ctx, run); err != nil {
			return err
		}
	}
	if !j.reported && len(j.matches) > 0 {
		data, err := j.report(c.number(run.Customer), c.now())
		if err != nil {
			return err
		}
		if err := c.reports.SubmitReport(ctx, run, data); err != nil {
			return err
		}
	}
	if err := c.moveCursor(ctx, run); err != nil {
		return err
	}
	if err := c.caughtUp(ctx, run); err != nil {
		return err
	}
	run.State, run.Error, run.FinishedAt = transport.RunDone, "", c.now().UTC()
	if err := c.records.LogRun(ctx, run); err != nil {
		return err
	}
	if err := c.tellFinished(ctx, run); err != nil {
		return err
	}
	if err := c.records.StoreRun(ctx, run); err != nil {
		return err
	}
	c.finished(run)
	return nil
}

func (c *concluder) moveCursor(ctx context.Context, run *transport.Run) error {
	if run.Type == transport.RunCatchUp {
		return nil // what it read lies behind the live cursor
	}
	for _, part := range run.Ranges() {
		key := transport.RunKey{Customer: run.Customer, Type: part.Type}.String()
		at, err := c.cursors.Read(ctx, []string{key})
		if err != nil {
			return err
		}
		if err := c.cursors.Move(ctx, key, at[0], part.To); err != nil {
			return err
		}
	}
	return nil
}

// tellFinished stores the run's ops.run.finished, of which a repeat has the same id.
func (c *concluder) tellFinished(ctx context.Context, run *transport.Run) error {
	doc := finished{RunID: run.ID, AlertType: run.AlertType(), Detections: run.Detections, Matches: run.Matches,
		StartedAt: run.StartedAt, Time: run.FinishedAt}
	if first, last, some := run.Span(); some {
		doc.From, doc.To = first, last
	}
	return c.submitOps(ctx, run.Customer, "run.finished", "run-"+run.ID+"-finished", doc)
}

// finished counts and logs a run whose record is done.
func (c *concluder) finished(run *transport.Run) {
	took := run.FinishedAt.Sub(run.StartedAt)
	c.observer.RunFinished(run.AlertType(), took, run.Matches)
	c.log.Info("run finished", "customer", run.Customer, "type", run.Type, "run", run.ID, "detections", run.Detections,
		"matches", run.Matches, "left_out", run.LeftOut, "took", took)
	c.settled(run.Key())
}

// fail notes why a key's run waits. The customer is told at the first failure.
func (c *concluder) fail(ctx context.Context, key transport.RunKey, run *transport.Run, err error) (tries int) {
	c.mu.Lock()
	tries = c.failures[key]
	c.failures[key] = tries + 1
	c.mu.Unlock()
	if tries > 0 || ctx.Err() != nil {
		return tries
	}
	if run == nil {
		run = &transport.Run{Customer: key.Customer, Type: key.Type}
	}
	c.observer.RunFailed(run.AlertType())
	c.log.Warn("run failed; it is tried again until it succeeds", "customer", key.Customer, "type", key.Type, "run", run.ID, "error", err)
	now := c.now().UTC()
	c.tellOps(ctx, key.Customer, "run.failed", fmt.Sprintf("run-%s-%s-failed-%d", key, run.ID, now.UnixNano()),
		failed{RunID: run.ID, AlertType: run.AlertType(), Reason: c.why(err), Time: now})
	if run.Revision > 0 { // for people; the retry reads it again
		noted := *run
		noted.State, noted.FinishedAt, noted.Error = transport.RunOpen, time.Time{}, c.why(err)
		if c.records.StoreRun(ctx, &noted) == nil {
			run.Revision = noted.Revision
			_ = c.records.LogRun(ctx, &noted) // where that fails it is listed once it is done
		}
	}
	return tries
}

func (c *concluder) settled(key transport.RunKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.failures, key)
}

// tellOps is for people: where it fails, nothing waits for it.
func (c *concluder) tellOps(ctx context.Context, customer, what, id string, document any) {
	if err := c.submitOps(ctx, customer, what, id, document); err != nil && ctx.Err() == nil {
		c.log.Warn("an event about a run was not stored", "customer", customer, "event", "ops."+what, "error", err)
	}
}

func (c *concluder) submitOps(ctx context.Context, customer, what, id string, document any) error {
	data, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return c.reports.SubmitOps(ctx, customer, what, id, c.now(), data)
}

// why tells people what a run waits for. What they cannot reach has no address
// here: the log says more.
func (c *concluder) why(err error) string {
	var away *cursorsAway
	switch {
	case errors.As(err, &away):
		return cmp.Or(c.cursorsIn, "NATS") + ", which keeps how far runs have come, is not available"
	case errors.Is(err, transport.ErrUnavailable):
		return "NATS is not available"
	}
	return err.Error()
}
