package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Headers of a run's event that tell what it came to.
const (
	headerRunMatches    = "Postrider-Run-Matches"
	headerRunAlerts     = "Postrider-Run-Alerts"
	headerRunDetections = "Postrider-Run-Detections"
)

const alertEvent = "alert.matches_found"

// FindReport sets run's Event, Matches, Alerts and Detections where its event is stored
// already, and tells whether it is.
func (s *Store) FindReport(ctx context.Context, run *transport.Run) (bool, error) {
	_, found, err := s.findReport(ctx, run)
	if err != nil {
		return false, fmt.Errorf("looking for the event of run %s: %w", run.ID, jet.Unavailable(err))
	}
	return found, nil
}

// findReport gives also the last sequence of the event's subject.
func (s *Store) findReport(ctx context.Context, run *transport.Run) (last uint64, found bool, err error) {
	subject, err := transport.EventSubject(run.Customer, alertEvent)
	if err != nil {
		return 0, false, err
	}
	m, err := s.lastMessage(ctx, s.shard.Events(), subject)
	if err != nil || m == nil {
		return 0, false, err
	}
	last = m.Sequence
	if last <= run.After {
		return last, false, nil
	}
	if reportIs(m, run) {
		return last, true, nil
	}
	w := jet.Sweep{Stream: s.shard.Events(), Subject: subject, From: run.After + 1}
	err = s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if reportIs(m, run) {
			found = true
			return jet.ErrEnough
		}
		return nil
	})
	return last, found, err
}

func reportIs(m *jetstream.RawStreamMsg, run *transport.Run) bool {
	if m.Header.Get(jet.HeaderID) != run.ID {
		return false
	}
	run.Event = m.Sequence
	run.Matches, _ = strconv.Atoi(m.Header.Get(headerRunMatches))
	run.Alerts, _ = strconv.Atoi(m.Header.Get(headerRunAlerts))
	run.Detections, _ = strconv.Atoi(m.Header.Get(headerRunDetections))
	return true
}

// SubmitReport stores the event of a run, alert.matches_found with data, unless
// it is stored already, and sets run.Event. After an error, which may be that
// of an answer that did not come, it may be called again.
func (s *Store) SubmitReport(ctx context.Context, run *transport.Run, data []byte) error {
	for {
		last, found, err := s.findReport(ctx, run)
		if err == nil && !found {
			err = s.submitReport(ctx, run, data, last)
		}
		if err == nil {
			return nil
		}
		if !jet.WrongSequence(err) {
			return fmt.Errorf("the event of run %s: %w", run.ID, jet.Unavailable(s.conn.WhyBroken(err)))
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("the event of run %s: %w", run.ID, err)
		}
	}
}

func (s *Store) submitReport(ctx context.Context, run *transport.Run, data []byte, last uint64) error {
	subject, err := transport.EventSubject(run.Customer, alertEvent)
	if err != nil {
		return err
	}
	m := nats.NewMsg(subject)
	m.Header.Set(jet.HeaderID, run.ID)
	m.Header.Set(jet.HeaderTime, s.now().UTC().Format(time.RFC3339Nano))
	m.Header.Set(headerRunMatches, strconv.Itoa(run.Matches))
	m.Header.Set(headerRunAlerts, strconv.Itoa(run.Alerts))
	m.Header.Set(headerRunDetections, strconv.Itoa(run.Detections))
	m.Data = data
	objects, err := s.setAside(ctx, []*nats.Msg{m})
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, jet.PublishTimeout)
	defer cancel()
	ack, err := s.js.PublishMsg(limited, m, jetstream.WithExpectLastSequencePerSubject(last))
	if err != nil {
		if jet.WrongSequence(err) {
			s.dropPayloads(ctx, objects)
		}
		return err
	}
	run.Event = ack.Sequence
	return nil
}

// lastMessage gives the last message of a subject; nil where there is none.
func (s *Store) lastMessage(ctx context.Context, stream, subject string) (last *jetstream.RawStreamMsg, err error) {
	st, err := s.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	last, err = st.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	return last, err
}
