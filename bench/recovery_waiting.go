package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/postrider/postrider/transport"
)

// WaitingResult tells what many events that wait for an endpoint that is down
// cost the others, and how they come to it when it is back.
type WaitingResult struct {
	Waiting int `json:"waiting"`
	// Without: the mean of before they wait and after they were delivered; With
	// them. Full and P99 are With as multiples of Without.
	Without LoadFigures `json:"without"`
	With    LoadFigures `json:"with"`
	Full    float64     `json:"full_ratio"`
	P99     float64     `json:"p99_ratio"`
	// Filled is how long publishing them took, and Routed how long after that
	// the others' next events arrived.
	Filled time.Duration `json:"filled_ns"`
	// DeferredBytes were written to DEFERRED by then for each event that waits,
	// EventBytes to EVENTS for each that was published.
	DeferredBytes float64       `json:"deferred_bytes_per_waiting"`
	EventBytes    float64       `json:"event_bytes"`
	Routed        time.Duration `json:"routed_ns"`
	// Restart is that of a kill -9 while they wait: First is the first delivery
	// to another endpoint.
	Restart Restart `json:"restart"`
	// FirstBack is from the endpoint's return to its first delivery, Drained
	// from that to its last.
	FirstBack time.Duration `json:"first_back_ns"`
	Drained   time.Duration `json:"drained_ns"`
	// PeakPerSecond is the most that arrived in a second. OfPace compares all
	// that arrived up to any moment with what the growing pace allows up to it:
	// 1 or less, or it came as a herd.
	PeakPerSecond uint64  `json:"peak_per_s"`
	OfPace        float64 `json:"of_pace"`
	Lost          uint64  `json:"lost"`
	Repeated      uint64  `json:"repeated"`
	// RSSMiB is the program's most resident memory by phase, and over all.
	RSSMiB map[string]float64 `json:"rss_mib"`
	Memory []MemorySample     `json:"memory"`
	// Arrivals at the endpoint in each second since its return.
	Arrivals []uint64 `json:"arrivals"`
}

// LoadFigures are of the endpoints that are well: events published and
// delivered a second at full load, and the latency at half of the first such.
type LoadFigures struct {
	PerSecond float64 `json:"deliveries_per_s"`
	Latency   Latency `json:"latency"`
}

// probedEach is breaker.max_wait here, so that a bench need not wait up to ten
// minutes for the probe that finds the endpoint back.
const probedEach = "20s"

// waitingSettings have room for the events, and probe in time.
func waitingSettings() map[string]string {
	return map[string]string{"breaker.max_wait": probedEach, "waiting.bytes": "16GiB"}
}

// waitingRun is the case under measure.
type waitingRun struct {
	*programRun
	result  *WaitingResult
	dead    *sinkReceiver
	offered float64
	memory  *memorySampler
	began   time.Time
	phases  []phase
}

// phase is a part of the run, by the time since its beginning.
type phase struct {
	name     string
	from, to time.Duration
}

func (o RecoveryOptions) waiting(ctx context.Context, result *WaitingResult) error {
	c := Case{FanOut: 1, Endpoints: o.Endpoints, Synced: o.Synced, kind: load}
	return o.with(ctx, c, waitingSettings(), func(ctx context.Context, p *programRun) error {
		w := &waitingRun{programRun: p, result: result, began: time.Now()}
		w.memory = sampler(time.Second/4, func(at time.Duration) MemorySample {
			return MemorySample{At: at, RSSMiB: mib(p.program.Memory())}
		})
		err := w.measure(ctx, o)
		w.remembered(w.memory.stop())
		return err
	})
}

func (w *waitingRun) measure(ctx context.Context, o RecoveryOptions) (err error) {
	var before, after LoadFigures
	steps := []struct {
		name string
		do   func() error
	}{
		{"before", func() error { before, err = w.load(ctx); return err }},
		{"filling", func() error { return w.fill(ctx, o) }},
		{"waiting", func() error { w.result.With, err = w.load(ctx); return err }},
		{"restart", func() error { return w.restarted(ctx) }},
		{"draining", func() error { return w.comesBack(ctx, o) }},
		{"after", func() error { after, err = w.load(ctx); return err }},
	}
	for _, step := range steps {
		from := time.Since(w.began)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		w.phases = append(w.phases, phase{step.name, from, time.Since(w.began)})
	}
	w.result.compare(before, after)
	_, err = w.audit(ctx)
	return err
}

