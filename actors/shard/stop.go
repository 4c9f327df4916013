package shard

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
)

// Drain makes no new leases, hands back what waits, and returns when nothing
// is in hand: attempts under way have ended and their outcomes are durable. At
// the end of ctx it gives up and returns an error; what is in hand then comes
// again after a restart.
func (s *Shard) Drain(ctx context.Context) error {
	s.fresh.close()
	s.back.close()
	done := make(chan struct{})
	s.call(func(now time.Time) {
		s.drained = append(s.drained, done)
		s.step(now, Input{Kind: Drained})
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

// Stop ends the shard's actor and those of its endpoints, whatever they hold.
// Stopping twice is fine.
func (s *Shard) Stop(ctx context.Context) error {
	var err error
	s.once.Do(func() {
		s.fresh.close()
		s.back.close()
		s.ticker.Stop()
		if e := s.stopEndpoints(ctx); e != nil {
			err = e
		}
		close(s.stop)
		if e := s.ref.Stop(ctx); e != nil {
			err = e
		}
		s.running.Wait()
	})
	return err
}

func (s *Shard) stopEndpoints(ctx context.Context) (err error) {
	ended := make(chan []*actors.Ref, 1)
	s.call(func(now time.Time) {
		var all []*actors.Ref
		for _, a := range s.machine.active {
			all = append(all, a.actor.ref)
		}
		s.step(now, Input{Kind: Stopped})
		ended <- all
	})
	select {
	case all := <-ended:
		for _, ref := range all {
			ref.Send(endpoint.Quit{})
			if e := ref.Stop(ctx); e != nil {
				err = e
			}
		}
	case <-ctx.Done():
		err = fmt.Errorf("stop the shard: %w", ctx.Err())
	}
	return err
}
