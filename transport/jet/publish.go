package jet

import (
	"context"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

func messages(parcels []*parcel) []*nats.Msg {
	msgs := make([]*nats.Msg, len(parcels))
	for i, p := range parcels {
		msgs[i] = p.msg
	}
	return msgs
}

// publishBatch stores all or none, and leaves msgs as they are; it gives the
// sequence of the last.
func (s *Store) publishBatch(ctx context.Context, msgs []*nats.Msg) (last uint64, err error) {
	copies := make([]*nats.Msg, len(msgs))
	for i, m := range msgs {
		c := nats.NewMsg(m.Subject)
		for k, v := range m.Header {
			c.Header[k] = v
		}
		c.Data, copies[i] = m.Data, c
	}
	ack, err := jetstreamext.PublishMsgBatch(ctx, s.js, copies,
		jetstreamext.BatchFlowControl{AckFirst: true, AckTimeout: publishTimeout})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// publishEach publishes all at once, and tells in their order what became of
// each: the sequence that it has, or why it has none.
func (s *Store) publishEach(ctx context.Context, msgs []*nats.Msg, became func(i int, seq uint64, err error)) {
	acks, errs := make([]jetstream.PubAckFuture, len(msgs)), make([]error, len(msgs))
	for i, m := range msgs {
		m.Reply = ""
		acks[i], errs[i] = s.js.PublishMsgAsync(m)
	}
	for i := range msgs {
		if errs[i] != nil {
			became(i, 0, errs[i])
			continue
		}
		select {
		case ack := <-acks[i].Ok():
			became(i, ack.Sequence, nil)
		case err := <-acks[i].Err():
			became(i, 0, err)
		case <-ctx.Done():
			became(i, 0, ctx.Err())
		}
	}
}

// publishIDs numbers the messages of one writer.
type publishIDs struct {
	prefix string
	n      uint64
}

func (p *publishIDs) next() string {
	p.n++
	return p.prefix + strconv.FormatUint(p.n, 10)
}
