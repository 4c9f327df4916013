package publisher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
)

// publish answers every call of batch. One that the server refuses for itself
// does not take the others with it.
func (c *Committer) publish(batch []*call) {
	if len(batch) == 0 {
		return
	}
	alone := single(batch)
	if c.apartOnly.Load() || alone && c.costs.Apart(len(batch)) {
		c.apart(batch)
		return
	}
	if alone {
		n := c.costs.Trial(len(batch))
		c.apart(batch[:n])
		batch = batch[n:]
	}
	first, err := c.commit(batch)
	switch {
	case noBatches(err):
		c.apartOnly.Store(true)
		c.apart(batch)
	case incomplete(err):
		c.apart(batch)
	case err != nil && len(batch) > 1 && !Unavailable(err) && alone:
		c.apart(batch)
	case err != nil && len(batch) > 1 && !Unavailable(err):
		for _, cl := range batch {
			c.publish([]*call{cl})
		}
	default:
		answer(batch, first, err)
	}
}

// noBatches tells that the server takes no batches, as a node does from producers.
func noBatches(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstreamext.JSErrCodeBatchPublishNotEnabled
}

// incomplete tells that the server could not put the batch together, and stored
// nothing of it.
func incomplete(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstreamext.JSErrCodeBatchPublishIncomplete
}

// answer gives each call its first sequence, or the error.
func answer(batch []*call, first uint64, err error) {
	for _, cl := range batch {
		cl.first, cl.err = first, err
		first += uint64(len(cl.msgs))
		cl.done()
	}
}

// single tells whether each call has one message.
func single(batch []*call) bool {
	for _, cl := range batch {
		if len(cl.msgs) > 1 {
			return false
		}
	}
	return true
}

// begin gives the context of what is put in flight, over when the connection
// is lost; end comes after.
func (c *Committer) begin() (ctx context.Context, end func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	c.setCurrent(cancel)
	end = func() {
		c.setCurrent(nil)
		cancel()
	}
	// After setCurrent, so that a connection lost later on is seen by watch.
	if !c.js.Conn().IsConnected() {
		end()
		return nil, nil, errAway
	}
	return ctx, end, nil
}

// apart publishes each message by itself, all at once. A call of several fails
// with a *PartError where the first were stored.
func (c *Committer) apart(batch []*call) {
	if len(batch) == 0 {
		return
	}
	ctx, end, err := c.begin()
	if err != nil {
		answer(batch, 0, err)
		return
	}
	defer end()
	began := time.Now()
	var acks []jetstream.PubAckFuture
	var errs []error
	for _, cl := range batch {
		for _, m := range cl.msgs {
			m.Header, m.Reply = withoutBatch(m.Header), ""
			ack, err := c.js.PublishMsgAsync(m)
			acks, errs = append(acks, ack), append(errs, err)
		}
	}
	n, failed := 0, false
	for _, cl := range batch {
		for i := range cl.msgs {
			seq, err := uint64(0), errs[n]
			if err == nil {
				seq, err = await(ctx, acks[n])
			}
			n++
			cl.became(i, seq, fault(err))
		}
		failed = failed || cl.err != nil
		cl.done()
	}
	if !failed {
		c.costs.TookApart(n, time.Since(began))
	}
}

// became takes what became of message i; the first error stays.
func (cl *call) became(i int, seq uint64, err error) {
	switch {
	case i == 0:
		cl.first, cl.err = seq, err
	case err != nil && cl.err == nil:
		cl.err = &PartError{Stored: i, Err: err}
	}
}

func await(ctx context.Context, ack jetstream.PubAckFuture) (seq uint64, err error) {
	select {
	case a := <-ack.Ok():
		return a.Sequence, nil
	case err := <-ack.Err():
		return 0, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// commit stores all messages of batch together and gives the first one's sequence.
func (c *Committer) commit(batch []*call) (first uint64, err error) {
	ctx, end, err := c.begin()
	if err != nil {
		return 0, err
	}
	defer end()
	var msgs []*nats.Msg
	for _, cl := range batch {
		msgs = append(msgs, cl.msgs...)
	}
	began := time.Now()
	ack, err := jetstreamext.PublishMsgBatch(ctx, c.js, msgs,
		jetstreamext.BatchFlowControl{AckFirst: false, AckTimeout: commitTimeout})
	if err != nil {
		return 0, fault(err)
	}
	c.costs.TookTogether(len(msgs), time.Since(began))
	return ack.Sequence - uint64(len(msgs)) + 1, nil
}

// fault says what err means for the caller.
func fault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, nats.ErrDisconnected): // the latter is told of what had left
		return fmt.Errorf("publishing: %w: the connection to NATS was lost meanwhile, the events may be stored or not", transport.ErrUnknown)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("publishing: %w: NATS did not answer, the events may be stored or not", transport.ErrUnknown)
	case isFull(err):
		return fmt.Errorf("publishing: %w: the log has used up its share of the disk (%w); "+
			"give it more (a larger disk, nats.max_store) or keep settled events for less long (events.keep)", transport.ErrUnavailable, err)
	case Unavailable(err):
		return fmt.Errorf("publishing: %w: %w", transport.ErrUnavailable, err)
	default:
		return fmt.Errorf("publishing: %w", err)
	}
}

// withoutBatch undoes what a batch that was refused has left in the headers.
func withoutBatch(h nats.Header) nats.Header {
	h.Del(jetstreamext.BatchIDHeader)
	h.Del(jetstreamext.BatchSeqHeader)
	h.Del(jetstreamext.BatchCommitHeader)
	return h
}
