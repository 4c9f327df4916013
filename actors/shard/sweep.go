package shard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

// tickOnce looks after room and line, and sweeps now and then.
func (s *Shard) tickOnce() {
	if s.relieve(false) || s.o.Away() {
		s.taken.wait(s.o.Deps.Now())
	}
	s.relieve(true)
	s.sendCanary()
	if s.ticks++; s.ticks%sweepEvery == 0 {
		s.sweep()
	}
}

// sweep asks for more time for what is held long, ends idle actors, and takes
// the figures.
func (s *Shard) sweep() {
	now := s.o.Deps.Now()
	st := Stats{Actors: len(s.slots), Endpoints: len(s.routes.byID), Held: len(s.events) + len(s.dues)}
	_, st.WindowBytes = s.fresh.used()
	for _, h := range s.events {
		s.touch(h, now, &st)
	}
	for _, h := range s.dues {
		s.touch(h, now, &st)
	}
	for id, sl := range s.slots {
		st.InHand += sl.inHand
		st.Waiting += sl.waiting.Len()
		sl.shedding = sl.shedding && sl.inHand > credit/2
		if sl.inHand == 0 && now.Sub(sl.idle) >= s.o.Idle && !s.keepsOrder(id, sl) {
			delete(s.slots, id)
			sl.past.Ended(now)
			s.retire(sl)
		}
	}
	for _, p := range s.parked {
		st.Parked += max(0, p.Entries)
	}
	for id := range s.pasts {
		if s.slots[id] == nil {
			s.forgetPast(id, now)
		}
	}
	st.Waiting += len(s.behind)
	if s.taken.giveUp(now) {
		s.o.Logger.Warn("events are missing from the log; ordered endpoints go on without them")
		s.letGo()
	}
	s.stats.Store(&st)
}

// keepsOrder: an ordered endpoint's actor knows what is parked, and lives on
// as long as anything is.
func (s *Shard) keepsOrder(id string, sl *slot) bool {
	ep := s.routes.byID[id]
	return ep != nil && ep.Delivery.Ordered && s.parked.of(id).Entries > 0
}

func (s *Shard) touch(h *held, now time.Time, st *Stats) {
	st.Oldest = max(st.Oldest, now.Sub(h.since))
	if now.Sub(h.touched) >= progressEvery {
		h.handle.InProgress()
		h.touched = now
	}
}

// Drain makes no new leases, hands back what waits, and returns when nothing
// is in hand: attempts under way have ended and their outcomes are durable. At
// the end of ctx it gives up and returns an error; what is in hand then comes
// again after a restart.
func (s *Shard) Drain(ctx context.Context) error {
	s.fresh.close()
	s.back.close()
	done := make(chan struct{})
	s.call(func() {
		s.drained = append(s.drained, done)
		s.startDrain()
	})
	select {
	case <-done:
		return nil
	case <-s.stop:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("leases still in hand: %w", ctx.Err())
	}
}

func (s *Shard) startDrain() {
	if s.draining {
		return
	}
	s.draining = true
	for _, l := range s.behind {
		l.Release()
	}
	s.behind = nil
	for _, id := range slices.Sorted(maps.Keys(s.slots)) {
		sl := s.slots[id]
		for sl.waiting.Len() > 0 {
			sl.next().Release()
		}
		sl.ref.Send(endpoint.Drain{})
	}
}

func (s *Shard) checkDrained() {
	if len(s.events)+len(s.dues) > 0 {
		return
	}
	for _, done := range s.drained {
		close(done)
	}
	s.drained = nil
}

// Stop ends the shard's actor and those of its endpoints, whatever they hold.
// Stopping twice is fine.
func (s *Shard) Stop(ctx context.Context) error {
	var err error
	s.once.Do(func() {
		s.fresh.close()
		s.back.close()
		s.ticker.Stop()
		retired := make(chan []*slot, 1)
		s.call(func() {
			s.draining = true
			var all []*slot
			for _, sl := range s.slots {
				all = append(all, sl)
			}
			s.slots = map[string]*slot{}
			retired <- all
		})
		select {
		case all := <-retired:
			for _, sl := range all {
				sl.ref.Send(endpoint.Quit{})
				if e := sl.ref.Stop(ctx); e != nil {
					err = e
				}
			}
		case <-ctx.Done():
			err = fmt.Errorf("stop the shard: %w", ctx.Err())
		}
		close(s.stop)
		if e := s.ref.Stop(ctx); e != nil {
			err = e
		}
		s.running.Wait()
	})
	return err
}
