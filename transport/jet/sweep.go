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

// errSweepEnough ends a sweep early, without an error.
var errSweepEnough = errors.New("enough was read")

const (
	sweepMessages = 512
	sweepBytes    = 8 << 20
)

// sweep says what to read of a stream: messages on subject, from a sequence or
// a time on (neither: all), to the end, which may move while it is read.
type sweep struct {
	stream, subject string
	from            uint64
	since           time.Time
}

// sweep reads a stream in order to its end and calls each for every message.
// It reads with direct gets: a work queue takes no second consumer, and nothing
// is left behind on the server. On a stream with replicas a direct get may be
// answered by one that is behind, so there the leader is asked, one message at
// a time.
func (s *Store) sweep(ctx context.Context, w sweep, each func(*jetstream.RawStreamMsg) error) error {
	stream, err := s.js.Stream(ctx, w.stream)
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	next, since := max(w.from, 1), w.since
	if w.from > 0 {
		since = time.Time{}
	}
	batches := info.Config.Replicas <= 1
	if !batches && !since.IsZero() {
		first, err := s.firstMessage(ctx, w.stream, jetstreamext.GetBatchStartTime(since))
		if err != nil || first == nil {
			return err
		}
		next, since = first.Sequence, time.Time{}
	}
	for {
		last, err := uint64(0), error(nil)
		if batches {
			last, err = s.sweepBatch(ctx, w, next, since, each)
		} else {
			last, err = s.sweepOne(ctx, w, next, each)
		}
		if errors.Is(err, errSweepEnough) || err == nil && last == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		next, since = last+1, time.Time{}
	}
}

// sweepBatch gives the last sequence it read, 0 at the stream's end.
func (s *Store) sweepBatch(ctx context.Context, w sweep, next uint64, since time.Time, each func(*jetstream.RawStreamMsg) error) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	opts := []jetstreamext.GetBatchOpt{jetstreamext.GetBatchSubject(w.subject), jetstreamext.GetBatchMaxBytes(sweepBytes)}
	if since.IsZero() {
		opts = append(opts, jetstreamext.GetBatchSeq(next))
	} else {
		opts = append(opts, jetstreamext.GetBatchStartTime(since))
	}
	found, err := jetstreamext.GetBatch(ctx, s.js, w.stream, sweepMessages, opts...)
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

func (s *Store) sweepOne(ctx context.Context, w sweep, next uint64, each func(*jetstream.RawStreamMsg) error) (last uint64, err error) {
	m, err := s.leaderGet(ctx, w.stream, next, w.subject)
	if err != nil || m == nil {
		return 0, err
	}
	return m.Sequence, each(m)
}

// leaderGet asks the stream's leader for the first message on subject from seq
// on; nil where there is none.
func (s *Store) leaderGet(ctx context.Context, stream string, seq uint64, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	ask, err := json.Marshal(map[string]any{"seq": seq, "next_by_subj": subject})
	if err != nil {
		return nil, err
	}
	reply, err := s.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
	if err != nil {
		return nil, err
	}
	return readGot(reply.Data)
}

// leaderLast asks the stream's leader for the last message on subject; nil where
// there is none.
func (s *Store) leaderLast(ctx context.Context, stream, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	ask, err := json.Marshal(map[string]any{"last_by_subj": subject})
	if err != nil {
		return nil, err
	}
	reply, err := s.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
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

// firstMessage gives the first message that opts ask for, nil where there is none.
func (s *Store) firstMessage(ctx context.Context, stream string, opts ...jetstreamext.GetBatchOpt) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	found, err := jetstreamext.GetBatch(ctx, s.js, stream, 1, opts...)
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

// journalEntry is one record with where it was found.
type journalEntry struct {
	seq uint64 // the message's sequence in ATTEMPTS
	at  time.Time
	rec *transport.Record
}

// ReadJournal calls each for every record of the journal since a time (zero:
// all that is kept), in order, to its end.
func (s *Store) ReadJournal(ctx context.Context, since time.Time, each func(*transport.Record) error) error {
	err := s.readJournal(ctx, since, nil, func(e journalEntry) error { return each(e.rec) })
	if err != nil {
		return fmt.Errorf("reading the journal: %w", unavailable(err))
	}
	return nil
}

// readJournal tells message, where given, of each message's sequence before
// its records.
func (s *Store) readJournal(ctx context.Context, since time.Time, message func(seq uint64), each func(journalEntry) error) error {
	records := newRecordReader()
	w := sweep{stream: StreamAttempts, subject: subjectJournal, since: since}
	return s.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if message != nil {
			message(m.Sequence)
		}
		err := records.message(m.Data, func(r *transport.Record) error {
			return each(journalEntry{seq: m.Sequence, at: m.Time, rec: r})
		})
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", m.Sequence, StreamAttempts, err)
		}
		return nil
	})
}
