package deadletters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// maxLetters is the most of one page.
	maxLetters = 500
	// Letters are read backwards in steps, larger ones where few match.
	firstStep = 256
	mostStep  = 8192
)

// DeadLetters lists letters, newest first. next is the Before of the page
// after it, 0 where there is none. Limit is 1 to 500; 0 means 100.
func (s *Store) DeadLetters(ctx context.Context, f transport.LetterFilter) (page []transport.DeadLetter, next uint64, err error) {
	limit := f.Limit
	if limit == 0 {
		limit = 100
	}
	if limit < 0 || limit > maxLetters {
		return nil, 0, &transport.FieldError{Field: "limit", Message: fmt.Sprintf("not between 1 and %d", maxLetters)}
	}
	filter, err := letterFilter(f)
	if err != nil {
		return nil, 0, err
	}
	stream, err := s.js.Stream(ctx, s.shard.DeadLetters())
	if err != nil {
		return nil, 0, fmt.Errorf("reading dead letters: %w", jet.Unavailable(err))
	}
	state := stream.CachedInfo().State
	before := state.LastSeq + 1
	if f.Before != 0 {
		before = min(before, f.Before)
	}
	for step := uint64(firstStep); before > max(state.FirstSeq, 1); step = min(2*step, mostStep) {
		from := max(state.FirstSeq, before-min(step, before-1))
		found, err := s.lettersBetween(ctx, filter, from, before, &f)
		if err != nil {
			return nil, 0, fmt.Errorf("reading dead letters: %w", jet.Unavailable(err))
		}
		for i := len(found) - 1; i >= 0; i-- {
			if len(page) == limit {
				return page, page[limit-1].ID, nil
			}
			page = append(page, found[i])
		}
		before = from
	}
	return page, 0, nil
}

func letterFilter(f transport.LetterFilter) (string, error) {
	customer, endpoint := "*", "*"
	if f.Customer != "" {
		if err := transport.CheckCustomer(f.Customer); err != nil {
			return "", err
		}
		customer = f.Customer
	}
	if f.Endpoint != "" {
		if endpoint = f.Endpoint; transport.CheckCustomer(endpoint) != nil {
			return "", &transport.FieldError{Field: "endpoint", Message: "not an endpoint's id"}
		}
	}
	return "deadletters." + customer + "." + endpoint, nil
}

// lettersBetween gives those from (inclusive) to before (exclusive), in order.
func (s *Store) lettersBetween(ctx context.Context, subject string, from, before uint64, f *transport.LetterFilter) ([]transport.DeadLetter, error) {
	var found []transport.DeadLetter
	sweep := jet.Sweep{Stream: s.shard.DeadLetters(), Subject: subject, From: from}
	err := s.conn.Sweep(ctx, sweep, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence >= before {
			return jet.ErrEnough
		}
		d, err := decodeLetter(m.Sequence, m.Data)
		if err != nil {
			s.log.Warn("a dead letter cannot be read", "id", m.Sequence, "err", err)
			return nil
		}
		if f.Chooses(d) {
			found = append(found, *d)
		}
		return nil
	})
	return found, err
}

// DeadLetter gives one letter; an error wrapping transport.ErrNotFound where
// there is none.
func (s *Store) DeadLetter(ctx context.Context, id uint64) (*transport.DeadLetter, error) {
	stream, err := s.js.Stream(ctx, s.shard.DeadLetters())
	if err != nil {
		return nil, fmt.Errorf("dead letter %d: %w", id, jet.Unavailable(err))
	}
	m, err := stream.GetMsg(ctx, max(id, 1))
	if id == 0 || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("dead letter %d: %w", id, transport.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("dead letter %d: %w", id, jet.Unavailable(err))
	}
	if jet.IsOwnerRecord(m.Subject) {
		return nil, fmt.Errorf("dead letter %d: %w", id, transport.ErrNotFound)
	}
	d, err := decodeLetter(id, m.Data)
	if err != nil {
		return nil, fmt.Errorf("dead letter %d: %w", id, err)
	}
	return d, nil
}

func decodeLetter(id uint64, data []byte) (*transport.DeadLetter, error) {
	var l letterJSON
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, err
	}
	d := &transport.DeadLetter{ID: id, Customer: l.Customer, Endpoint: l.Endpoint, Reason: l.Reason, Detail: l.Detail,
		At: l.At, Replay: l.Replay, LastAnswer: []byte(l.LastAnswer), Subject: l.Subject}
	if len(l.LastAnswerBase64) > 0 {
		d.LastAnswer = l.LastAnswerBase64
	}
	if len(d.LastAnswer) == 0 {
		d.LastAnswer = nil
	}
	for _, t := range l.Tries {
		took, err := time.ParseDuration(t.Took)
		if err != nil {
			return nil, fmt.Errorf("a try's took: %w", err)
		}
		d.Tries = append(d.Tries, transport.Try{At: t.At, Took: took, Status: t.Status, Class: classOf(t.Class), Reason: t.Reason})
	}
	if ev := l.Event; ev != nil {
		d.Event = &transport.Event{Apart: true, Seq: ev.Seq, ID: ev.ID, IDGiven: ev.IDGiven, Customer: l.Customer, Type: ev.Type,
			Source: ev.Source, Cloud: ev.Cloud, Time: ev.Time, Stored: ev.Stored, Traceparent: ev.Traceparent, Object: ev.Object, Data: ev.Data}
		if len(l.Raw) > 0 {
			d.Event.Data = l.Raw
		}
	}
	if l.RawCut {
		d.Detail += fmt.Sprintf(" (its first %d bytes are kept)", len(l.Raw))
	}
	return d, nil
}

func classOf(word string) transport.Class {
	for c := transport.Delivered; c <= transport.Aborted; c++ {
		if c.String() == word {
			return c
		}
	}
	return 0
}

// ReplayPair parks an event for an endpoint anew, due at once, and gives the
// number of that replay.
type ReplayPair func(ctx context.Context, endpoint string, ev *transport.Event) (replay uint64, err error)

// Replay parks the letter's pair anew, due at once, without tries
// and with a replay number of its own, which it gives back when that is
// durable, by replayPair. The letter stays; asked again, it is another replay. A
// letter without an endpoint or an event is a *transport.FieldError.
func (s *Store) Replay(ctx context.Context, id uint64, replayPair ReplayPair) (replay uint64, err error) {
	d, err := s.DeadLetter(ctx, id)
	if err != nil {
		return 0, err
	}
	switch {
	case d.Endpoint == "":
		return 0, &transport.FieldError{Field: "id", Message: fmt.Sprintf(
			"dead letter %d is a document that could not be read (%s) and was owed to nobody; publish it again, mended", id, d.Reason)}
	case d.Event == nil || len(d.Event.Data) == 0 && d.Event.Object == "":
		return 0, withoutData(id)
	}
	if object := d.Event.Object; object != "" {
		if there, err := s.conn.HasPayload(ctx, object); err != nil {
			return 0, fmt.Errorf("replaying dead letter %d: %w", id, err)
		} else if !there {
			return 0, withoutData(id)
		}
	}
	if replay, err = replayPair(ctx, d.Endpoint, d.Event); err != nil {
		return 0, fmt.Errorf("replaying dead letter %d: %w", id, err)
	}
	return replay, nil
}

func withoutData(id uint64) error {
	return &transport.FieldError{Field: "id", Message: fmt.Sprintf(
		"dead letter %d no longer has its event's data; publish the event again", id)}
}
