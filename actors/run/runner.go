package run

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Runner carries out the runs of all customers' alerts. It puts the parts
// together; what each owns is its own.
type Runner struct {
	o         Options
	alerts    *alerts
	troubles  *troubles
	retry     retry
	due       *dueSet
	schedules *scheduler
	rounds    *rounds
	live      *live
}

// New makes a Runner that knows no alerts yet.
func New(o Options) *Runner {
	o.defaults()
	o.Cursors = ledgerCursors{o.Cursors}
	r := &Runner{o: o, alerts: newAlerts(), troubles: newTroubles(o.Logger), retry: retry{o.Pause, o.Now}, due: newDueSet()}
	settle := settling{alerts: r.alerts, store: o.Alerts}
	adopter := &adopter{settling: settle, detections: o.Detections, records: o.Records, cursors: o.Cursors, due: r.due,
		open: map[transport.RunKey]bool{}}
	sweeper := &sweeper{alerts: r.alerts, links: o.Links, workers: o.Workers, memory: o.Memory, most: maxReport,
		bury: o.Detections, fields: &fieldCount{observer: o.Observer}}
	concluder := &concluder{records: o.Records, reports: o.Reports, cursors: o.Cursors, cursorsIn: o.CursorsIn, settling: settle,
		number: o.Number, now: o.Now, observer: o.Observer, log: o.Logger, failures: map[transport.RunKey]int{}}
	shared := shared{alerts: r.alerts, detections: o.Detections, records: o.Records, reports: o.Reports, cursors: o.Cursors, store: o.Alerts,
		now: o.Now, adopter: adopter, sweeper: sweeper, concluder: concluder, writes: &writes{writesAtOnce}, troubles: r.troubles}
	r.schedules = newScheduler(o.Schedules, r.alerts.scheduled, o.Collect, r.troubles)
	r.live = newLive(shared, &o)
	r.rounds = &rounds{shared: shared, due: r.due, collect: o.Collect, retry: r.retry, closed: r.live.changed}
	return r
}

// shared is what rounds and live batches work with alike.
type shared struct {
	alerts     *alerts
	detections Detections
	records    Records
	reports    Reports
	cursors    Cursors
	store      Alerts
	now        func() time.Time

	adopter   *adopter
	sweeper   *sweeper
	concluder *concluder
	writes    *writes
	troubles  *troubles
}

// Change takes one state of an alert in, nil where it was removed; in the order
// of revisions, from one goroutine. a is kept.
func (r *Runner) Change(customer, id string, a *Alert) {
	if err := r.alerts.change(customer, id, a); err != nil {
		r.o.Logger.Error("an alert cannot be matched; edit or remove it", "alert", id, "customer", customer, "error", err)
	}
	r.live.changed()
	r.schedules.changed()
}

// Customer takes one state of a customer in.
func (r *Runner) Customer(c *transport.Customer) { r.schedules.customer(c) }

// Trigger makes a key due: a customer's normal or hot alerts, or both as a
// summary. It does not block.
func (r *Runner) Trigger(key transport.RunKey, t Trigger) {
	if key.Type != matching.AlertNormal && key.Type != matching.AlertHot && key.Type != transport.RunSummary {
		r.o.Logger.Error("a trigger of no type that is run was dropped", "customer", key.Customer, "type", key.Type)
		t.Tell(nil)
		t.Settle()
		return
	}
	r.due.add(key, t)
}

// Run carries runs out until ctx ends, those first that were open when the
// node ended. What is in hand then is broken off, and is repeated at the next
// start. Alerts must be known before.
func (r *Runner) Run(ctx context.Context) {
	var parts sync.WaitGroup
	for name, run := range map[string]func(context.Context) error{
		partRuns: r.rounds.run, partLive: r.live.run, partSchedules: r.schedules.run,
	} {
		parts.Go(func() { r.retry.until(ctx, name, r.troubles, run) })
	}
	parts.Wait()
}

// The parts by the names that people are told.
const (
	partRuns      = "runs"
	partLive      = "live alerts"
	partSchedules = "schedules"
)

// Ready is nil, or what runs are waiting for.
func (r *Runner) Ready() error { return r.troubles.ready() }

// known returns once all alerts that are stored by now are known here.
func known(ctx context.Context, store Alerts) (revision uint64, err error) {
	if revision, err = store.Revision(ctx); err == nil {
		err = store.WaitAlerts(ctx, revision)
	}
	return revision, err
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func isConflict(err error) bool { return errors.Is(err, transport.ErrConflict) }