// load measures the others at full load, and at half of the first full load.
func (w *waitingRun) load(ctx context.Context) (f LoadFigures, err error) {
	measured, err := w.full(ctx, w.o.Seconds/4, w.o.Seconds)
	if err != nil {
		return f, err
	}
	f.PerSecond = measured.perSecond()
	if f.PerSecond == 0 {
		return f, fmt.Errorf("nothing arrived in %s of full load: give it more time", w.o.Seconds)
	}
	if w.offered == 0 {
		w.offered = f.PerSecond * halfLoad
	}
	f.Latency, err = w.latencyAt(ctx, w.offered)
	return f, err
}

// patient is a schedule that outlasts what the endpoint is down for: an attempt
// is used up by a probe alone.
func patient() []transport.Duration {
	schedule := make([]transport.Duration, 30)
	for i := range schedule {
		schedule[i] = transport.Duration(10 * time.Second)
	}
	return schedule
}

// fill publishes what is to wait, and goes on when the node has read it all.
func (w *waitingRun) fill(ctx context.Context, o RecoveryOptions) (err error) {
	if w.dead, err = w.sink.open(ctx, "dead", sinkOptions{ids: true, times: true}); err != nil {
		return err
	}
	if err := w.dead.behave(ctx, "down"); err != nil {
		return err
	}
	c := Case{FanOut: 1, Endpoints: 1, kind: "dead"}
	e := c.endpoint(0, w.dead.url(0))
	e.Delivery.Schedule, e.Delivery.MaxWaiting, e.Delivery.Concurrency = patient(), 2*o.Waiting, 8
	if err := w.program.AddEndpoint(ctx, e); err != nil {
		return err
	}
	start := time.Now()
	if err := (&producer{node: w.program, c: c, ids: true}).exactly(ctx, o.Waiting); err != nil {
		return err
	}
	w.result.Filled = time.Since(start)
	start = time.Now()
	err = w.warm(ctx, o.Patience) // they come after all that is to wait
	w.result.Routed = time.Since(start)
	if err != nil {
		return err
	}
	return w.written(ctx, o.Waiting)
}

// written tells what parking has cost on the disk.
func (w *waitingRun) written(ctx context.Context, waiting int) error {
	parked, err := w.program.Stored(ctx, transport.StreamDeferred)
	if err != nil {
		return err
	}
	log, err := w.program.Stored(ctx, transport.StreamEvents)
	w.result.DeferredBytes, w.result.EventBytes = parked.written()/float64(waiting), log.written()/float64(max(1, log.Ever))
	return err
}

// restarted times a kill -9 by the load of the others.
func (w *waitingRun) restarted(ctx context.Context) error {
	err := w.underLoad(ctx, w.offered/2, func(ctx context.Context, l *openLoop) (err error) {
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
		w.result.Restart, err = w.restart(ctx, l)
		return err
	})
	if err != nil {
		return err
	}
	return w.sink.arrivedOnce(ctx, w.producer.owed(), w.limit)
}

// comesBack lets the endpoint take deliveries, and waits for all.
func (w *waitingRun) comesBack(ctx context.Context, o RecoveryOptions) error {
	if err := w.dead.reset(ctx, time.Time{}); err != nil {
		return err
	}
	if err := w.dead.behave(ctx, "well"); err != nil {
		return err
	}
	back := time.Now()
	arrived := w.dead.arrivedOnce(ctx, uint64(o.Waiting), o.Patience)
	stats, err := w.dead.stats(ctx)
	if err != nil {
		return err
	}
	w.result.Arrivals = stats.PerSecond
	w.result.Lost, w.result.Repeated = uint64(o.Waiting)-min(uint64(o.Waiting), stats.Distinct), stats.Received-stats.Distinct
	if arrived != nil {
		return fmt.Errorf("%d of %d events that waited are lost: %w", w.result.Lost, o.Waiting, arrived)
	}
	times, err := w.dead.arrivals(ctx)
	if err != nil {
		return err
	}
	w.result.FirstBack = times[0].Sub(back)
	w.result.Drained = times[len(times)-1].Sub(times[0])
	w.result.OfPace = ofPace(times)
	for _, n := range stats.PerSecond {
		w.result.PeakPerSecond = max(w.result.PeakPerSecond, n)
	}
	return nil
}

