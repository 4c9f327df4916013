package deferred

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
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
		return replay, jet.Unavailable(err)
	}
}

func (s *Store) parkReplay(ctx context.Context, endpoint string, ev *transport.Event, replay uint64, due time.Time) error {
	s.referring.RLock()
	defer s.referring.RUnlock()
	e := transport.Entry{Event: ev, Replay: replay, Hop: 1, Due: due}
	it := s.encodeItem(&e)
	// Without a name, so that a number that is taken shows.
	segment := parked{Endpoint: endpoint, First: it.Place, Hop: it.Hop, Entries: 1, Bytes: int64(it.Size), Refers: it.Refers, Counted: true}
	if it.Refers {
		segment.Low = it.Seq
	}
	p := s.segmentParcel(ev.Customer, []item{it}, &transport.Cut{Wake: it.Wake, Entries: []int{0}, Segment: segment}, s.clock.ahead())
	p.Msg.Header.Set(headerSegment, jet.RandomToken(8))
	for _, o := range p.Objects {
		if err := s.changes.PutPayload(ctx, o.Name, o.Data); err != nil {
			return err
		}
	}
	_, err := s.changes.Publish(ctx, p.Msg, jetstream.WithExpectLastSequencePerSubject(0))
	return err
}
