package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
)

const (
	// StreamDetections is the log of detections.
	StreamDetections  = "DETECTIONS"
	subjectDetections = "detections.>"
)

// detectionsConfig: the log of detections. They are kept for a time, as a run
// that was missed reads them later; full, it refuses what is published.
func detectionsConfig(keep time.Duration, maxBytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               StreamDetections,
		Description:        "Postrider: the log of detections",
		Subjects:           []string{subjectDetections},
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew,
		MaxAge:             keep,
		MaxBytes:           maxBytes,
		Duplicates:         min(2*time.Minute, keep),
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// detectionsShare is a third of what EVENTS has: a fifth of the store.
func detectionsShare(eventsMax int64) int64 {
	if eventsMax < 0 {
		return -1
	}
	return eventsMax / 3
}

// LastDetection is the sequence of the last detection that was ever stored.
func (s *Store) LastDetection(ctx context.Context) (uint64, error) {
	return s.lastSequence(ctx, StreamDetections)
}

// LastEvent is the sequence of the last event that was ever stored.
func (s *Store) LastEvent(ctx context.Context) (uint64, error) {
	return s.lastSequence(ctx, StreamEvents)
}

func (s *Store) lastSequence(ctx context.Context, stream string) (uint64, error) {
	st, err := s.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", stream, unavailable(err))
	}
	return st.CachedInfo().State.LastSeq, nil
}

// DetectionsIdentity names the log of detections such that one made anew has
// another name.
func (s *Store) DetectionsIdentity(ctx context.Context) (string, error) {
	st, err := s.js.Stream(ctx, StreamDetections)
	if err != nil {
		return "", fmt.Errorf("stream %s: %w", StreamDetections, unavailable(err))
	}
	return StreamDetections + "@" + st.CachedInfo().Created.UTC().Format(time.RFC3339Nano), nil
}

// Detections calls each for every document stored from from until to, oldest
// first. An error of each ends it and is given back.
func (s *Store) Detections(ctx context.Context, from, to time.Time, each func(stored time.Time, doc []byte) error) error {
	first, err := s.firstMessage(ctx, StreamDetections, jetstreamext.GetBatchStartTime(from))
	if err != nil {
		return fmt.Errorf("stream %s: %w", StreamDetections, unavailable(err))
	}
	last, err := s.LastDetection(ctx)
	if err != nil || first == nil {
		return err
	}
	err = s.ReadDetections(ctx, first.Sequence, last, func(raws []transport.RawDetection) error {
		for i := range raws {
			if !raws[i].Stored.Before(to) {
				return errSweepEnough
			}
			if err := each(raws[i].Stored, raws[i].Data); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errSweepEnough) {
		return nil
	}
	return err
}

// BuryDetections makes dead letters of messages that are no detections, each
// once however often they are read, and returns when they are on disk.
func (s *Store) BuryDetections(ctx context.Context, unread []transport.UnreadDetection) error {
	acks := make([]jetstream.PubAckFuture, 0, len(unread))
	for i := range unread {
		ack, err := s.js.PublishMsgAsync(s.detectionLetter(&unread[i]))
		if err != nil {
			return fmt.Errorf("dead letters of detections: %w", unavailable(err))
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
			if told := s.opts.Unreadable; told != nil {
				told(transport.ReasonNotReadable)
			}
		case err := <-ack.Err():
			if !wrongSequence(err) {
				return fmt.Errorf("dead letters of detections: %w", unavailable(err))
			}
		case <-ctx.Done():
			return fmt.Errorf("dead letters of detections: %w", ctx.Err())
		}
	}
	return nil
}

// detectionLetter has a subject of its own, on which nothing may stand yet.
func (s *Store) detectionLetter(u *transport.UnreadDetection) *nats.Msg {
	p := s.letterParcel(&transport.DeadLetter{
		Reason: transport.ReasonNotReadable, Detail: u.Detail, At: s.now(), Subject: u.Subject,
		Event: &transport.Event{Seq: u.Seq, Stored: u.Stored, Data: u.Data},
	}, "")
	p.msg.Subject = "deadletters._.detection-" + strconv.FormatUint(u.Seq, 10)
	p.msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	return p.msg
}
