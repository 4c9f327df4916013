package deferred

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// BuryAs buries a dead letter under an id: of those with the same within two
// minutes the first is kept.
type BuryAs func(d *transport.DeadLetter, id string, w transport.Waiter)

// DueConsumer pulls what comes due, and gives it to a sink.
type DueConsumer struct {
	store *Store
	sink  transport.Sink
	bury  BuryAs
	pull  *jet.Pull

	// reads are segments whose events are being read, in the order in which they
	// came; those of mostReads at a time.
	reads chan *dueRead
	given sync.WaitGroup
	close sync.Once
}

// mostReads bounds how many segments are read at a time: each refers to
// MaxSegmentBytes of events, or to one.
const mostReads = 32

// dueRead is a segment that is read.
type dueRead struct {
	msg  jetstream.Msg
	seg  *transport.Segment
	h    transport.Handle
	done chan struct{}
	err  error
}

func (s *Store) dueFilter() string { return fmt.Sprintf("due.%d.>", s.shard) }

func (s *Store) dueDurable() jet.Durable {
	return jet.Durable{Stream: s.shard.Deferred(), Filter: s.dueFilter(), WorkQueue: true, Window: s.opts.Window, Fence: s.opts.Fence}
}

// ConsumeDue starts the shard's consumer of what comes due and gives its segments
// to sink, one after the other, with the events that they refer to; the next ones
// are read meanwhile. While the sink blocks, nothing more is pulled. Segments that cannot be read are given to bury, and acked when their letters
// are durable. ctx bounds the start alone; Stop ends it.
func (s *Store) ConsumeDue(ctx context.Context, sink transport.Sink, bury BuryAs) (*DueConsumer, error) {
	c := &DueConsumer{store: s, sink: sink, bury: bury, reads: make(chan *dueRead, mostReads)}
	var err error
	if c.pull, err = s.conn.StartPull(ctx, s.dueDurable(), c.take); err != nil {
		return nil, err
	}
	c.given.Go(c.give)
	return c, nil
}

// Stop hands everything back that is not in the sink's hands: see jet.Pull.
func (c *DueConsumer) Stop(ctx context.Context) error {
	if err := c.pull.Stop(ctx); err != nil {
		return err
	}
	c.close.Do(func() { close(c.reads) })
	given := make(chan struct{})
	go func() {
		c.given.Wait()
		close(given)
	}()
	select {
	case <-given:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("handing segments back: %w", ctx.Err())
	}
}

func (c *DueConsumer) take(p *jet.Pull, msg jetstream.Msg) {
	h := p.Handle(msg)
	if p.Stopping() {
		h.Nak()
		return
	}
	meta, err := msg.Metadata()
	if err != nil {
		c.store.log.Error("a due message has no metadata", "subject", msg.Subject(), "err", err)
		return
	}
	seq := meta.Sequence.Stream
	seg, err := decodeSegment(msg.Data())
	if err != nil {
		c.buryUnreadable(msg, seq, err, h)
		return
	}
	c.store.witness.Parked(seq)
	seg.Seq, seg.ID = seq, msg.Headers().Get(headerSegment)
	if wake, err := segmentWake(msg.Data()); err == nil && meta.NumDelivered == 1 && msg.Headers().Get(headerRecalled) == "" {
		c.store.clock.returned(c.store.now(), wake)
	}
	r := &dueRead{msg: msg, seg: seg, h: h, done: make(chan struct{})}
	go c.read(p.Context(), r)
	c.reads <- r
}

func (c *DueConsumer) read(ctx context.Context, r *dueRead) {
	defer close(r.done)
	if r.err = c.store.loadEntries(ctx, r.seg); r.err == nil {
		r.err = c.store.find(ctx, r.seg.Entries)
	}
}

// give hands over what was read, in the order in which it came.
func (c *DueConsumer) give() {
	for r := range c.reads {
		<-r.done
		switch {
		case c.pull.Stopping():
			r.h.Nak()
		case r.err != nil:
			c.pull.PutOff(r.msg, r.err)
		default:
			c.sink.Due(r.seg, r.h)
		}
	}
}

// buryUnreadable keeps the beginning of what came due and cannot be read. Only
// Postrider writes to DEFERRED: another version did, or the disk erred.
func (c *DueConsumer) buryUnreadable(msg jetstream.Msg, seq uint64, err error, h transport.Handle) {
	c.store.log.Error("what came due cannot be read; it becomes a dead letter",
		"seq", seq, "subject", msg.Subject(), "err", err)
	c.bury(&transport.DeadLetter{
		Reason: transport.ReasonNotReadable, Subject: msg.Subject(), At: c.store.now(),
		Detail: fmt.Sprintf("message %d of %s: %v", seq, c.store.shard.Deferred(), err),
		// No sequence: which events it owed is not known.
		Event: &transport.Event{Data: msg.Data()},
	}, "due/"+strconv.FormatUint(seq, 10), jet.AckWhenDone(h))
}

// loadEntries fetches the data that lies in objects. Where it is gone the
// entry keeps its event without Data; the shard gives it up as payload_gone.
func (s *Store) loadEntries(ctx context.Context, seg *transport.Segment) error {
	for i := range seg.Entries {
		ev := seg.Entries[i].Event
		if ev.Object == "" { // what refers to an event has none
			continue
		}
		data, err := s.conn.GetPayload(ctx, ev.Object)
		if err != nil && !errors.Is(err, transport.ErrNotFound) {
			return err
		}
		ev.Data = jsontext.Trim(data)
	}
	return nil
}