// The pace by which an endpoint that was down is served again, as promised:
// from 10 a second, doubling each 5 s, without bound beyond 10,000. paceSlack
// is for what was in flight and the grain of clocks.
const (
	paceFrom     = 10.0
	paceDoubling = 5 * time.Second
	paceMost     = 10_000.0
	paceSlack    = 20.0
)

// ofPace is the most that had arrived at any moment, as a share of what the
// pace allows from the first arrival to then.
func ofPace(times []time.Time) (most float64) {
	for i, t := range times {
		doublings := t.Sub(times[0]).Seconds() / paceDoubling.Seconds()
		if paceFrom*math.Exp2(doublings) > paceMost {
			break
		}
		allowed := paceFrom * paceDoubling.Seconds() / math.Ln2 * (math.Exp2(doublings) - 1)
		most = max(most, float64(i+1)/(allowed+paceSlack))
	}
	return most
}

func (r *WaitingResult) compare(before, after LoadFigures) {
	r.Without = before
	r.Without.PerSecond = (before.PerSecond + after.PerSecond) / 2
	r.Without.Latency.P50 = (before.Latency.P50 + after.Latency.P50) / 2
	r.Without.Latency.P99 = (before.Latency.P99 + after.Latency.P99) / 2
	r.Without.Latency.P999 = (before.Latency.P999 + after.Latency.P999) / 2
	r.Full = r.With.PerSecond / r.Without.PerSecond
	if r.Without.Latency.P99 > 0 {
		r.P99 = float64(r.With.Latency.P99) / float64(r.Without.Latency.P99)
	}
}

// remembered takes the most of the memory in each phase.
func (w *waitingRun) remembered(samples []MemorySample) {
	w.result.Memory = samples
	w.result.RSSMiB = map[string]float64{"all": peak(samples)}
	for _, p := range w.phases {
		for _, s := range samples {
			if s.At >= p.from && s.At <= p.to {
				w.result.RSSMiB[p.name] = max(w.result.RSSMiB[p.name], s.RSSMiB)
			}
		}
	}
}

func (r *WaitingResult) print(w io.Writer) {
	if r.Drained == 0 {
		return
	}
	name := fmt.Sprintf("Recovery/case=waiting/waiting=%d", r.Waiting)
	printLine(w, name, uint64(r.Waiting),
		figure{"ratio", r.Full}, figure{"p99-ratio", r.P99}, figure{"deferred-B/waiting", r.DeferredBytes}, figure{"rss-MiB", r.RSSMiB["all"]},
		figure{"ready-ms", milliseconds(r.Restart.Ready)}, figure{"first-ms", milliseconds(r.Restart.First)},
		figure{"of-pace", r.OfPace}, figure{"lost", float64(r.Lost)}, figure{"repeated", float64(r.Repeated)})
	fmt.Fprintf(w, `
%d events waiting for an endpoint that is down
  filled      %s (%.0f events/s), all routed %s after
  written     %.0f bytes to DEFERRED for each event that waits, of %.0f in the log (%.2f)
  others      %.0f deliveries/s at full load, without %.0f (%.2f); at half load p99 %.2f ms, without %.2f (%.2f)
  memory      most resident: %.0f MiB before, %.0f filling, %.0f waiting, %.0f at the restart, %.0f draining; in all %.0f
  restart     ready after %s, first delivery of others after %s, caught up after %s
  comes back  first delivery after %s, all within %s; at most %d in a second, %.2f of what the pace allows; lost %d, repeated %d
`, r.Waiting, rounded(r.Filled), float64(r.Waiting)/r.Filled.Seconds(), rounded(r.Routed),
		r.DeferredBytes, r.EventBytes, r.DeferredBytes/max(1, r.EventBytes),
		r.With.PerSecond, r.Without.PerSecond, r.Full, milliseconds(r.With.Latency.P99), milliseconds(r.Without.Latency.P99), r.P99,
		r.RSSMiB["before"], r.RSSMiB["filling"], r.RSSMiB["waiting"], r.RSSMiB["restart"], r.RSSMiB["draining"], r.RSSMiB["all"],
		rounded(r.Restart.Ready), rounded(r.Restart.First), rounded(r.Restart.CaughtUp),
		rounded(r.FirstBack), rounded(r.Drained), r.PeakPerSecond, r.OfPace, r.Lost, r.Repeated)
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
