package bench

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// producerClient is one connection, and on what it publishes.
type producerClient struct {
	NATSProducer
	number   int
	subjects []string
}

func (p *producers) byNATS(ctx context.Context, dial func(url string) (NATSProducer, error)) (*ProducerResult, error) {
	clients := make([]producerClient, p.spec.Clients)
	for i := range clients {
		c, err := dial(p.spec.NATS)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		clients[i] = producerClient{c, i, p.spec.subjects(i)}
	}
	publish := p.oneByOne
	switch {
	case p.spec.Rate > 0 || p.spec.Pacer != nil:
		publish = p.paced
	case p.spec.Way == wayAsync || p.spec.Steered:
		publish = p.window
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	watched := p.bound(ctx)
	cpu := cpuTime()
	err := alongside(ctx, makeEach(clients, publish)...)
	result := p.result(cpu)
	stop()
	<-watched
	return result, err
}

func makeEach(clients []producerClient, publish func(context.Context, producerClient) error) []func(context.Context) error {
	all := make([]func(context.Context) error, len(clients))
	for i, c := range clients {
		all[i] = func(ctx context.Context) error { return publish(ctx, c) }
	}
	return all
}

// bound watches what arrives at the receiver until ctx ends, where there is a
// bound of what is under way.
func (p *producers) bound(ctx context.Context) (watched chan struct{}) {
	watched = make(chan struct{})
	if p.spec.Backlog == 0 {
		close(watched)
		return watched
	}
	p.backlog = &backlog{changed: make(chan struct{}), limit: p.spec.Backlog}
	sink := attachSink(p.spec.Sink)
	go func() {
		defer close(watched)
		sink.relieve(ctx, p.backlog)
		sink.client.CloseIdleConnections()
	}()
	return watched
}

func (p *producers) oneByOne(ctx context.Context, c producerClient) error {
	for !p.over() && ctx.Err() == nil {
		at := time.Now()
		p.became(at, 1, c.Publish(ctx, c.subjects[0], p.form.documents([]time.Time{at})[0]))
	}
	return nil
}

// window keeps so many unacknowledged.
func (p *producers) window(ctx context.Context, c producerClient) error {
	most := inFlight / p.spec.Clients
	if p.spec.Window > 0 {
		most = p.spec.Window / p.spec.Clients
	}
	if size := max(p.spec.Bytes, p.spec.Size); size > 0 {
		most = min(most, inFlightBytes/size)
		if p.spec.Steered {
			most = min(most, steeredBytes/p.spec.Clients/size)
		}
	}
	free := make(chan struct{}, max(1, most))
	for !p.over() && ctx.Err() == nil && p.more() {
		if !p.take(ctx, free) {
			break
		}
		p.async(c, time.Now(), func() { <-free })
	}
	within := time.NewTimer(drainLimit)
	defer within.Stop()
	for range cap(free) {
		select {
		case free <- struct{}{}:
		case <-within.C:
			return fmt.Errorf("bench: events were not acknowledged within %s", drainLimit)
		}
	}
	return nil
}

// more takes one of those that are to be published, where they are counted.
func (p *producers) more() bool { return p.spec.Count == 0 || p.taken.Add(1) <= int64(p.spec.Count) }

// take waits for a place in the window and for room in the backlog, and notes
// for how long. Not without ctx.
func (p *producers) take(ctx context.Context, free chan struct{}) bool {
	select {
	case free <- struct{}{}:
	default:
		began := time.Now()
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		p.waited.Add(int64(time.Since(began)))
	}
	if p.backlog == nil || p.backlog.tryReserve(uint64(p.spec.FanOut)) {
		return true
	}
	began := time.Now()
	if p.backlog.reserve(ctx, uint64(p.spec.FanOut)) != nil {
		<-free
		return false
	}
	p.waited.Add(int64(time.Since(began)))
	return true
}

// paced publishes in an open loop, however long acknowledgements take. Each
// client has its share of the hits.
func (p *producers) paced(ctx context.Context, c producerClient) error {
	pacer := Constant(p.spec.Rate, p.spec.Warm+p.spec.For)
	if p.spec.Pacer != nil {
		pacer = *p.spec.Pacer
	}
	var open sync.WaitGroup
	for n := uint64(c.number); ctx.Err() == nil; {
		wait, stop := pacer.Pace(time.Since(p.start), n)
		if stop {
			break
		}
		if wait > 0 {
			pause(wait)
			continue
		}
		at := p.start.Add(pacer.At(n))
		p.mu.Lock()
		_ = p.late.RecordValue(max(1, time.Since(at).Microseconds())) // what is beyond is at the limit
		p.mu.Unlock()
		open.Add(1)
		p.async(c, at, open.Done)
		n += uint64(p.spec.Clients)
	}
	open.Wait()
	return nil
}

func (p *producers) async(c producerClient, at time.Time, after func()) {
	n := p.next.Add(1) - 1
	document, id := p.document, p.spec.ID
	if document == nil {
		document = p.form.documents([]time.Time{at})[0]
	}
	if p.spec.IDs != "" {
		id = p.spec.IDs + "-" + strconv.FormatUint(n, 10)
	}
	err := c.PublishAsync(c.subjects[n%uint64(len(c.subjects))], id, document, func(err error) {
		p.became(at, 1, err)
		after()
	})
	if err != nil {
		p.became(at, 1, err)
		after()
	}
}
