package jet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// prepareStreams creates the streams and buckets, or brings them up to date.
func (s *Store) prepareStreams(ctx context.Context) error {
	configs, err := s.streamConfigs(ctx)
	if err != nil {
		return err
	}
	for _, c := range configs {
		if err := s.prepareStream(ctx, c); err != nil {
			return fmt.Errorf("stream %s: %w", c.Name, unavailable(err))
		}
	}
	return s.prepareBuckets(ctx)
}

// streamConfigs are the streams as they are to be; the buckets are made by
// those who use them.
func (s *Store) streamConfigs(ctx context.Context) ([]jetstream.StreamConfig, error) {
	eventsMax, err := s.eventsMaxBytes(ctx)
	if err != nil {
		return nil, err
	}
	return []jetstream.StreamConfig{
		eventsConfig(eventsMax), deferredConfig(), attemptsConfig(s.opts.AttemptsKeep), deadLettersConfig(s.opts.DeadLettersKeep),
		detectionsConfig(s.opts.DetectionsKeep, detectionsShare(eventsMax)), runsConfig(), runLogConfig(),
	}, nil
}

// eventsConfig: the log. Full, it refuses what is published rather than forget
// what is not delivered. JetStream's own dedup knows no customers, so it is
// set to its minimum. Rollup stays off: a producer's header must not purge.
func eventsConfig(maxBytes int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               StreamEvents,
		Description:        "Postrider: the log of events",
		Subjects:           []string{subjectEvents, subjectOps, subjectFill},
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew,
		MaxBytes:           maxBytes,
		Duplicates:         100 * time.Millisecond,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// deferredConfig: what waits. Message schedules refuse DiscardNew.
func deferredConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               StreamDeferred,
		Description:        "Postrider: what waits for its time",
		Subjects:           []string{subjectPark, subjectDue},
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.WorkQueuePolicy,
		AllowMsgSchedules:  true,
		AllowRollup:        true,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

func attemptsConfig(keep time.Duration) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               StreamAttempts,
		Description:        "Postrider: the journal of attempts, skips and fan-outs",
		Subjects:           []string{subjectAttempts},
		Storage:            jetstream.FileStorage,
		MaxAge:             keep,
		Duplicates:         min(2*time.Minute, keep),
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// deadLettersConfig: without an age unless one is asked for. What was given up
// is the only copy of what an endpoint did not get.
func deadLettersConfig(keep time.Duration) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               StreamDeadLetters,
		Description:        "Postrider: what was given up, or could not be read",
		Subjects:           []string{subjectDeadLetters},
		Storage:            jetstream.FileStorage,
		MaxAge:             keep,
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// eventsMaxBytes is 60 % of the store, so that publishing is refused while
// there is room yet for parking and the journal; -1 where nothing bounds it.
func (s *Store) eventsMaxBytes(ctx context.Context) (int64, error) {
	limit := s.opts.MaxStore
	if s.embedded != nil {
		limit = s.embedded.maxStore
	} else if limit == 0 {
		info, err := s.js.AccountInfo(ctx)
		if err != nil {
			return 0, fmt.Errorf("JetStream account: %w", unavailable(err))
		}
		limit = info.Limits.MaxStore
	}
	if limit <= 0 {
		return -1, nil
	}
	return eventsShare(limit), nil
}

func eventsShare(limit int64) int64 { return limit / 10 * 6 }

// prepareStream leaves what an operator may have chosen, replicas and placement,
// and what is noted in the metadata.
func (s *Store) prepareStream(ctx context.Context, c jetstream.StreamConfig) error {
	there, err := s.js.Stream(ctx, c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		c.Replicas = 1
		_, err = s.js.CreateStream(ctx, c)
		return err
	}
	if err != nil {
		return err
	}
	was := there.CachedInfo().Config
	c.Replicas, c.Placement, c.Metadata = was.Replicas, was.Placement, was.Metadata
	_, err = s.js.UpdateStream(ctx, c)
	return err
}

func (s *Store) prepareBuckets(ctx context.Context) (err error) {
	if s.endpoints, err = s.bucket(ctx, BucketEndpoints, "Postrider: endpoints"); err != nil {
		return err
	}
	if s.customers, err = s.bucket(ctx, BucketCustomers, "Postrider: customers"); err != nil {
		return err
	}
	if err = s.prepareMemory(ctx); err != nil {
		return err
	}
	if err = s.prepareAlerts(ctx); err != nil {
		return err
	}
	s.payloads, err = s.js.ObjectStore(ctx, BucketPayloads)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		s.payloads, err = s.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: BucketPayloads, Description: "Postrider: payloads over the message limit", Storage: jetstream.FileStorage})
	}
	if err != nil {
		return fmt.Errorf("object store %s: %w", BucketPayloads, unavailable(err))
	}
	if s.changes.payloads, err = s.changes.js.ObjectStore(ctx, BucketPayloads); err != nil {
		return fmt.Errorf("object store %s: %w", BucketPayloads, unavailable(err))
	}
	return nil
}

