package shard

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

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
		if sl.inHand == 0 && now.Sub(sl.idle) >= s.o.Idle {
			delete(s.slots, id)
			s.retire(sl)
		}
	}
	s.stats.Store(&st)
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
	for _, sl := range s.slots {
		for sl.waiting.Len() > 0 {
			sl.waiting.Pop().Release()
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
