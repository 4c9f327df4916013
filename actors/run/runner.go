package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Runner carries out the runs of all customers' alerts.
type Runner struct {
	o      Options
	alerts *alerts
	due    *dueSet
	// lives and plans are told when live alerts or schedules may have changed.
	lives, plans chan struct{}

	// moving is held while it is decided what alerts that change their type
	// have been run for: nothing of what that depends on moves meanwhile.
	moving sync.Mutex
	open   map[transport.RunKey]bool // runs from before their plan to their end
	tail   tail

	fields *fieldCount

	// most bounds a report, and atOnce how many runs are written at the same
	// time; tests have smaller ones.
	most, atOnce int

	mu        sync.Mutex
	customers map[string]transport.Customer
	troubles  map[string]error // by part
	failures  map[transport.RunKey]int
}

// New makes a Runner that knows no alerts yet.
func New(o Options) *Runner {
	o.defaults()
	o.Cursors = ledgerCursors{o.Cursors}
	return &Runner{o: o, fields: &fieldCount{observer: o.Observer}, most: maxReport, atOnce: writesAtOnce, alerts: newAlerts(), due: newDueSet(), lives: make(chan struct{}, 1), plans: make(chan struct{}, 1),
		open: map[transport.RunKey]bool{}, customers: map[string]transport.Customer{}, troubles: map[string]error{},
		failures: map[transport.RunKey]int{}}
}

func (o *Options) defaults() {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&o.Collect, 100*time.Millisecond)
	set(&o.Live, 700*time.Millisecond)
	set(&o.LiveQuiet, 100*time.Millisecond)
	set(&o.LiveKeep, 5*time.Second)
	set(&o.Pause, time.Second)
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	if o.Number == nil {
		o.Number = func(string) int64 { return 0 }
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

type nobody struct{}

func (nobody) RunFinished(string, time.Duration, int) {}
func (nobody) RunFailed(string)                       {}
func (nobody) DetectionFieldUnread(string)            {}

// Change takes one state of an alert in, nil where it was removed; in the order
// of revisions, from one goroutine. a is kept.
func (r *Runner) Change(customer, id string, a *Alert) {
	if err := r.alerts.change(customer, id, a); err != nil {
		r.o.Logger.Error("an alert cannot be matched; edit or remove it", "alert", id, "customer", customer, "error", err)
	}
	nudge(r.lives)
	nudge(r.plans)
}

// Customer takes one state of a customer in.
func (r *Runner) Customer(c *transport.Customer) {
	r.mu.Lock()
	r.customers[c.ID] = *c
	r.mu.Unlock()
	nudge(r.plans)
}

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
	parts.Go(func() { r.until(ctx, "runs", r.runDue) })
	parts.Go(func() { r.until(ctx, "live alerts", r.runLive) })
	parts.Go(func() { r.until(ctx, "schedules", r.runSchedules) })
	parts.Wait()
}

// Ready is nil, or what runs are waiting for.
func (r *Runner) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(r.troubles)) {
		if err := r.troubles[part]; err != nil {
			return fmt.Errorf("%s wait: %w", part, err)
		}
	}
	return nil
}

// until has a part begin again after an error, with growing pauses.
func (r *Runner) until(ctx context.Context, part string, do func(context.Context) error) {
	for tries := 0; ; tries++ {
		began := r.o.Now()
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if r.o.Now().Sub(began) > 8*r.o.Pause {
			tries = 0
		}
		r.trouble(part, err)
		select {
		case <-time.After(r.pause(tries)):
		case <-ctx.Done():
			return
		}
	}
}

func (r *Runner) pause(tries int) time.Duration { return r.o.Pause << min(tries, 3) }

// trouble notes why a part waits, or that it goes on (nil), and logs each once.
func (r *Runner) trouble(part string, err error) {
	r.mu.Lock()
	was := r.troubles[part]
	r.troubles[part] = err
	r.mu.Unlock()
	switch {
	case was == nil && err != nil:
		r.o.Logger.Warn(part+" wait; trying until it goes on", "error", err)
	case was != nil && err == nil:
		r.o.Logger.Info(part + " go on")
	}
}

// sweep reads for jobs from a source.
func (r *Runner) sweep(ctx context.Context, from source, all []*job) error {
	s := &sweep{alerts: r.alerts, links: &r.o.Links, jobs: newJobs(all), memory: r.o.Memory, most: r.most, bury: r.o.Detections.BuryDetections, fields: r.fields}
	return s.read(ctx, from, r.o.Workers)
}

// waitAlerts returns once all alerts that are stored by now are known here.
func (r *Runner) waitAlerts(ctx context.Context) (revision uint64, err error) {
	if revision, err = r.o.Alerts.Revision(ctx); err == nil {
		err = r.o.Alerts.WaitAlerts(ctx, revision)
	}
	return revision, err
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

const writesAtOnce = 16

// each calls do for 0 to n-1, some at the same time, and gives their errors.
func (r *Runner) each(n int, do func(i int) error) []error {
	errs := make([]error, n)
	running := make(chan struct{}, r.atOnce)
	var all sync.WaitGroup
	for i := range n {
		running <- struct{}{}
		all.Go(func() {
			errs[i] = do(i)
			<-running
		})
	}
	all.Wait()
	return errs
}

func isConflict(err error) bool { return errors.Is(err, transport.ErrConflict) }
