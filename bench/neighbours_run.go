package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

// inTrouble is the kind of the endpoints in trouble, and of their events.
const inTrouble = "trouble"

// shared is the part of the load's events that endpoints in trouble want as
// well, so that a run with trouble publishes exactly what one without does.
type shared struct {
	endpoints int
	every     float64   // events of the load, one of which is shared
	from      time.Time // of those meant for later
	published atomic.Uint64
}

// typeOf is the type of the n-th event of the load where it is shared. It
// belongs to the healthy endpoint's types too.
func (s *shared) typeOf(c Case, n uint64, at time.Time) (string, bool) {
	if s == nil || at.Before(s.from) {
		return "", false
	}
	turn := uint64(float64(n) / s.every)
	if turn == uint64(float64(n+1)/s.every) {
		return "", false
	}
	s.published.Add(1)
	return s.wanted(c, int(turn%uint64(s.endpoints))), true
}

// wanted is the type that the i-th endpoint in trouble wants.
func (s *shared) wanted(c Case, i int) string {
	return c.eventType(i%c.Endpoints) + ".shared" + strconv.Itoa(i)
}

func (o NeighboursOptions) newRun(ctx context.Context) (*run, error) {
	debug.FreeOSMemory() // what the run before left behind is not this one's
	c := Case{FanOut: 1, Endpoints: o.Healthy, Synced: o.Synced, kind: load, shared: true}
	r := &run{o: Options{Start: o.Start, Seconds: o.Seconds, DataDir: o.DataDir}, c: c, result: &DeliveryResult{Case: c},
		settings: map[string]string{"nats.listen": "127.0.0.1:0"}}
	var err error
	r.sink, err = startSink(ctx)
	return r, err
}

// capacity is the deliveries a second of healthy endpoints at full load.
func (o NeighboursOptions) capacity(ctx context.Context) (perSecond float64, err error) {
	r, err := o.newRun(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.sink.close()) }()
	err = r.withNode(ctx, func(ctx context.Context) error {
		measured, err := r.full(ctx, o.Seconds/10, o.Seconds/4)
		perSecond = measured.perSecond()
		return err
	})
	if err == nil && perSecond == 0 {
		err = fmt.Errorf("nothing arrived in %s of full load: give it more time", o.Seconds/4)
	}
	return perSecond, err
}

// neighbours is one run at a steady load of so many deliveries a second.
func (o NeighboursOptions) neighbours(ctx context.Context, t Trouble, offered float64) (result *NeighboursResult, err error) {
	r, err := o.newRun(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.sink.close()) }()
	result = &NeighboursResult{Trouble: t, Name: t.String(), Offered: offered}
	memory := sampleMemory(time.Second / 4)
	beside := o.steady
	if o.Waiting > 0 {
		beside = o.fully
	}
	err = r.withNode(ctx, func(ctx context.Context) error { return beside(ctx, r, result) })
	result.RSSMiB = peak(memory.stop())
	return result, err
}

// steady offers the load; the endpoints in trouble want a part of it from when
// the measuring begins.
func (o NeighboursOptions) steady(ctx context.Context, r *run, result *NeighboursResult) (err error) {
	ill, err := o.trouble(ctx, r, result)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ill.end(ctx, result)) }()
	warm := min(10*time.Second, o.Seconds/4) // the server's caches hold the last 10 s
	flood, err := o.startFlood(ctx, r, result.Trouble, warm+o.Seconds)
	if err != nil {
		return err
	}
	loop := r.offer(result.Offered, warm, o.Seconds)
	from := loop.start.Add(warm)
	r.producer.shared = ill.sharing(from)
	if err := r.begin(ctx, from); err != nil {
		return err
	}
	var measured rate
	err = alongside(ctx,
		func(ctx context.Context) error {
			return together(ctx, func(ctx context.Context) error { return r.producer.paced(ctx, loop) })
		},
		func(ctx context.Context) (err error) {
			measured, err = r.sink.measure(ctx, warm, o.Seconds)
			return err
		})
	if err := errors.Join(err, flood.end(result)); err != nil {
		return err
	}
	stats, err := r.drain(ctx)
	result.PerSecond, result.Latency, result.Arrivals = measured.perSecond(), stats.Latency, stats.PerSecond
	result.CPU, result.OtherCores = measured.each(measured.sender), measured.others()
	result.BusyCores = measured.busy()
	result.Owed, result.Received = r.result.Owed, r.result.Received
	return err
}

