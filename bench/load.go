package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

const (
	customer = "bench"
	// publishers publish side by side, so that one waiting for the disk does
	// not stop the other.
	publishers = 2
	fullBatch  = 500
	// tick is the least time between two batches of the open loop: its events
	// wait that long at most, and the wait is part of their latency.
	tick = time.Millisecond
)

// producer publishes the documents of one case.
type producer struct {
	node      Node
	c         Case
	ids       bool
	published atomic.Uint64
	next      atomic.Uint64 // chooses the type of the next event, and its id
	shared    *shared       // with endpoints in trouble; nil: with none
}

// owed is the number of deliveries that what was published makes.
func (p *producer) owed() uint64 { return p.published.Load() * uint64(p.c.FanOut) }

// publish sends one document for each intended time.
func (p *producer) publish(ctx context.Context, times []time.Time) error {
	events := make([]transport.Event, len(times))
	for i, doc := range documents(times) {
		n := p.next.Add(1) - 1
		events[i] = transport.Event{Customer: customer, Type: p.typeOf(n, times[i]), Data: doc}
		if p.ids {
			events[i].ID, events[i].IDGiven = p.c.kind+"-"+strconv.FormatUint(n, 10), true
		}
	}
	if err := p.node.Publish(ctx, events); err != nil {
		return fmt.Errorf("bench: publish %d events: %w", len(events), err)
	}
	p.published.Add(uint64(len(events)))
	return nil
}

// typeOf is the type of the n-th event, meant for the time at.
func (p *producer) typeOf(n uint64, at time.Time) string {
	if typ, ok := p.shared.typeOf(p.c, n, at); ok {
		return typ
	}
	return p.c.eventType(int(n % uint64(p.c.Endpoints)))
}

// Type k is wanted by the FanOut endpoints from k on, in a circle: so every
// endpoint has the same share of the load, whatever the numbers.
func (c Case) eventType(k int) string { return c.kind + ".t" + strconv.Itoa(k) }

func (c Case) wantedBy(endpoint int) []string {
	types := make([]string, c.FanOut)
	for i := range types {
		types[i] = c.eventType((endpoint - i + c.Endpoints) % c.Endpoints)
	}
	if c.shared {
		types = append(types, c.eventType(endpoint)+".>")
	}
	return types
}

// concurrency keeps at least as many deliveries in flight as the bare client has.
func (c Case) concurrency() int {
	return min(max(8, (c.bareWorkers()+c.Endpoints-1)/c.Endpoints), transport.MaxConcurrency)
}

// awayRate is what must be possible, in deliveries a second, at receivers that
// are far away: their number in flight is bounded by nothing else then.
const awayRate = 20_000

// bareWorkers are more where the receiver is far away.
func (c Case) bareWorkers() int { return max(bareWorkers, int(awayRate*c.Away.Seconds())) }

func (c Case) endpoint(i int, url string) *transport.Endpoint {
	f := formOf(c.Format)
	return &transport.Endpoint{
		Customer: customer, Name: c.kind + " " + strconv.Itoa(i), URL: url,
		Enabled: true, Profile: f.profile, Version: f.version, Format: f.format, State: "active",
		Events:    c.wantedBy(i),
		Signature: transport.Signature{Scheme: f.scheme},
		Secrets:   transport.Secrets{Current: f.secret},
		Delivery: transport.Delivery{
			Retries: true, Schedule: []transport.Duration{transport.Duration(5 * time.Second), transport.Duration(30 * time.Second)},
			Timeout: transport.Duration(15 * time.Second), Success: "2xx",
			Concurrency: c.concurrency(), MaxWaiting: 1_000_000,
		},
	}
}

// backlog stops publishing while more deliveries than limit are under way.
type backlog struct {
	mu       sync.Mutex
	changed  chan struct{} // closed and made anew at each change
	reserved uint64
	received uint64
	limit    uint64
}

func newBacklog(c Case) *backlog {
	return &backlog{changed: make(chan struct{}), limit: c.backlog()}
}

// backlogBytes bounds the backlog where documents are large.
const backlogBytes = 256 << 20

