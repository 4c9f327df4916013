package bench

import (
	"context"
	"fmt"
	"io"
	"time"
)

const (
	// safeLoad is what is offered before the full load, in deliveries a second:
	// a node that has just been at full load has work left that is not of a low
	// one. What is more comes after it, up to mostLoad of what was measured.
	safeLoad = 10_000
	mostLoad = 0.75
	// noisyCores and lateBy are from where on figures say little.
	noisyCores = 0.3
	lateBy     = 5 * time.Millisecond
	seldom     = 0.05
)

// LoadResult is an open loop at a given number of events a second, published by
// producers of their own.
type LoadResult struct {
	Events     float64 `json:"events_per_s"`
	Deliveries float64 `json:"deliveries_per_s"` // that is, events times the fan-out
	Stored     uint64  `json:"stored"`
	// Latency is from the time an event was meant to be published to its receipt.
	Latency Latency `json:"latency"`
	// CPU is the processor time of the node's process above what it takes when it
	// is idle: µs for each event, and for each delivery.
	CPU     float64 `json:"cpu_us_per_event"`
	EachCPU float64 `json:"cpu_us_per_delivery"`
	// Late is by how much later than meant the producers published.
	Late Latency `json:"late"`
}

// loads measures those loads that are wanted, after what an idle node takes.
func (r *run) loads(ctx context.Context, wanted func(events float64) bool) error {
	u, of := r.source.(*users)
	if !of || len(r.o.Loads) == 0 || r.o.FullOnly {
		return nil
	}
	if r.result.IdleCores == 0 {
		before, began := processTime(u.server), time.Now()
		if err := sleep(ctx, r.o.Seconds); err != nil {
			return err
		}
		r.result.IdleCores = float64(processTime(u.server)-before) / float64(time.Since(began))
	}
	for _, events := range r.o.Loads {
		if !wanted(events) {
			continue
		}
		if err := r.load(ctx, u, events); err != nil {
			return fmt.Errorf("at %g events a second: %w", events, err)
		}
	}
	return nil
}

func (r *run) load(ctx context.Context, u *users, events float64) error {
	before, began := processTime(u.server), time.Now()
	latency, err := r.latencyAt(ctx, events*float64(r.c.FanOut))
	if err != nil {
		return err
	}
	above := float64(processTime(u.server)-before) - r.result.IdleCores*float64(time.Since(began))
	l := LoadResult{Events: events, Deliveries: events * float64(r.c.FanOut), Stored: u.stored, Latency: latency, Late: u.last.Late}
	if u.stored > 0 {
		l.CPU = max(0, above) / float64(time.Microsecond) / float64(u.stored)
		l.EachCPU = l.CPU / float64(r.c.FanOut)
	}
	r.result.Loads = append(r.result.Loads, l)
	return nil
}

func (l *LoadResult) print(w io.Writer, name string) {
	printLine(w, fmt.Sprintf("Load/%s/events=%g", name, l.Events), l.Stored,
		figure{"p50-ms", milliseconds(l.Latency.P50)},
		figure{"p99-ms", milliseconds(l.Latency.P99)},
		figure{"p99.9-ms", milliseconds(l.Latency.P999)},
		figure{"cpu-us/event", l.CPU},
		figure{"late-p99-ms", milliseconds(l.Late.P99)})
}

// warn notes what makes the figures say little.
func (d *DeliveryResult) warn() {
	if d.OtherMost() > noisyCores {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the machine was not quiet: %.2f cores were busy with nothing of the bench", d.OtherMost()))
	}
	if d.Waited >= 0 && d.Waited < seldom {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the producers were the limit: they waited for nobody in %.0f %% of the full load", 100*(1-d.Waited)))
	}
	if d.Afternoon != nil && d.Afternoon.PerSecond == 0 {
		d.Warnings = append(d.Warnings, "nothing arrived from the afternoon's Go while it was measured: give it more time")
	}
	for _, l := range d.Loads {
		if l.Late.P99 > lateBy {
			d.Warnings = append(d.Warnings, fmt.Sprintf("at %g events/s the producers were late: p99 %s, which is part of the latency", l.Events, l.Late.P99))
		}
	}
}
