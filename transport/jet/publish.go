package jet

import (
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// PublishTimeout is how long one try of a publish waits for its answer.
const PublishTimeout = 5 * time.Second

func messages(parcels []*Parcel) []*nats.Msg {
	msgs := make([]*nats.Msg, len(parcels))
	for i, p := range parcels {
		msgs[i] = p.Msg
	}
	return msgs
}

// PublishBatch stores all or none, and leaves msgs as they are; it gives the
// sequence of the last.
func (c *Conn) PublishBatch(ctx context.Context, msgs []*nats.Msg) (last uint64, err error) {
	copies := make([]*nats.Msg, len(msgs))
	for i, m := range msgs {
		copied := nats.NewMsg(m.Subject)
		for k, v := range m.Header {
			copied.Header[k] = v
		}
		copied.Data, copies[i] = m.Data, copied
	}
	ack, err := jetstreamext.PublishMsgBatch(ctx, c.js, copies,
		jetstreamext.BatchFlowControl{AckFirst: true, AckTimeout: PublishTimeout})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// PublishEach publishes all at once, and tells in their order what became of
// each: the sequence that it has, or why it has none.
func (c *Conn) PublishEach(ctx context.Context, msgs []*nats.Msg, became func(i int, seq uint64, err error)) {
	acks, errs := make([]jetstream.PubAckFuture, len(msgs)), make([]error, len(msgs))
	for i, m := range msgs {
		m.Reply = ""
		acks[i], errs[i] = c.js.PublishMsgAsync(m)
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

// PublishIDs numbers the messages of one writer.
type PublishIDs struct {
	Prefix string
	n      uint64
}

// Next gives an id that was not given yet.
func (p *PublishIDs) Next() string {
	p.n++
	return p.Prefix + strconv.FormatUint(p.n, 10)
}

// PublishID begins the ids of one writer's messages; no two writers share it.
func (c *Conn) PublishID(what string) string {
	return c.opts.NodeID + "." + what + "." + RandomToken(8) + "."
}
