package runs

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/cron"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// headerZone is the time zone that a schedule's cron expression is read in.
	headerZone = "Nats-Schedule-Time-Zone"
	// headerCron is the expression as the customer wrote it, from which the
	// schedule was made.
	headerCron = "Postrider-Cron"
)

// Schedules gives when runs are due: by key the cron expression of five fields
// and its time zone.
func (s *Store) Schedules(ctx context.Context) (map[transport.RunKey]transport.RunSchedule, error) {
	all := map[transport.RunKey]transport.RunSchedule{}
	err := s.conn.Sweep(ctx, jet.Sweep{Stream: StreamRuns, Subject: subjectSchedules + ">"}, func(m *jetstream.RawStreamMsg) error {
		customer, alertType, _ := strings.Cut(strings.TrimPrefix(m.Subject, subjectSchedules), ".")
		all[transport.RunKey{Customer: customer, Type: alertType}] = transport.RunSchedule{
			Cron: cmp.Or(m.Header.Get(headerCron), strings.TrimPrefix(m.Header.Get(jet.HeaderSchedule), cronSeconds)),
			Zone: m.Header.Get(headerZone)}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading schedules: %w", jet.Unavailable(err))
	}
	return all, nil
}

// cronSeconds stands before cron's five fields in schedules that were stored
// before headerCron was.
const cronSeconds = "0 "

// PutSchedule has JetStream trigger runs of a key, in place of the schedule it
// had. After the node was away, what was due meanwhile is due once.
func (s *Store) PutSchedule(ctx context.Context, key transport.RunKey, schedule transport.RunSchedule) error {
	due, err := cron.JetStream(schedule.Cron)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", key, err)
	}
	m := nats.NewMsg(subjectSchedules + key.String())
	m.Header.Set(jet.HeaderSchedule, due)
	m.Header.Set(headerCron, schedule.Cron)
	m.Header.Set(headerZone, schedule.Zone)
	m.Header.Set(jet.HeaderTarget, subjectTriggers+key.String())
	if _, err := s.js.PublishMsg(ctx, m); err != nil {
		return fmt.Errorf("schedule %s: %w", key, jet.Unavailable(err))
	}
	return nil
}

// RemoveSchedule ends a key's schedule; one that is not there is fine.
func (s *Store) RemoveSchedule(ctx context.Context, key transport.RunKey) error {
	stream, err := s.js.Stream(ctx, StreamRuns)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject(subjectSchedules+key.String()))
	}
	if err != nil {
		return fmt.Errorf("schedule %s: %w", key, jet.Unavailable(err))
	}
	return nil
}
