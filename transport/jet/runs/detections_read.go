package runs

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// detectionChunk is how many detections are handed on at once.
	detectionChunk = 256
	// detectionPull is how many wait in the client.
	detectionPull = 4096
	// detectionIdle is how long nothing comes before it is asked whether
	// anything is left.
	detectionIdle = 500 * time.Millisecond
)

// ReadDetections gives what is kept of DETECTIONS from sequence from to to, both
// inclusive, in order, in chunks that take may keep. An error of take ends it
// and is given back.
func (s *Store) ReadDetections(ctx context.Context, from, to uint64, take func([]transport.RawDetection) error) error {
	return s.readDetections(ctx, max(from, 1), to, take)
}

// FollowDetections is ReadDetections without an end: it goes on with what comes,
// until ctx ends.
func (s *Store) FollowDetections(ctx context.Context, from uint64, take func([]transport.RawDetection) error) error {
	return s.readDetections(ctx, max(from, 1), math.MaxUint64, take)
}

// detectionReader makes chunks of what an ordered consumer delivers. Its
// handler runs on one goroutine.
type detectionReader struct {
	next, to uint64
	chunk    []transport.RawDetection
	out      chan []transport.RawDetection
	quit     <-chan struct{}
}

func (s *Store) readDetections(ctx context.Context, from, to uint64, take func([]transport.RawDetection) error) error {
	left, err := s.detectionsLeft(ctx, from, to)
	if err != nil || !left && to != math.MaxUint64 {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cons, err := s.js.OrderedConsumer(ctx, jet.StreamDetections, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, InactiveThreshold: time.Minute})
	if err != nil {
		return fmt.Errorf("reading %s: %w", jet.StreamDetections, jet.Unavailable(err))
	}
	r := &detectionReader{next: from, to: to, out: make(chan []transport.RawDetection, 4), quit: ctx.Done()}
	running, err := cons.Consume(r.handle, jetstream.PullMaxMessages(detectionPull), jetstream.PullExpiry(30*time.Second),
		jetstream.PullHeartbeat(10*time.Second),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			s.log.Debug("pulling", "stream", jet.StreamDetections, "err", err)
		}))
	if err != nil {
		return fmt.Errorf("reading %s: %w", jet.StreamDetections, jet.Unavailable(err))
	}
	defer running.Stop()
	return s.takeDetections(ctx, r, from, running.Closed(), take)
}

// takeDetections hands chunks on until the end.
func (s *Store) takeDetections(ctx context.Context, r *detectionReader, next uint64, closed <-chan struct{}, take func([]transport.RawDetection) error) error {
	idle := time.NewTicker(detectionIdle)
	defer idle.Stop()
	for next <= r.to {
		select {
		case chunk := <-r.out:
			if err := take(chunk); err != nil {
				return err
			}
			next = chunk[len(chunk)-1].Seq + 1
			idle.Reset(detectionIdle)
		case <-idle.C:
			if r.to == math.MaxUint64 {
				continue
			}
			if left, err := s.detectionsLeft(ctx, next, r.to); err != nil || !left {
				return err
			}
		case <-closed:
			return fmt.Errorf("reading %s: %w: the consumer ended", jet.StreamDetections, transport.ErrUnavailable)
		case <-ctx.Done():
			return fmt.Errorf("reading %s: %w", jet.StreamDetections, ctx.Err())
		}
	}
	return nil
}

// detectionsLeft tells whether anything is kept from sequence from to to.
func (s *Store) detectionsLeft(ctx context.Context, from, to uint64) (bool, error) {
	if from > to {
		return false, nil
	}
	first, err := s.conn.FirstMessage(ctx, jet.StreamDetections, jetstreamext.GetBatchSeq(from))
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", jet.StreamDetections, jet.Unavailable(err))
	}
	return first != nil && first.Sequence <= to, nil
}

// handle takes one message. What comes after to, or again, is passed over.
func (r *detectionReader) handle(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil || meta.Sequence.Stream < r.next {
		return
	}
	seq := meta.Sequence.Stream
	if seq <= r.to {
		r.chunk = append(r.chunk, transport.RawDetection{Seq: seq, Stored: meta.Timestamp, Subject: m.Subject(), Data: m.Data()})
		r.next = seq + 1
	}
	if len(r.chunk) > 0 && (len(r.chunk) == detectionChunk || meta.NumPending == 0 || seq >= r.to) {
		select {
		case r.out <- r.chunk:
		case <-r.quit:
		}
		r.chunk = make([]transport.RawDetection, 0, detectionChunk)
	}
}
