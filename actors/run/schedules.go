package run

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
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

// runSchedules keeps the schedules as alerts and customers ask for.
func (r *Runner) runSchedules(ctx context.Context) error {
	is, err := r.o.Schedules.Schedules(ctx)
	if err != nil {
		return err
	}
	for {
		if err := r.schedule(ctx, is); err != nil {
			return err
		}
		r.trouble("schedules", nil)
		select {
		case <-r.plans:
		case <-ctx.Done():
			return ctx.Err()
		}
		select { // many changes in a row are one
		case <-time.After(r.o.Collect):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// schedule makes what is as it ought to be.
func (r *Runner) schedule(ctx context.Context, is map[transport.RunKey]transport.RunSchedule) error {
	r.mu.Lock()
	customers := maps.Clone(r.customers)
	r.mu.Unlock()
	want := schedulesOf(r.alerts.scheduled(), customers)
	put, remove := scheduleChanges(is, want)
	for _, key := range put {
		if err := r.o.Schedules.PutSchedule(ctx, key, want[key]); err != nil {
			return err
		}
		is[key] = want[key]
	}
	for _, key := range remove {
		if err := r.o.Schedules.RemoveSchedule(ctx, key); err != nil {
			return err
		}
		delete(is, key)
	}
	return nil
}
