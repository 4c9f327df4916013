package jet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Replay parks a pair anew, due at once, without tries and with a replay number
// of its own, which it gives back when that is durable. Asked again, it is
// another replay.
func (s *Store) Replay(ctx context.Context, endpoint string, ev *transport.Event) (replay uint64, err error) {
	now := s.now()
	for replay = uint64(now.UnixNano()); ; replay++ {
		err := s.parkReplay(ctx, endpoint, ev, replay, now)
		var api *jetstream.APIError
		if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			continue // another replay has that number
		}
		return replay, unavailable(err)
	}
}

func (s *Store) parkReplay(ctx context.Context, endpoint string, ev *transport.Event, replay uint64, due time.Time) error {
	e := transport.Entry{Event: ev, Replay: replay, Hop: 1, Due: due}
	it := s.encodeItem(&e)
	// Without a name, so that a number that is taken shows.
	p := segmentParcel(ev.Customer, []item{it}, &transport.Cut{Wake: it.Wake, Entries: []int{0}, Segment: parked{
		Endpoint: endpoint, First: it.Place, Hop: it.Hop, Entries: 1, Bytes: int64(it.Size), Counted: true}}, s.clock.ahead())
	p.msg.Header.Set(headerSegment, randomToken(8))
	for _, o := range p.objects {
		if err := s.changes.putPayload(ctx, o.name, o.data); err != nil {
			return err
		}
	}
	_, err := s.changes.publish(ctx, p.msg, jetstream.WithExpectLastSequencePerSubject(0))
	return err
}

// EventAt is the first sequence of the log stored at t or later; the one after
// the last where there is none.
func (s *Store) EventAt(ctx context.Context, t time.Time) (uint64, error) {
	stream, err := s.js.Stream(ctx, StreamEvents)
	if err != nil {
		return 0, fmt.Errorf("finding the events since %s: %w", t.Format(time.RFC3339), unavailable(err))
	}
	seq, err := s.firstSince(ctx, stream.CachedInfo().State.LastSeq, t)
	if err != nil {
		return 0, fmt.Errorf("finding the events since %s: %w", t.Format(time.RFC3339), unavailable(err))
	}
	return seq, nil
}

// EventsOf calls each for a customer's events from one sequence to another,
// both included, in order, until each is false. Documents that cannot be read,
// and those whose payload is gone, are passed over.
func (s *Store) EventsOf(ctx context.Context, customer string, from, to uint64, each func(*transport.Event) (more bool)) error {
	if err := transport.CheckCustomer(customer); err != nil {
		return err
	}
	w := sweep{stream: StreamEvents, subject: "*." + customer + ".>", from: from}
	err := s.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence > to {
			return errSweepEnough
		}
		ev, letter, err := decodeInbound(ctx, &inbound{Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Sequence, Stored: m.Time}, s.GetPayload)
		if err != nil || letter != nil {
			return err
		}
		if !each(ev) {
			return errSweepEnough
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading events: %w", unavailable(err))
	}
	return nil
}
