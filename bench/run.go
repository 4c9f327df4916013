package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// drainLimit is what the last deliveries may take after the last publish.
	drainLimit = time.Minute
	closeLimit = 30 * time.Second
)

// run is one case under measure, on a node and a sink process of its own.
type run struct {
	o        Options
	c        Case
	sink     *sinkProcess
	producer *producer
	result   *DeliveryResult
	settings map[string]string // of the node
}

// withNode starts a node with the case's endpoints, sees that each is reached,
// and stops it again.
func (r *run) withNode(ctx context.Context, do func(context.Context) error) (err error) {
	dir, err := os.MkdirTemp(r.o.DataDir, "postrider-bench-")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	node, err := r.o.Start(ctx, NodeOptions{DataDir: dir, Synced: r.c.Synced, Settings: r.settings})
	if err != nil {
		return fmt.Errorf("start the node: %w", err)
	}
	defer func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if failed := node.Close(within); failed != nil {
			err = errors.Join(err, fmt.Errorf("close the node: %w", failed))
		}
	}()
	r.producer = &producer{node: node, c: r.c, ids: r.o.IDs}
	for i := range r.c.Endpoints {
		if err := node.AddEndpoint(ctx, r.c.endpoint(i, r.sink.url(i))); err != nil {
			return fmt.Errorf("add endpoint %d: %w", i, err)
		}
	}
	if err := r.warm(ctx, drainLimit); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return do(ctx)
}

// warm sends an event of each type, so that each endpoint gets FanOut
// deliveries, and waits for them.
func (r *run) warm(ctx context.Context, limit time.Duration) error {
	if err := r.begin(ctx, time.Time{}); err != nil {
		return err
	}
	for left := r.c.Endpoints; left > 0; left -= fullBatch {
		times := make([]time.Time, min(left, fullBatch))
		for i := range times {
			times[i] = time.Now()
		}
		if err := r.producer.publish(ctx, times); err != nil {
			return err
		}
	}
	return r.sink.arrived(ctx, r.producer.owed(), limit)
}

// begin zeroes the counts on both sides.
func (r *run) begin(ctx context.Context, latencyFrom time.Time) error {
	r.producer.published.Store(0)
	return r.sink.reset(ctx, latencyFrom)
}

// full keeps the node at its capacity and measures d of it after warm.
func (r *run) full(ctx context.Context, warm, d time.Duration) (rate, error) {
	if err := r.begin(ctx, time.Time{}); err != nil {
		return rate{}, err
	}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	b := newBacklog(r.c)
	published, watched := make(chan error, 1), make(chan struct{})
	go func() {
		published <- together(loading, func(ctx context.Context) error { return r.producer.full(ctx, b) })
		stop() // where publishing failed there is nothing to measure
	}()
	go func() {
		defer close(watched)
		// It ends by stop, or by a failure of the sink that measure meets as well.
		_ = r.sink.watch(loading, func(c sinkCounts) bool { b.seen(c.Received); return true })
	}()
	r.sink.firstArrival(loading)
	measured, err := r.sink.measure(loading, warm, d)
	stop()
	if failed := <-published; failed != nil {
		err = failed
	}
	<-watched
	if err != nil {
		return measured, err
	}
	stats, err := r.drain(ctx)
	r.result.Arrivals = stats.PerSecond
	return measured, err
}

// latencyAt offers so many deliveries a second; the latencies of the first
// second, while the load grows, are not counted.
func (r *run) latencyAt(ctx context.Context, deliveries float64) (Latency, error) {
	warm := min(time.Second, r.o.Seconds/4)
	loop := r.offer(deliveries, warm, r.o.Seconds)
	if err := r.begin(ctx, loop.start.Add(warm)); err != nil {
		return Latency{}, err
	}
	err := together(ctx, func(ctx context.Context) error { return r.producer.paced(ctx, loop) })
	if err != nil {
		return Latency{}, err
	}
	stats, err := r.drain(ctx)
	return stats.Latency, err
}

// offer is an open loop, begun now, of so many deliveries a second for d, after
// it has grown to that during warm.
func (r *run) offer(deliveries float64, warm, d time.Duration) *openLoop {
	events := deliveries / float64(r.c.FanOut)
	return &openLoop{start: time.Now(), pacer: Pacer{From: events / 10, To: events, Over: warm, For: warm + d}}
}

// drain waits for what is owed and adds up what came.
func (r *run) drain(ctx context.Context) (SinkStats, error) {
	owed := r.producer.owed()
	if err := r.sink.arrived(ctx, owed, drainLimit); err != nil {
		return SinkStats{}, err
	}
	s, err := r.sink.stats(ctx)
	if err != nil {
		return s, err
	}
	r.result.Owed += owed
	r.result.Received += s.Received
	r.result.Repeated += s.Received - owed
	r.result.Verified += s.Verified
	r.result.BadSignatures += s.BadSignatures
	r.result.Distinct += s.Distinct
	switch {
	case s.BadSignatures > 0:
		return s, fmt.Errorf("%d of %d verified signatures were bad", s.BadSignatures, s.Verified)
	case r.o.Check && s.Distinct != owed:
		return s, fmt.Errorf("%d distinct deliveries for %d owed", s.Distinct, owed)
	}
	return s, nil
}
