package run

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// schedulesOf gives when keys are due: by their customers' cron expressions and
// time zones.
func schedulesOf(keys []transport.RunKey, customers map[string]transport.Customer) map[transport.RunKey]transport.RunSchedule {
	all := make(map[transport.RunKey]transport.RunSchedule, len(keys))
	for _, key := range keys {
		c := customers[key.Customer]
		all[key] = transport.RunSchedule{Cron: strings.Join(strings.Fields(c.Schedule(key.Type)), " "), Zone: cmp.Or(c.TimeZone, "UTC")}
	}
	return all
}

// scheduleChanges gives what makes is as want.
func scheduleChanges(is, want map[transport.RunKey]transport.RunSchedule) (put, remove []transport.RunKey) {
	for key, schedule := range want {
		if is[key] != schedule {
			put = append(put, key)
		}
	}
	for key := range is {
		if _, wanted := want[key]; !wanted {
			remove = append(remove, key)
		}
	}
	byName := func(a, b transport.RunKey) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(put, byName)
	slices.SortFunc(remove, byName)
	return put, remove
}

// scheduler keeps the schedules as alerts and customers ask for.
type scheduler struct {
	store    Schedules
	needed   func() []transport.RunKey // the keys that need a schedule
	collect  time.Duration
	troubles *troubles
	wake     chan struct{} // alerts or customers may have changed

	mu        sync.Mutex
	customers map[string]transport.Customer
}

func newScheduler(store Schedules, needed func() []transport.RunKey, collect time.Duration, t *troubles) *scheduler {
	return &scheduler{store: store, needed: needed, collect: collect, troubles: t,
		wake: make(chan struct{}, 1), customers: map[string]transport.Customer{}}
}

// customer takes one state of a customer in.
func (s *scheduler) customer(c *transport.Customer) {
	s.mu.Lock()
	s.customers[c.ID] = *c
	s.mu.Unlock()
	s.changed()
}

// changed: other keys may need a schedule.
func (s *scheduler) changed() { nudge(s.wake) }

// run keeps the schedules until ctx ends or the store fails.
func (s *scheduler) run(ctx context.Context) error {
	is, err := s.store.Schedules(ctx)
	if err != nil {
		return err
	}
	for {
		if err := s.adjust(ctx, is); err != nil {
			return err
		}
		s.troubles.note(partSchedules, nil)
		select {
		case <-s.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		select { // many changes in a row are one
		case <-time.After(s.collect):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// adjust makes what is as it ought to be.
func (s *scheduler) adjust(ctx context.Context, is map[transport.RunKey]transport.RunSchedule) error {
	s.mu.Lock()
	customers := maps.Clone(s.customers)
	s.mu.Unlock()
	want := schedulesOf(s.needed(), customers)
	put, remove := scheduleChanges(is, want)
	for _, key := range put {
		if err := s.store.PutSchedule(ctx, key, want[key]); err != nil {
			return err
		}
		is[key] = want[key]
	}
	for _, key := range remove {
		if err := s.store.RemoveSchedule(ctx, key); err != nil {
			return err
		}
		delete(is, key)
	}
	return nil
}
