package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
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
	producer *producer // within the node; nil: of their own
	source   source
	process  atomic.Int64 // the node's process id, where it is one of its own
	result   *DeliveryResult
	settings map[string]string // of the node
	pprof    string            // where it hands out profiles
}

// delivering is what endpoints are added to, and is stopped at the end.
type delivering interface {
	AddEndpoint(ctx context.Context, e *transport.Endpoint) error
	Close(ctx context.Context) error
}

// withNode starts a node with the case's endpoints, sees that each is reached,
// and stops it again.
func (r *run) withNode(ctx context.Context, do func(context.Context) error) error {
	return r.with(ctx, r.startNode, do)
}

func (r *run) with(ctx context.Context, start func(ctx context.Context, dir string) (delivering, error), do func(context.Context) error) (err error) {
	dir, err := os.MkdirTemp(r.o.DataDir, "postrider-bench-")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	node, err := start(ctx, dir)
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
	if err := r.addEndpoints(ctx, node); err != nil {
		return err
	}
	if err := r.warm(ctx, drainLimit); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return do(ctx)
}

// startNode starts a node in this process or, where producers are on their own,
// in one of its own.
func (r *run) startNode(ctx context.Context, dir string) (delivering, error) {
	o := NodeOptions{DataDir: dir, Synced: r.c.Synced, Settings: r.settings, CAFile: r.sink.authority.ca()}
	if r.c.Producer == "" {
		node, err := r.o.Start(ctx, o)
		if err != nil {
			return nil, err
		}
		r.producer = &producer{node: node, c: r.c, ids: r.o.IDs}
		r.source = withinNode{r.producer, &r.sink.sinkReceiver}
		return node, nil
	}
	o.Settings = r.profiled(o.Settings)
	node, err := r.o.Program(ctx, o)
	if err != nil {
		return nil, err
	}
	r.useProducers(node)
	return node, nil
}

// useProducers has the events of the case come from clients of their own.
func (r *run) useProducers(to Ingested) {
	r.process.Store(int64(to.Process()))
	spec := ProducerSpec{
		Way: wayAsync, Clients: r.o.Clients, NATS: to.NATS(), HTTP: to.HTTP(), Token: to.Token(),
		Customer: customer, Type: r.c.kind, Types: r.c.Endpoints, Format: r.c.Format, Size: r.c.size(),
		Sink: r.sink.control, FanOut: r.c.FanOut, Backlog: r.c.backlog(),
	}
	if r.c.Producer == producerHTTP {
		spec.Way, spec.Window = waySingle, r.o.Clients
	}
	if r.o.IDs {
		spec.IDs = r.c.kind
	}
	r.source = &users{spec: spec, fanOut: r.c.FanOut, server: to.Process()}
}

// registrars add endpoints side by side.
const registrars = 8

func (r *run) addEndpoints(ctx context.Context, to delivering) error {
	var next atomic.Int64
	return alongside(ctx, slices.Repeat([]func(context.Context) error{func(ctx context.Context) error {
		for i := int(next.Add(1) - 1); i < r.c.Endpoints && ctx.Err() == nil; i = int(next.Add(1) - 1) {
			if err := to.AddEndpoint(ctx, r.c.endpoint(i, r.sink.url(i))); err != nil {
				return fmt.Errorf("add endpoint %d: %w", i, err)
			}
		}
		return ctx.Err()
	}}, registrars)...)
}

// warm sends an event of each type, so that each endpoint gets FanOut
// deliveries, and waits for them.
func (r *run) warm(ctx context.Context, limit time.Duration) error {
	if err := r.begin(ctx, time.Time{}); err != nil {
		return err
	}
	if err := r.source.each(ctx, r.c.Endpoints); err != nil {
		return err
	}
	return r.sink.arrived(ctx, r.source.owed(), limit)
}

// begin zeroes the counts on both sides.
func (r *run) begin(ctx context.Context, latencyFrom time.Time) error {
	r.source.forget()
	return r.sink.reset(ctx, latencyFrom)
}

// full keeps the node at its capacity and measures d of it after warm.
func (r *run) full(ctx context.Context, warm, d time.Duration) (rate, error) {
	if err := r.begin(ctx, time.Time{}); err != nil {
		return rate{}, err
	}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	published := make(chan error, 1)
	go func() {
		published <- r.source.full(loading)
		stop() // where publishing failed there is nothing to measure
	}()
	r.sink.firstArrival(loading)
	measured, err := r.sink.measureBy(loading, warm, d, r.source.spent)
	stop()
	if failed := <-published; failed != nil {
		err = failed
	}
	if err != nil {
		return measured, err
	}
	stats, err := r.drain(ctx)
	r.result.Arrivals, r.result.Connections = stats.PerSecond, stats.Connections
	return measured, err
}

// latencyAt offers so many deliveries a second; the latencies of the first
// second, while the load grows, are not counted.
func (r *run) latencyAt(ctx context.Context, deliveries float64) (Latency, error) {
	warm := min(time.Second, r.o.Seconds/4)
	events := deliveries / float64(r.c.FanOut)
	pacer := Pacer{From: events / 10, To: events, Over: warm, For: warm + r.o.Seconds}
	err := r.source.paced(ctx, pacer, func(start time.Time) error { return r.begin(ctx, start.Add(warm)) })
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
	owed := r.source.owed()
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