// changing is kv with its writes as changes.
func (s *Store) changing(ctx context.Context, kv jetstream.KeyValue) (jetstream.KeyValue, error) {
	writes, err := s.changes.js.KeyValue(ctx, kv.Bucket())
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", kv.Bucket(), unavailable(err))
	}
	return &changedBucket{KeyValue: kv, changes: &s.changes, writes: writes}, nil
}

func (s *Store) bucket(ctx context.Context, name, description string) (jetstream.KeyValue, error) {
	kv, err := s.js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, Description: description, History: 1, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", name, unavailable(err))
	}
	return s.changing(ctx, kv)
}

// Purge drops from EVENTS what is both settled and older than EventsKeep: up to
// the earlier of the shard consumer's ack floor and the newest message of that
// age. Without the consumer nothing is settled, and nothing is purged.
func (s *Store) Purge(ctx context.Context) error {
	stream, err := s.js.Stream(ctx, StreamEvents)
	if err != nil {
		return fmt.Errorf("purging %s: %w", StreamEvents, unavailable(err))
	}
	consumer, err := stream.Consumer(ctx, consumerName)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("purging %s: %w", StreamEvents, unavailable(err))
	}
	state := stream.CachedInfo().State
	old, err := s.firstSince(ctx, state.LastSeq, s.now().Add(-s.opts.EventsKeep))
	if err != nil {
		return fmt.Errorf("purging %s: finding what is older than %s: %w", StreamEvents, s.opts.EventsKeep, unavailable(err))
	}
	first := min(old, consumer.CachedInfo().AckFloor.Stream+1)
	if state.Msgs == 0 || first <= state.FirstSeq {
		return nil
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(first)); err != nil {
		return fmt.Errorf("purging %s below %d: %w", StreamEvents, first, unavailable(err))
	}
	return nil
}

// firstSince is the sequence of the first event stored at t or later, or the
// one after last where there is none.
func (s *Store) firstSince(ctx context.Context, last uint64, t time.Time) (uint64, error) {
	found, err := jetstreamext.GetBatch(ctx, s.js, StreamEvents, 1, jetstreamext.GetBatchStartTime(t))
	if err != nil {
		return 0, err
	}
	for m, err := range found {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return last + 1, nil
		}
		if err != nil {
			return 0, err
		}
		return m.Sequence, nil
	}
	return last + 1, nil
}

// unavailable marks errors that tell of a server away or a store full, and
// leaves the rest as they are.
func unavailable(err error) error {
	if err == nil || !publisher.Unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", transport.ErrUnavailable, err)
}

// LogIdentity names the log such that one made anew has another name: the
// stream and when it was created.
func (s *Store) LogIdentity(ctx context.Context) (string, error) {
	stream, err := s.js.Stream(ctx, StreamEvents)
	if err != nil {
		return "", fmt.Errorf("stream %s: %w", StreamEvents, unavailable(err))
	}
	return StreamEvents + "@" + stream.CachedInfo().Created.UTC().Format(time.RFC3339Nano), nil
}
