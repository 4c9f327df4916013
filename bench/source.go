package bench

import (
	"context"
	"time"
)

// source publishes the events of a case.
type source interface {
	// each publishes n events as fast as acknowledgements allow.
	each(ctx context.Context, n int) error
	// full publishes as fast as acknowledgements and a bounded backlog at the
	// receiver allow, until ctx ends; what was begun is stored.
	full(ctx context.Context) error
	// paced publishes in an open loop; begins is told the start just before.
	paced(ctx context.Context, p Pacer, begins func(start time.Time) error) error
	// owed is how many deliveries what was stored since forget makes.
	owed() uint64
	forget()
	// spent is the processor time of the node's process, and of those of the
	// producers and of the bench where these are others.
	spent() (node, producers time.Duration)
}

// withinNode is a source in the node's own process: it hands over atomic batches.
type withinNode struct {
	*producer
	sink *sinkReceiver
}

func (w withinNode) each(ctx context.Context, n int) error { return w.exactly(ctx, n) }
func (w withinNode) forget()                               { w.published.Store(0) }

func (w withinNode) spent() (node, producers time.Duration) { return cpuTime(), 0 }

func (w withinNode) full(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	b, watched := newBacklog(w.c), make(chan struct{})
	go func() {
		defer close(watched)
		w.sink.relieve(ctx, b)
	}()
	err := together(ctx, func(ctx context.Context) error { return w.producer.full(ctx, b) })
	stop()
	<-watched
	return err
}

func (w withinNode) paced(ctx context.Context, p Pacer, begins func(time.Time) error) error {
	loop := &openLoop{start: time.Now(), pacer: p}
	if err := begins(loop.start); err != nil {
		return err
	}
	return together(ctx, func(ctx context.Context) error { return w.producer.paced(ctx, loop) })
}

// relieve tells the backlog what arrived, until ctx ends. A failure of the
// sink is met by whoever measures as well.
func (r *sinkReceiver) relieve(ctx context.Context, b *backlog) {
	_ = r.watch(ctx, func(c sinkCounts) bool { b.seen(c.Received); return true })
}
