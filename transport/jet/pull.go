package jet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
)

const (
	// AckWait is how long a message may be in hand without a word.
	AckWait = 30 * time.Second
	// pullMessages is how many messages wait in the client. More than this cost
	// no less CPU a message, and all that waits here is handed back at a stop.
	pullMessages = 1024
	// pullBytes bounds one pull request.
	pullBytes = 8 << 20
	// watchEvery is how often a consumer is looked at: is it still there, and
	// where is its ack floor?
	watchEvery = 10 * time.Second
	// retryAfter is how long a message waits that was put off.
	retryAfter = time.Second
)

// Durable names a durable consumer, and what it gets.
type Durable struct {
	Stream string
	Filter string // empty: all
	// WorkQueue: the stream is one. It takes consumers from its beginning alone,
	// and keeps nothing that is settled.
	WorkQueue bool
	// Window is the most messages in hand.
	Window int
	// Fence tells whether messages may be taken and acked; nil: always.
	Fence *Fence
}

// Pull gives the messages of a durable consumer to one goroutine, until Stop.
type Pull struct {
	conn *Conn
	of   Durable
	take func(jetstream.Msg)
	// floor is the last known ack floor, where a deleted consumer begins anew.
	floor uint64

	// ctx ends when all is handed back, or Stop gave up waiting for that.
	ctx      context.Context
	cancel   context.CancelFunc
	stopping atomic.Bool
	stop     chan struct{}
	stopOnce sync.Once
	running  sync.WaitGroup
}

// StartPull makes the consumer where it is not there, and gives its messages to
// take, one after the other. While take blocks, nothing more is pulled. It comes
// back by itself after NATS was away or the consumer was deleted. ctx bounds the
// start alone; Stop ends it.
func (c *Conn) StartPull(ctx context.Context, of Durable, take func(*Pull, jetstream.Msg)) (*Pull, error) {
	p := &Pull{conn: c, of: of, stop: make(chan struct{})}
	p.take = func(m jetstream.Msg) { take(p, m) }
	p.ctx, p.cancel = context.WithCancel(context.Background())
	running, err := p.start(ctx)
	if err != nil {
		p.cancel()
		return nil, err
	}
	p.running.Go(func() { p.keep(running) })
	return p, nil
}

// Context ends when all is handed back after Stop.
func (p *Pull) Context() context.Context { return p.ctx }

// Stopping tells that Stop was called, or that this node may not act as the
// shard's owner: what is taken now is to be handed back.
func (p *Pull) Stopping() bool { return p.stopping.Load() || !p.of.Fence.Acts() }

// Stop hands everything back that is not in take's hands, at once, and returns
// when that is done. A take that blocks must be released by its owner. Calling it
// again is fine. The error is ctx's where that ends first.
func (p *Pull) Stop(ctx context.Context) error {
	p.stopping.Store(true)
	p.stopOnce.Do(func() { close(p.stop) })
	defer p.cancel()
	done := make(chan struct{})
	go func() {
		p.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("handing messages back: %w", ctx.Err())
	}
}

// ensureConsumer finds the durable consumer, or makes it from after floor on.
func (c *Conn) ensureConsumer(ctx context.Context, of Durable, floor uint64) (jetstream.Consumer, error) {
	want := jetstream.ConsumerConfig{
		Durable:       ConsumerName,
		FilterSubject: of.Filter,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       AckWait,
		MaxDeliver:    -1,
		MaxAckPending: of.Window,
	}
	there, err := c.js.Consumer(ctx, of.Stream, ConsumerName)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		if floor > 0 && !of.WorkQueue {
			want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, floor+1
		}
		return c.js.CreateConsumer(ctx, of.Stream, want)
	case err != nil:
		return nil, err
	}
	was := there.CachedInfo().Config
	if was.MaxAckPending == want.MaxAckPending && was.AckWait == want.AckWait && was.MaxDeliver == want.MaxDeliver {
		return there, nil
	}
	was.MaxAckPending, was.AckWait, was.MaxDeliver = want.MaxAckPending, want.AckWait, want.MaxDeliver
	return c.js.UpdateConsumer(ctx, of.Stream, was)
}

