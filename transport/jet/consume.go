package jet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

const (
	ackWait = 30 * time.Second
	// pullMessages is how many messages wait in the client. More than this cost
	// no less CPU a message, and all that waits here is handed back at a stop.
	pullMessages = 1024
	// pullBytes bounds one pull request.
	pullBytes = 8 << 20
	// watchEvery is how often a consumer is looked at: is it still there, and
	// where is its ack floor?
	watchEvery = 10 * time.Second
	// retryAfter is how long a message waits whose payload could not be fetched.
	retryAfter = time.Second
)

// Consumers pull a shard's log and what comes due, and give it to a sink.
type Consumers struct {
	store  *Store
	sink   transport.Sink
	graves *Graveyard
	pulls  []*pull
	routed atomic.Uint64

	// ctx ends when all is handed back, or Stop gave up waiting for that.
	ctx      context.Context
	cancel   context.CancelFunc
	stopping atomic.Bool
	stop     chan struct{}
	stopOnce sync.Once
	running  sync.WaitGroup
}

// pull is one durable consumer and what is done with its messages.
type pull struct {
	stream string
	filter string
	take   func(jetstream.Msg)
	// floor is the last known ack floor, where a deleted consumer begins anew.
	floor uint64
}

// Consume starts the shard's two consumers and gives their messages to sink,
// one after the other for each of them. While a sink's method blocks, nothing
// more is pulled by that consumer. Documents that cannot be read are buried in
// g and acked then. Consumers come back by themselves after NATS was away or
// one of them was deleted. ctx bounds the start alone; Stop ends it.
func (s *Store) Consume(ctx context.Context, sink transport.Sink, g *Graveyard) (*Consumers, error) {
	c := &Consumers{store: s, sink: sink, graves: g, stop: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.pulls = []*pull{
		{stream: StreamEvents, take: c.takeEvent},
		{stream: StreamDeferred, filter: dueFilter(), take: c.takeDue},
	}
	for _, p := range c.pulls {
		running, err := c.start(ctx, p)
		if err != nil {
			return nil, errors.Join(err, c.Stop(ctx))
		}
		c.running.Go(func() { c.keep(p, running) })
	}
	return c, nil
}

// Routed is the highest sequence of the log that the sink has taken.
func (c *Consumers) Routed() uint64 { return c.routed.Load() }

// Stop hands everything back that is not in the sink's hands, at once, and
// returns when that is done. A sink that blocks must be released by its owner.
// Calling it again is fine. The error is ctx's where that ends first.
func (c *Consumers) Stop(ctx context.Context) error {
	c.stopping.Store(true)
	c.stopOnce.Do(func() { close(c.stop) })
	defer c.cancel()
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("handing messages back: %w", ctx.Err())
	}
}

func dueFilter() string { return fmt.Sprintf("due.%d.>", shard) }

func (o *Options) window() int { return cmp.Or(o.Window, 16384) }

// ensureConsumer finds the durable consumer, or makes it from after floor on.
func (s *Store) ensureConsumer(ctx context.Context, stream, filter string, floor uint64) (jetstream.Consumer, error) {
	want := jetstream.ConsumerConfig{
		Durable:       consumerName,
		FilterSubject: filter,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: s.opts.window(),
	}
	there, err := s.js.Consumer(ctx, stream, consumerName)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		// A work queue takes consumers from its beginning alone, and keeps
		// nothing that is settled.
		if floor > 0 && stream != StreamDeferred {
			want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, floor+1
		}
		return s.js.CreateConsumer(ctx, stream, want)
	case err != nil:
		return nil, err
	}
	was := there.CachedInfo().Config
	if was.MaxAckPending == want.MaxAckPending && was.AckWait == want.AckWait && was.MaxDeliver == want.MaxDeliver {
		return there, nil
	}
	was.MaxAckPending, was.AckWait, was.MaxDeliver = want.MaxAckPending, want.AckWait, want.MaxDeliver
	return s.js.UpdateConsumer(ctx, stream, was)
}