// sick are the endpoints in trouble; nil where there are none.
type sick struct {
	*shared
	at *sinkReceiver
}

func (o NeighboursOptions) trouble(ctx context.Context, r *run, result *NeighboursResult) (*sick, error) {
	t := result.Trouble
	if _, flooded := floods[t.Kind]; flooded || t == (Trouble{}) {
		return nil, nil
	}
	s := &shared{endpoints: t.Endpoints, every: result.Offered / (o.Rate * float64(t.Endpoints))}
	if s.every < 1 && o.Waiting == 0 {
		return nil, wrong("rate", o.Rate, fmt.Sprintf("must be less: the %d endpoints in trouble would want more than the %.0f events a second that there are", t.Endpoints, result.Offered))
	}
	at, err := r.sink.open(ctx, inTrouble, sinkOptions{})
	if err != nil {
		return nil, err
	}
	if err := at.behave(ctx, troubles[t.Kind]); err != nil {
		return nil, err
	}
	c := o.inTrouble(t)
	for i := range t.Endpoints {
		e := c.endpoint(i, at.url(i))
		if o.Waiting == 0 {
			e.Events = []string{s.wanted(r.c, i)}
		}
		e.Delivery.Concurrency = 8 // the default
		e.Delivery.Timeout = transport.Duration(o.Timeout)
		if err := r.producer.node.AddEndpoint(ctx, e); err != nil {
			return nil, fmt.Errorf("add endpoint %d in trouble: %w", i, err)
		}
	}
	return &sick{s, at}, nil
}

func (o NeighboursOptions) inTrouble(t Trouble) Case {
	return Case{FanOut: 1, Endpoints: t.Endpoints, Synced: o.Synced, kind: inTrouble}
}

// fully has the healthy endpoints at full load; what is published for the
// endpoints in trouble alone comes on top from when the measuring begins.
func (o NeighboursOptions) fully(ctx context.Context, r *run, result *NeighboursResult) (err error) {
	ill, err := o.trouble(ctx, r, result)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ill.end(ctx, result)) }()
	warm := o.Seconds / 4
	var measured rate
	err = alongside(ctx,
		func(ctx context.Context) error {
			if ill == nil {
				return nil
			}
			if err := sleep(ctx, warm); err != nil {
				return err
			}
			p := &producer{node: r.producer.node, c: o.inTrouble(result.Trouble)}
			err := p.exactly(ctx, o.Waiting)
			ill.published.Store(p.published.Load())
			return err
		},
		func(ctx context.Context) (err error) {
			measured, err = r.full(ctx, warm, o.Seconds)
			return err
		})
	if err != nil {
		return err
	}
	result.PerSecond, result.deliveries = measured.perSecond(), float64(measured.deliveries)
	result.CPU, result.BusyCores, result.OtherCores = measured.each(measured.sender), measured.busy(), measured.others()
	if result.Owed, result.Received = r.result.Owed, r.result.Received; ill != nil {
		result.waiting = o.Waiting
	}
	return nil
}

// sharing is what is shared from then on; nothing where nobody is in trouble.
func (s *sick) sharing(from time.Time) *shared {
	if s == nil {
		return nil
	}
	s.from = from
	return s.shared
}

// end counts what they were sent, and breaks what hangs so that the node need
// not wait for it.
func (s *sick) end(ctx context.Context, result *NeighboursResult) error {
	if s == nil {
		return nil
	}
	counts, err := s.at.counts(ctx)
	result.Published, result.Tried = s.published.Load(), counts.Refused
	return errors.Join(err, s.at.behave(ctx, "down"))
}