// ResetToFloor has everything not settled come again, and gives the consumer's
// ack floor. No Pull may run meanwhile.
func (c *Conn) ResetToFloor(ctx context.Context, of Durable) (floor uint64, err error) {
	if _, err := c.ensureConsumer(ctx, of, 0); err != nil {
		return 0, fmt.Errorf("consumer on %s: %w", of.Stream, err)
	}
	reset, err := c.js.ResetConsumer(ctx, of.Stream, ConsumerName)
	if err != nil {
		return 0, fmt.Errorf("setting the consumer on %s back: %w", of.Stream, err)
	}
	return reset.ResetSeq - 1, nil
}

func (p *Pull) start(ctx context.Context) (jetstream.ConsumeContext, error) {
	cons, err := p.conn.ensureConsumer(ctx, p.of, p.floor)
	if err != nil {
		return nil, fmt.Errorf("consumer %s on %s: %w", ConsumerName, p.of.Stream, Unavailable(err))
	}
	p.floor = max(p.floor, cons.CachedInfo().AckFloor.Stream)
	limit := max(pullBytes, 2*int(p.conn.MaxPayload()))
	running, err := cons.Consume(p.take,
		jetstream.PullMaxMessagesWithBytesLimit(pullMessages, limit),
		jetstream.PullHeartbeat(p.heartbeat()),
		jetstream.PullExpiry(p.expiry()),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			p.conn.log.Debug("pulling", "stream", p.of.Stream, "err", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("pulling from %s: %w", p.of.Stream, Unavailable(err))
	}
	return running, nil
}

// keep watches over the pull until the stop, and begins it again where it ended.
func (p *Pull) keep(running jetstream.ConsumeContext) {
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	back, unlisten := p.conn.reconnects.listen()
	defer unlisten()
	halted := p.halted()
	for {
		select {
		case <-p.stop:
			running.Drain()
			select {
			case <-running.Closed():
			case <-p.ctx.Done():
				running.Stop()
			}
			return
		case <-halted:
			running.Drain()
			halted = nil
		case <-running.Closed():
			running, halted = p.restart(), p.halted()
		case <-watch.C:
			running = p.look(running)
		case <-back:
			running = p.look(running)
		}
		if running == nil {
			return
		}
	}
}

// look notes the ack floor, and begins again where the consumer is gone
// without a word: a server started anew may have lost it.
func (p *Pull) look(running jetstream.ConsumeContext) jetstream.ConsumeContext {
	ctx, cancel := context.WithTimeout(p.ctx, APITimeout)
	defer cancel()
	cons, err := p.conn.js.Consumer(ctx, p.of.Stream, ConsumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		running.Stop()
		return p.restart()
	}
	if err == nil {
		p.floor = max(p.floor, cons.CachedInfo().AckFloor.Stream)
	}
	return running
}

// restart tries until it succeeds; nil when the stop came first.
func (p *Pull) restart() jetstream.ConsumeContext {
	var wait groupcommit.Backoff
	for {
		if !p.awaitGoOn() {
			return nil
		}
		ctx, cancel := context.WithTimeout(p.ctx, APITimeout)
		running, err := p.start(ctx)
		cancel()
		if err == nil {
			p.conn.log.Info("pulling again", "stream", p.of.Stream, "after", p.floor)
			return running
		}
		if wait.First() {
			p.conn.log.Warn("pulling stopped; trying again until it goes on", "stream", p.of.Stream, "err", err)
		}
		if !wait.Pause(p.stop) {
			return nil
		}
	}
}

// Handle gives the handle of a message that was taken.
func (p *Pull) Handle(msg jetstream.Msg) transport.Handle { return p.conn.handleOf(msg, p.of.Fence) }

// PutOff hands a message back for a second: its payload is out of reach.
func (p *Pull) PutOff(msg jetstream.Msg, err error) {
	p.conn.log.Warn("a payload cannot be fetched for now; its message comes again", "subject", msg.Subject(), "err", err)
	if err := msg.NakWithDelay(retryAfter); err != nil {
		p.conn.log.Debug("a nak did not leave; the message will come again", "err", err)
	}
}

// AckWhenDone acks a message once its dead letter is durable.
func AckWhenDone(h transport.Handle) transport.Waiter { return ackWhenDone{h} }

type ackWhenDone struct{ h transport.Handle }

func (w ackWhenDone) Done() { w.h.Ack() }