// backlog is enough that the next batches are stored while the last are
// delivered, and that a receiver far away is kept busy.
func (c Case) backlog() uint64 {
	most := max(8192, 2*publishers*fullBatch*c.FanOut, int(awayRate*c.Away.Seconds()))
	return uint64(max(bareWorkers*c.FanOut, min(most, backlogBytes/c.size()*c.FanOut)))
}

// tryReserve takes room for n deliveries where there is some.
func (b *backlog) tryReserve(n uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reserved+n > b.received+b.limit {
		return false
	}
	b.reserved += n
	return true
}

// reserve waits for room for n deliveries.
func (b *backlog) reserve(ctx context.Context, n uint64) error {
	for {
		b.mu.Lock()
		changed, room := b.changed, b.reserved+n <= b.received+b.limit
		if room {
			b.reserved += n
		}
		b.mu.Unlock()
		if room {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *backlog) seen(received uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if received > b.received {
		b.received = received
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// full publishes as fast as acks and the backlog allow, until ctx ends.
func (p *producer) full(ctx context.Context, b *backlog) error {
	times := make([]time.Time, fullBatch)
	for b.reserve(ctx, uint64(fullBatch*p.c.FanOut)) == nil {
		now := time.Now()
		for i := range times {
			times[i] = now
		}
		if err := p.finish(ctx, times); err != nil {
			return err
		}
	}
	return nil
}

// finish publishes a batch beyond the end of ctx: what was begun is stored and
// counted, or has failed.
func (p *producer) finish(ctx context.Context, times []time.Time) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	return p.publish(within, times)
}

// openLoop hands out the intended times of a pacer to its publishers.
type openLoop struct {
	pacer Pacer
	start time.Time
	mu    sync.Mutex
	hits  uint64
}

// due waits until a hit is due and takes all that are, at most a batch. None
// says that there are no more, or that ctx ended. One publisher waits, the
// others wait for it.
func (l *openLoop) due(ctx context.Context) []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var times []time.Time
	for ctx.Err() == nil && len(times) < transport.MaxBatchEvents {
		wait, stop := l.pacer.Pace(time.Since(l.start), l.hits)
		if stop || wait > 0 && len(times) > 0 {
			break
		}
		if wait > 0 {
			_ = sleep(ctx, max(wait, tick)) // the loop looks at ctx
			continue
		}
		times = append(times, l.start.Add(l.pacer.At(l.hits)))
		l.hits++
	}
	return times
}

// paced publishes what is due until there is no more.
func (p *producer) paced(ctx context.Context, l *openLoop) error {
	for {
		times := l.due(ctx)
		if len(times) == 0 {
			return ctx.Err()
		}
		if err := p.publish(ctx, times); err != nil {
			return err
		}
	}
}

// until publishes what is due until ctx ends; what was begun is stored.
func (p *producer) until(ctx context.Context, l *openLoop) error {
	for {
		times := l.due(ctx)
		if len(times) == 0 {
			return nil
		}
		if err := p.finish(ctx, times); err != nil {
			return err
		}
	}
}

// exactly publishes n documents as fast as acks allow.
func (p *producer) exactly(ctx context.Context, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	return together(ctx, func(ctx context.Context) error {
		for {
			batch := min(fullBatch, left.Add(-fullBatch)+fullBatch)
			if batch <= 0 {
				return ctx.Err()
			}
			if err := p.publish(ctx, slices.Repeat([]time.Time{time.Now()}, int(batch))); err != nil {
				return err
			}
		}
	})
}

// together runs the publishers side by side; the first error ends them all.
func together(ctx context.Context, publish func(context.Context) error) error {
	return alongside(ctx, slices.Repeat([]func(context.Context) error{publish}, publishers)...)
}

// alongside runs all side by side; the first error ends them.
func alongside(ctx context.Context, all ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(all))
	for _, do := range all {
		go func() { ended <- do(ctx) }()
	}
	var first error
	for range all {
		if err := <-ended; err != nil && first == nil {
			first = err
			cancel()
		}
	}
	return first
}
