package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

func (c *Consumers) takeDue(msg jetstream.Msg) {
	h := c.store.handleOf(msg)
	if c.stopping.Load() {
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
	c.store.reached.parked(seq)
	seg.Seq, seg.ID = seq, msg.Headers().Get(headerSegment)
	if wake, err := segmentWake(msg.Data()); err == nil && meta.NumDelivered == 1 && msg.Headers().Get(headerRecalled) == "" {
		c.store.clock.returned(c.store.now(), wake)
	}
	if err := c.store.loadEntries(c.ctx, seg); err != nil {
		c.putOff(msg, err)
		return
	}
	c.sink.Due(seg, h)
}

// buryUnreadable keeps the beginning of what came due and cannot be read. Only
// Postrider writes to DEFERRED: another version did, or the disk erred.
func (c *Consumers) buryUnreadable(msg jetstream.Msg, seq uint64, err error, h transport.Handle) {
	c.store.log.Error("what came due cannot be read; it is buried in "+StreamDeadLetters,
		"seq", seq, "subject", msg.Subject(), "err", err)
	c.graves.bury(&transport.DeadLetter{
		Reason: transport.ReasonNotReadable, Subject: msg.Subject(), At: c.store.now(),
		Detail: fmt.Sprintf("message %d of %s: %v", seq, StreamDeferred, err),
		// No sequence: which events it owed is not known.
		Event: &transport.Event{Data: msg.Data()},
	}, "due/"+strconv.FormatUint(seq, 10), ackWhenDone{h})
}

// loadEntries fetches the data that lies in objects. Where it is gone the
// entry keeps its event without Data; the shard gives it up as payload_gone.
func (s *Store) loadEntries(ctx context.Context, seg *transport.Segment) error {
	for i := range seg.Entries {
		ev := seg.Entries[i].Event
		if ev.Object == "" {
			continue
		}
		data, err := s.GetPayload(ctx, ev.Object)
		if err != nil && !errors.Is(err, transport.ErrNotFound) {
			return err
		}
		ev.Data = jsontext.Trim(data)
	}
	return nil
}
