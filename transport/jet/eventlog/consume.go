package eventlog

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Consumer pulls the shard's log and gives it to a sink.
type Consumer struct {
	store  *Store
	sink   transport.Sink
	bury   func(*transport.DeadLetter, transport.Waiter)
	pull   *jet.Pull
	routed atomic.Uint64
}

// durable is the shard's consumer of the log.
func (s *Store) durable() jet.Durable {
	return jet.Durable{Stream: s.shard.Events(), Window: s.opts.Window, Fence: s.opts.Fence}
}

// Consume starts the shard's consumer and gives its events to sink, one after
// the other. While the sink blocks, nothing more is pulled. Documents that
// cannot be read are given to bury, and acked when their letters are durable.
// ctx bounds the start alone; Stop ends it.
func (s *Store) Consume(ctx context.Context, sink transport.Sink, bury func(*transport.DeadLetter, transport.Waiter)) (*Consumer, error) {
	c := &Consumer{store: s, sink: sink, bury: bury}
	var err error
	c.pull, err = s.conn.StartPull(ctx, s.durable(), c.take)
	return c, err
}

// Routed is the highest sequence of the log that the sink has taken.
func (c *Consumer) Routed() uint64 { return c.routed.Load() }

// Stop hands everything back that is not in the sink's hands: see jet.Pull.
func (c *Consumer) Stop(ctx context.Context) error { return c.pull.Stop(ctx) }

// Consumed tells up to which event all are settled, and up to which they were
// handed out; 0 where nobody ever pulled.
func (s *Store) Consumed(ctx context.Context) (settled, handedOut uint64, err error) {
	consumer, err := s.js.Consumer(ctx, s.shard.Events(), jet.ConsumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	info := consumer.CachedInfo()
	return info.AckFloor.Stream, info.Delivered.Stream, nil
}

func (c *Consumer) take(p *jet.Pull, msg jetstream.Msg) {
	h := p.Handle(msg)
	if p.Stopping() {
		h.Nak()
		return
	}
	meta, err := msg.Metadata()
	if err != nil {
		c.store.log.Error("a message of the log has no metadata", "subject", msg.Subject(), "err", err)
		return
	}
	in := &inbound{Shard: c.store.shard, Subject: msg.Subject(), Header: msg.Headers(), Data: msg.Data(),
		Seq: meta.Sequence.Stream, Stored: meta.Timestamp.UTC()}
	ev, letter, err := decodeInbound(p.Context(), in, c.store.conn.GetPayload)
	if told := c.store.opts.Stored; told != nil && !c.store.conn.Embedded() {
		if st, known := c.store.weigh(p.Context(), in.Seq, in.Subject, in.Header, in.Data); known {
			told(st)
		}
	}
	switch {
	case err != nil:
		p.PutOff(msg, err)
		return
	case letter != nil:
		letter.At = c.store.now()
		if told := c.store.opts.Unreadable; told != nil {
			told(letter.Reason)
		}
		c.bury(letter, jet.AckWhenDone(h))
		c.sink.Passed(in.Seq)
	default:
		c.sink.Event(ev, h)
	}
	// Redelivered messages come out of order and tell nothing new.
	if in.Seq > c.routed.Load() {
		c.routed.Store(in.Seq)
	}
}
