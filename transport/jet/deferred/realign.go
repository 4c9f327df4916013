package deferred

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// metaSkew in the metadata of DEFERRED tells by how much the server's clock
	// was ahead of ours when the schedules there were written ("1h0m0s"; none:
	// not at all), or that they are being written anew.
	metaSkew     = "postrider-skew"
	skewInTheAir = "?"

	// skewLeft is how far schedules may be off before they are written anew.
	skewLeft = time.Second
	// realignPace bounds how many are written anew in a second.
	realignPace = 500
)

// keepClock follows the server's clock and, where it and ours have moved
// against each other, writes what is parked anew.
func (p *Parker) keepClock() {
	s := p.store
	tick := time.NewTicker(s.watchClock)
	defer tick.Stop()
	back, unlisten := s.conn.Reconnects()
	defer unlisten()
	for failed := false; ; {
		err := p.checkClock(p.ctx)
		if err != nil && !failed && p.ctx.Err() == nil {
			s.log.Warn("the times of what is parked cannot be held to the server's clock for now", "err", jet.Unavailable(err))
		}
		failed = err != nil
		select {
		case <-tick.C:
		case <-back:
		case <-s.clock.doubt:
		case <-p.ctx.Done():
			return
		}
	}
}

func (p *Parker) checkClock(ctx context.Context) error {
	skew, written, err := p.store.askClock(ctx)
	if err != nil {
		return err
	}
	was, err := time.ParseDuration(cmp.Or(written, "0s"))
	if err == nil && (skew-was).Abs() <= skewLeft {
		return nil
	}
	p.store.log.Warn("the NATS server's clock and this node's have moved against each other; what is parked is written anew",
		"server_ahead", skew, "written_for", written)
	moved, err := p.realign(ctx, skew)
	if err == nil && moved {
		groupcommit.Nudge(p.store.clock.doubt)
	}
	return err
}

// realign writes every schedule anew that is not where skew puts it, the
// soonest first. It ends early where the clocks moved once more. By the mark it
// begins with, the next node does it where this one ends on the way. Any change
// of the stream also has the server set its timer anew, which did not move with
// the clock and could be set to fire too late.
func (p *Parker) realign(ctx context.Context, skew time.Duration) (moved bool, err error) {
	if err := p.store.markSkew(ctx, skewInTheAir); err != nil {
		return false, err
	}
	// What was written for the skew of before is in DEFERRED before it is read.
	if err := p.Flush(ctx); err != nil {
		return false, err
	}
	off, err := p.store.misaligned(ctx, skew)
	if err != nil {
		return false, err
	}
	pace := newPace(realignPace)
	asked := time.Now()
	for len(off) > 0 {
		part := off[:min(len(off), moveSegments)]
		off = off[len(part):]
		if err := p.store.rewrite(ctx, part, skew); err != nil {
			return false, err
		}
		if err := pace.wait(ctx, len(part)); err != nil {
			return false, err
		}
		if time.Since(asked) >= p.store.watchClock {
			now, _, err := p.store.askClock(ctx)
			if err != nil {
				return false, err
			}
			if (now - skew).Abs() > skewLeft {
				return true, nil
			}
			asked = time.Now()
		}
	}
	if err := p.store.markSkew(ctx, skew.String()); err != nil {
		return false, err
	}
	p.store.log.Info("what is parked is written for the server's clock as it is now", "server_ahead", skew)
	return false, nil
}

func (s *Store) markSkew(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, jet.APITimeout)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.shard.Deferred())
	if err != nil {
		return err
	}
	config := stream.CachedInfo().Config
	if config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	config.Metadata[metaSkew] = text
	if _, err := s.js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("stream %s: %w", s.shard.Deferred(), err)
	}
	return nil
}

// misplaced is a schedule that is to be written anew, and what for.
type misplaced struct {
	seq  uint64
	wake int64 // Unix nanoseconds by the node's clock
}

func (s *Store) misaligned(ctx context.Context, skew time.Duration) ([]misplaced, error) {
	var off []misplaced
	w := jet.Sweep{Stream: s.shard.Deferred(), Subject: s.parkFilter("")}
	err := s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		wake, err := segmentWake(m.Data)
		if err != nil {
			return nil // it is buried when it comes due
		}
		at, err := scheduledFor(m.Header)
		if err == nil && at.Sub(wake.Add(skew)).Abs() > earlyBy && wake.Unix() > 0 {
			off = append(off, misplaced{m.Sequence, wake.UnixNano()})
		}
		return nil
	})
	slices.SortFunc(off, func(a, b misplaced) int { return cmp.Compare(a.wake, b.wake) })
	return off, err
}

// rewrite replaces schedules that are still there.
func (s *Store) rewrite(ctx context.Context, part []misplaced, skew time.Duration) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	msgs := make([]*nats.Msg, 0, len(part))
	for _, p := range part {
		m, err := s.conn.LeaderGet(ctx, s.shard.Deferred(), p.seq, s.parkFilter(""))
		if err != nil {
			return err
		}
		if m == nil || m.Sequence != p.seq {
			continue // fired, or recalled
		}
		msg := moved(m, m.Subject, m.Subject)
		msg.Header.Set(jet.HeaderSchedule, scheduleText(time.Unix(0, p.wake), skew))
		msg.Header.Set(jet.HeaderTarget, m.Header.Get(jet.HeaderTarget))
		msgs = append(msgs, msg)
	}
	return s.publishGuarded(ctx, msgs)
}
