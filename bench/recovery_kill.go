package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// KillResult tells what kill -9 under a steady load cost.
type KillResult struct {
	Seed      uint64  `json:"seed"`
	Load      float64 `json:"events_per_s"`
	FanOut    int     `json:"fan_out"`
	Endpoints int     `json:"endpoints"`
	// Accepted events made Owed deliveries; of these Lost never arrived, and
	// Repeated arrivals were beyond.
	Accepted uint64    `json:"accepted"`
	Owed     uint64    `json:"owed"`
	Lost     uint64    `json:"lost"`
	Repeated uint64    `json:"repeated"`
	Restarts []Restart `json:"restarts"`
	// AuditOK: the node's own count adds up as well.
	AuditOK bool `json:"audit_ok"`
}

// Restart is a start after a kill, timed from the moment the program is run.
type Restart struct {
	// Ready: it says so itself. First: the first delivery arrives. CaughtUp:
	// what has arrived is no further behind the load that was meant, that of
	// the outage included, than it was before the kill, to a tenth of a second.
	Ready    time.Duration `json:"ready_ns"`
	First    time.Duration `json:"first_ns"`
	CaughtUp time.Duration `json:"caught_up_ns"`
}

// Between the catching up after one kill and the next.
const (
	pauseLeast = 200 * time.Millisecond
	pauseMost  = 2 * time.Second
)

// behindMore is how much further behind what is meant the deliveries may be
// than before the kill.
const behindMore = 100 * time.Millisecond

func (o RecoveryOptions) kill(ctx context.Context, result *KillResult, random *rand.Rand) error {
	c := Case{FanOut: o.FanOut, Endpoints: o.Endpoints, Synced: o.Synced, kind: load}
	return o.with(ctx, c, nil, func(ctx context.Context, p *programRun) error {
		err := p.underLoad(ctx, o.Load, func(ctx context.Context, l *openLoop) error {
			for range o.Kills {
				pause := pauseLeast + time.Duration(random.Int64N(int64(pauseMost-pauseLeast)))
				if err := sleep(ctx, pause); err != nil {
					return err
				}
				restart, err := p.restart(ctx, l)
				if err != nil {
					return err
				}
				result.Restarts = append(result.Restarts, restart)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return result.settle(ctx, p)
	})
}

// underLoad publishes so many events a second while do runs.
func (p *programRun) underLoad(ctx context.Context, events float64, do func(context.Context, *openLoop) error) error {
	if err := p.begin(ctx, time.Time{}); err != nil {
		return err
	}
	l := &openLoop{start: time.Now(), pacer: Constant(events, 24*time.Hour)}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	return alongside(ctx,
		func(context.Context) error {
			return together(loading, func(ctx context.Context) error { return p.producer.until(ctx, l) })
		},
		func(ctx context.Context) error {
			defer stop()
			return do(ctx, l)
		})
}

// restart kills the program and starts it again under the load of l.
func (p *programRun) restart(ctx context.Context, l *openLoop) (r Restart, err error) {
	before, err := p.sink.counts(ctx)
	if err != nil {
		return r, err
	}
	enough := p.behind(l, before) + l.pacer.To*float64(p.c.FanOut)*behindMore.Seconds()
	if err := p.program.Kill(); err != nil {
		return r, err
	}
	if before, err = p.sink.counts(ctx); err != nil {
		return r, err
	}
	start := time.Now()
	err = alongside(ctx,
		func(ctx context.Context) error {
			err := p.program.Start(ctx)
			r.Ready = time.Since(start)
			return err
		},
		func(ctx context.Context) (err error) {
			r.First, r.CaughtUp, err = p.watchReturn(ctx, l, before.Received, enough)
			return err
		})
	return r, err
}

// behind is how many deliveries that were meant by now have not arrived.
func (p *programRun) behind(l *openLoop, c sinkCounts) float64 {
	return l.pacer.To*float64(p.c.FanOut)*time.Since(l.start).Seconds() - float64(c.Distinct)
}

// watchReturn tells when more than before have arrived, and when no more than
// enough are behind, since it was called.
func (p *programRun) watchReturn(ctx context.Context, l *openLoop, before uint64, enough float64) (first, caughtUp time.Duration, err error) {
	within, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	start := time.Now()
	var behind float64
	err = p.sink.watch(within, func(c sinkCounts) bool {
		if first == 0 && c.Received > before {
			first = time.Since(start)
		}
		behind = p.behind(l, c)
		return first == 0 || behind > enough
	})
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		err = fmt.Errorf("%s after a restart %.0f deliveries are behind: they are lost, or the node is stuck, or the load is more than it takes", p.limit, behind)
	}
	return first, time.Since(start), err
}

// settle waits for what is owed, and has node and receiver agree.
func (k *KillResult) settle(ctx context.Context, p *programRun) error {
	k.Accepted, k.Owed = p.producer.published.Load(), p.producer.owed()
	arrived := p.sink.arrivedOnce(ctx, k.Owed, p.limit)
	counts, err := p.sink.counts(ctx)
	if err != nil {
		return err
	}
	k.Lost, k.Repeated = k.Owed-min(k.Owed, counts.Distinct), counts.Received-counts.Distinct
	switch {
	case arrived != nil:
		return fmt.Errorf("%d of %d deliveries are lost: %w", k.Lost, k.Owed, arrived)
	case counts.Distinct > k.Owed:
		return fmt.Errorf("%d distinct deliveries for %d owed", counts.Distinct, k.Owed)
	}
	_, err = p.audit(ctx)
	k.AuditOK = err == nil
	return err
}

func (k *KillResult) print(w io.Writer) {
	for _, r := range k.Restarts {
		printLine(w, fmt.Sprintf("Recovery/case=kill/load=%.0f/fanout=%d", k.Load, k.FanOut), 1,
			figure{"ready-ms", milliseconds(r.Ready)}, figure{"first-ms", milliseconds(r.First)}, figure{"caught-up-ms", milliseconds(r.CaughtUp)})
	}
	printLine(w, "RecoveryLoss/case=kill", k.Owed, figure{"lost", float64(k.Lost)}, figure{"repeated", float64(k.Repeated)})
	fmt.Fprintf(w, "\nkill -9: %d kills (seed %d), %d events accepted, %d deliveries owed, lost %d, repeated %d, audit adds up: %t\n",
		len(k.Restarts), k.Seed, k.Accepted, k.Owed, k.Lost, k.Repeated, k.AuditOK)
}
