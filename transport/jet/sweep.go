package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
)

// ErrEnough ends a sweep early, without an error.
var ErrEnough = errors.New("enough was read")

const (
	sweepMessages = 512
	sweepBytes    = 8 << 20
)

// Sweep says what to read of a stream: messages on subject, from a sequence or
// a time on (neither: all), to the end, which may move while it is read.
type Sweep struct {
	Stream, Subject string
	From            uint64
	Since           time.Time
}

// Sweep reads a stream in order to its end and calls each for every message.
// It reads with direct gets: a work queue takes no second consumer, and nothing
// is left behind on the server. On a stream with replicas a direct get may be
// answered by one that is behind, so there the leader is asked, one message at
// a time.
func (c *Conn) Sweep(ctx context.Context, w Sweep, each func(*jetstream.RawStreamMsg) error) error {
	stream, err := c.js.Stream(ctx, w.Stream)
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	next, since := max(w.From, 1), w.Since
	if w.From > 0 {
		since = time.Time{}
	}
	batches := info.Config.Replicas <= 1
	if !batches && !since.IsZero() {
		first, err := c.FirstMessage(ctx, w.Stream, jetstreamext.GetBatchStartTime(since))
		if err != nil || first == nil {
			return err
		}
		next, since = first.Sequence, time.Time{}
	}
	for {
		last, err := uint64(0), error(nil)
		if batches {
			last, err = c.sweepBatch(ctx, w, next, since, each)
		} else {
			last, err = c.sweepOne(ctx, w, next, each)
		}
		if errors.Is(err, ErrEnough) || err == nil && last == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		next, since = last+1, time.Time{}
	}
}

// sweepBatch gives the last sequence it read, 0 at the stream's end.
func (c *Conn) sweepBatch(ctx context.Context, w Sweep, next uint64, since time.Time, each func(*jetstream.RawStreamMsg) error) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, APITimeout)
	defer cancel()
	opts := []jetstreamext.GetBatchOpt{jetstreamext.GetBatchSubject(w.Subject), jetstreamext.GetBatchMaxBytes(sweepBytes)}
	if since.IsZero() {
		opts = append(opts, jetstreamext.GetBatchSeq(next))
	} else {
		opts = append(opts, jetstreamext.GetBatchStartTime(since))
	}
	found, err := jetstreamext.GetBatch(ctx, c.js, w.Stream, sweepMessages, opts...)
	if err != nil {
		return 0, err
	}
	for m, err := range found {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return last, nil
		}
		if err != nil {
			return 0, err
		}
		if last = m.Sequence; !since.IsZero() && m.Time.Before(since) {
			continue
		}
		if err := each(m); err != nil {
			return 0, err
		}
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return last, nil
}

func (c *Conn) sweepOne(ctx context.Context, w Sweep, next uint64, each func(*jetstream.RawStreamMsg) error) (last uint64, err error) {
	m, err := c.LeaderGet(ctx, w.Stream, next, w.Subject)
	if err != nil || m == nil {
		return 0, err
	}
	return m.Sequence, each(m)
}

// LeaderGet asks the stream's leader for the first message on subject from seq
// on; nil where there is none.
func (c *Conn) LeaderGet(ctx context.Context, stream string, seq uint64, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, APITimeout)
	defer cancel()
	ask, err := json.Marshal(map[string]any{"seq": seq, "next_by_subj": subject})
	if err != nil {
		return nil, err
	}
	reply, err := c.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
	if err != nil {
		return nil, err
	}
	return readGot(reply.Data)
}

// LeaderLast asks the stream's leader for the last message on subject; nil where
// there is none.
func (c *Conn) LeaderLast(ctx context.Context, stream, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, APITimeout)
	defer cancel()
	ask, err := json.Marshal(map[string]any{"last_by_subj": subject})
	if err != nil {
		return nil, err
	}
	reply, err := c.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
	if err != nil {
		return nil, err
	}
	return readGot(reply.Data)
}

// readGot reads what the leader answered; nil where there is no such message.
func readGot(answer []byte) (m *jetstream.RawStreamMsg, err error) {
	var got struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, err
	}
	switch {
	case got.Error != nil && got.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, nil
	case got.Error != nil:
		return nil, got.Error
	case got.Message == nil:
		return nil, jetstream.ErrInvalidJSAck
	}
	m = &jetstream.RawStreamMsg{Subject: got.Message.Subject, Sequence: got.Message.Seq, Data: got.Message.Data, Time: got.Message.Time}
	if len(got.Message.Header) > 0 {
		if m.Header, err = nats.DecodeHeadersMsg(got.Message.Header); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// FirstMessage gives the first message that opts ask for, nil where there is none.
func (c *Conn) FirstMessage(ctx context.Context, stream string, opts ...jetstreamext.GetBatchOpt) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, APITimeout)
	defer cancel()
	found, err := jetstreamext.GetBatch(ctx, c.js, stream, 1, opts...)
	if err != nil {
		return nil, err
	}
	for m, err := range found {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, nil
		}
		return m, err
	}
	return nil, ctx.Err()
}

// LastSequence is that of the last message that a stream ever had.
func (c *Conn) LastSequence(ctx context.Context, stream string) (uint64, error) {
	st, err := c.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", stream, Unavailable(err))
	}
	return st.CachedInfo().State.LastSeq, nil
}

// SequenceSince is the first one of a stream that was stored at a time or later;
// the one after the last where there is none.
func (c *Conn) SequenceSince(ctx context.Context, stream string, t time.Time) (uint64, error) {
	last, err := c.LastSequence(ctx, stream)
	if err != nil {
		return 0, err
	}
	m, err := c.FirstMessage(ctx, stream, jetstreamext.GetBatchStartTime(t))
	if err != nil || m == nil {
		return last + 1, err
	}
	return m.Sequence, nil
}

// FirstSequence is that of the first message that a stream has now.
func (c *Conn) FirstSequence(ctx context.Context, stream string) (uint64, error) {
	st, err := c.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", stream, Unavailable(err))
	}
	return st.CachedInfo().State.FirstSeq, nil
}

// Identity names a stream such that one made anew has another name: its own and
// when it was created.
func (c *Conn) Identity(ctx context.Context, stream string) (string, error) {
	st, err := c.js.Stream(ctx, stream)
	if err != nil {
		return "", fmt.Errorf("stream %s: %w", stream, Unavailable(err))
	}
	return stream + "@" + st.CachedInfo().Created.UTC().Format(time.RFC3339Nano), nil
}

// Message gives one message of a stream; transport.ErrNotFound where it is no
// longer kept.
func (c *Conn) Message(ctx context.Context, name string, seq uint64) (*jetstream.RawStreamMsg, error) {
	stream, err := c.js.Stream(ctx, name)
	if err != nil {
		return nil, Unavailable(err)
	}
	m, err := stream.GetMsg(ctx, max(seq, 1))
	if seq == 0 || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, transport.ErrNotFound
	}
	return m, Unavailable(err)
}
