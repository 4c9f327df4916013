package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// detectionsConfig: the log of detections. They are kept for a time, as a run
// that was missed reads them later; full, it refuses what is published.
func detectionsConfig(keep time.Duration, maxBytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               jet.StreamDetections,
		Description:        "Postrider: the log of detections",
		Subjects:           []string{jet.SubjectDetections},
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew,
		MaxAge:             keep,
		MaxBytes:           maxBytes,
		Duplicates:         min(2*time.Minute, keep),
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// LastDetection is the sequence of the last detection that was ever stored.
func (s *Store) LastDetection(ctx context.Context) (uint64, error) {
	return s.conn.LastSequence(ctx, jet.StreamDetections)
}

// DetectionsIdentity names the log of detections such that one made anew has
// another name.
func (s *Store) DetectionsIdentity(ctx context.Context) (string, error) {
	return s.conn.Identity(ctx, jet.StreamDetections)
}

// Detections calls each for every document stored from from until to, oldest
// first. An error of each ends it and is given back.
func (s *Store) Detections(ctx context.Context, from, to time.Time, each func(stored time.Time, doc []byte) error) error {
	first, err := s.conn.FirstMessage(ctx, jet.StreamDetections, jetstreamext.GetBatchStartTime(from))
	if err != nil {
		return fmt.Errorf("stream %s: %w", jet.StreamDetections, jet.Unavailable(err))
	}
	last, err := s.LastDetection(ctx)
	if err != nil || first == nil {
		return err
	}
	err = s.ReadDetections(ctx, first.Sequence, last, func(raws []transport.RawDetection) error {
		for i := range raws {
			if !raws[i].Stored.Before(to) {
				return jet.ErrEnough
			}
			if err := each(raws[i].Stored, raws[i].Data); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, jet.ErrEnough) {
		return nil
	}
	return err
}