func (c *Consumers) start(ctx context.Context, p *pull) (jetstream.ConsumeContext, error) {
	cons, err := c.store.ensureConsumer(ctx, p.stream, p.filter, p.floor)
	if err != nil {
		return nil, fmt.Errorf("consumer %s on %s: %w", consumerName, p.stream, unavailable(err))
	}
	p.floor = max(p.floor, cons.CachedInfo().AckFloor.Stream)
	limit := max(pullBytes, 2*int(c.store.maxPayload()))
	running, err := cons.Consume(p.take,
		jetstream.PullMaxMessagesWithBytesLimit(pullMessages, limit),
		jetstream.PullHeartbeat(2*time.Second),
		jetstream.PullExpiry(10*time.Second),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			c.store.log.Debug("pulling", "stream", p.stream, "err", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("pulling from %s: %w", p.stream, unavailable(err))
	}
	return running, nil
}

// keep watches over one pull until the stop, and begins it again where it ended.
func (c *Consumers) keep(p *pull, running jetstream.ConsumeContext) {
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	back, unlisten := c.store.reconnects.listen()
	defer unlisten()
	for {
		select {
		case <-c.stop:
			running.Drain()
			select {
			case <-running.Closed():
			case <-c.ctx.Done():
				running.Stop()
			}
			return
		case <-running.Closed():
			running = c.restart(p)
		case <-watch.C:
			running = c.look(p, running)
		case <-back:
			running = c.look(p, running)
		}
		if running == nil {
			return
		}
	}
}

// look notes the ack floor, and begins again where the consumer is gone
// without a word: a server started anew may have lost it.
func (c *Consumers) look(p *pull, running jetstream.ConsumeContext) jetstream.ConsumeContext {
	ctx, cancel := context.WithTimeout(c.ctx, apiTimeout)
	defer cancel()
	cons, err := c.store.js.Consumer(ctx, p.stream, consumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		running.Stop()
		return c.restart(p)
	}
	if err == nil {
		p.floor = max(p.floor, cons.CachedInfo().AckFloor.Stream)
	}
	return running
}

// restart tries until it succeeds; nil when the stop came first.
func (c *Consumers) restart(p *pull) jetstream.ConsumeContext {
	var wait backoff
	for {
		ctx, cancel := context.WithTimeout(c.ctx, apiTimeout)
		running, err := c.start(ctx, p)
		cancel()
		if err == nil {
			c.store.log.Info("pulling again", "stream", p.stream, "after", p.floor)
			return running
		}
		if wait.first() {
			c.store.log.Warn("pulling stopped; trying again until it goes on", "stream", p.stream, "err", err)
		}
		if !wait.pause(c.stop) {
			return nil
		}
	}
}

func (c *Consumers) takeEvent(msg jetstream.Msg) {
	h := c.store.handleOf(msg)
	if c.stopping.Load() {
		h.Nak()
		return
	}
	meta, err := msg.Metadata()
	if err != nil {
		c.store.log.Error("a message of the log has no metadata", "subject", msg.Subject(), "err", err)
		return
	}
	in := &inbound{Subject: msg.Subject(), Header: msg.Headers(), Data: msg.Data(),
		Seq: meta.Sequence.Stream, Stored: meta.Timestamp.UTC()}
	ev, letter, err := decodeInbound(c.ctx, in, c.store.GetPayload)
	switch {
	case err != nil:
		c.putOff(msg, err)
		return
	case letter != nil:
		letter.At = c.store.now()
		if told := c.store.opts.Unreadable; told != nil {
			told(letter.Reason)
		}
		c.graves.Bury(letter, ackWhenDone{h})
		c.sink.Passed(in.Seq)
	default:
		c.sink.Event(ev, h)
	}
	// Redelivered messages come out of order and tell nothing new.
	if in.Seq > c.routed.Load() {
		c.routed.Store(in.Seq)
	}
}

// ackWhenDone acks once the dead letter is durable.
type ackWhenDone struct{ h transport.Handle }

func (w ackWhenDone) Done() { w.h.Ack() }

// putOff hands a message back for a second: its payload is out of reach.
func (c *Consumers) putOff(msg jetstream.Msg, err error) {
	c.store.log.Warn("a payload cannot be fetched for now; its message comes again", "subject", msg.Subject(), "err", err)
	if err := msg.NakWithDelay(retryAfter); err != nil {
		c.store.log.Debug("a nak did not leave; the message will come again", "err", err)
	}
}
