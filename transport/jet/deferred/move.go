package deferred

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport/jet"
)

const (
	// moveSegments and moveBytes bound what of DEFERRED is moved in one go.
	moveSegments = 64
	moveBytes    = 4 << 20
	// soon is how shortly before its time a segment is left to fire by itself:
	// its schedule may be at it already, and would fire beside us.
	soon = time.Second
)

// bringBack has segments fire now, in place of their schedules, and gives how
// many entries are on their way back: those of segments about to fire by
// themselves too, none of segments that are gone.
//
// Each is published only while its schedule is there as it was read: no schedule
// is written anew meanwhile, so what is refused or is not found has fired. What
// remains is a schedule that fires between that check and its purge, and a
// second copy by it, which shows by its name.
func (s *Store) bringBack(ctx context.Context, all []parked) (entries int, err error) {
	s.moving.Lock()
	defer s.moving.Unlock()
	ctx, cancel := context.WithTimeout(ctx, jet.PublishTimeout)
	defer cancel()
	by := s.now().Add(s.clock.ahead() + soon)
	inOrder := make([]*nats.Msg, len(all))
	err = s.readSchedules(ctx, all, func(i int, m *jetstream.RawStreamMsg) {
		entries += all[i].Entries
		if at, err := scheduledFor(m.Header); err != nil || at.After(by) {
			inOrder[i] = fired(m)
		}
	})
	if err != nil {
		return 0, err
	}
	return entries, s.publishGuarded(ctx, slices.DeleteFunc(inOrder, func(m *nats.Msg) bool { return m == nil }))
}

// readSchedules tells each segment that is still there, by its place in all, in
// any order. On a stream with replicas the leader is asked: see sweep.
func (s *Store) readSchedules(ctx context.Context, all []parked, each func(i int, m *jetstream.RawStreamMsg)) error {
	ctx, cancel := context.WithTimeout(ctx, jet.APITimeout)
	defer cancel()
	ctx, unlink, err := s.conn.Linked(ctx)
	if err != nil {
		return err
	}
	defer unlink()
	stream, err := s.js.Stream(ctx, s.shard.Deferred())
	if err != nil {
		return err
	}
	if stream.CachedInfo().Config.Replicas > 1 {
		for i := range all {
			m, err := s.conn.LeaderGet(ctx, s.shard.Deferred(), 1, s.parkSubject(&all[i]))
			if err != nil {
				return err
			}
			if m != nil {
				each(i, m)
			}
		}
		return nil
	}
	return s.readLast(ctx, all, each)
}

func (s *Store) readLast(ctx context.Context, all []parked, each func(i int, m *jetstream.RawStreamMsg)) error {
	subjects, places := make([]string, len(all)), make(map[string]int, len(all))
	for i := range all {
		subjects[i] = s.parkSubject(&all[i])
		places[subjects[i]] = i
	}
	found, err := jetstreamext.GetLastMsgsFor(ctx, s.js, s.shard.Deferred(), subjects)
	if err != nil {
		return err
	}
	for m, err := range found {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			break
		}
		if err != nil {
			return err
		}
		if i, asked := places[m.Subject]; asked {
			each(i, m)
		}
	}
	return ctx.Err()
}

// fired is what the schedule m would fire, and takes its place.
func fired(m *jetstream.RawStreamMsg) *nats.Msg {
	msg := moved(m, m.Header.Get(jet.HeaderTarget), m.Subject)
	msg.Header.Set(jetstream.ScheduleNextHeader, "purge")
	msg.Header.Set(jetstream.SchedulerHeader, m.Subject)
	msg.Header.Set(headerRecalled, "1")
	return msg
}

// moved is the segment of a schedule for another message on subject to, refused
// where the schedule on park is not m any more.
func moved(m *jetstream.RawStreamMsg, to, park string) *nats.Msg {
	msg := nats.NewMsg(to)
	msg.Data = m.Data
	if id := m.Header.Get(headerSegment); id != "" {
		msg.Header.Set(headerSegment, id)
	}
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(m.Sequence, 10))
	msg.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, park)
	return msg
}

// publishGuarded publishes what its guard lets through. What is refused by its
// guard is no error: it went its way meanwhile.
func (s *Store) publishGuarded(ctx context.Context, msgs []*nats.Msg) error {
	if len(msgs) == 0 {
		return nil
	}
	if err := s.conn.Away(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, jet.PublishTimeout)
	defer cancel()
	began := time.Now()
	if !s.conn.Unsynced() && !s.moves.Apart(len(msgs)) && s.tryBatch(ctx, msgs) {
		s.moves.TookTogether(len(msgs), time.Since(began))
		return nil
	}
	began = time.Now()
	var failed error
	s.conn.PublishEach(ctx, msgs, func(_ int, _ uint64, err error) {
		if err != nil && !jet.WrongSequence(err) {
			failed = err
		}
	})
	if failed != nil {
		return fmt.Errorf("moving what is parked: %w", failed)
	}
	s.moves.TookApart(len(msgs), time.Since(began))
	return nil
}

func (s *Store) tryBatch(ctx context.Context, msgs []*nats.Msg) bool {
	_, err := s.conn.PublishBatch(ctx, msgs)
	return err == nil
}

// pace bounds work to so many pieces a second.
type pace struct {
	each time.Duration
	next time.Time
}

func newPace(perSecond int) *pace { return &pace{each: time.Second / time.Duration(perSecond)} }

// wait rests after n pieces; the error is ctx's.
func (p *pace) wait(ctx context.Context, n int) error {
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(n) * p.each)
	t := time.NewTimer(p.next.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
