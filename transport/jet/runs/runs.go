package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// BucketRuns holds the last run, open or done, under each transport.RunKey.
const BucketRuns = "RUNS"

// LoadRuns gives the last run of each key, nil where there is none.
func (s *Store) LoadRuns(ctx context.Context, keys []transport.RunKey) ([]*transport.Run, error) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.String()
	}
	values, err := s.lastValues(ctx, BucketRuns, names)
	if err != nil {
		return nil, fmt.Errorf("reading runs: %w", jet.Unavailable(err))
	}
	runs := make([]*transport.Run, len(keys))
	for i, v := range values {
		if v.revision == 0 {
			continue
		}
		if runs[i], err = decodeRun(v.data, v.revision); err != nil {
			return nil, fmt.Errorf("run %s: %w", names[i], err)
		}
	}
	return runs, nil
}

// AllRuns gives the last run of every key.
func (s *Store) AllRuns(ctx context.Context) ([]*transport.Run, error) {
	var runs []*transport.Run
	err := s.conn.Sweep(ctx, jet.Sweep{Stream: "KV_" + BucketRuns, Subject: "$KV." + BucketRuns + ".>"}, func(m *jetstream.RawStreamMsg) error {
		if m.Header.Get(jet.HeaderKVOperation) != "" {
			return nil
		}
		run, err := decodeRun(m.Data, m.Sequence)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Subject, err)
		}
		runs = append(runs, run)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading runs: %w", jet.Unavailable(err))
	}
	return runs, nil
}

func decodeRun(data []byte, revision uint64) (*transport.Run, error) {
	run := &transport.Run{}
	if err := json.Unmarshal(data, run); err != nil {
		return nil, err
	}
	run.Revision = revision
	return run, nil
}

// StoreRun makes run its key's last one in place of the state of run.Revision
// (0: of none), and sets the new revision. transport.ErrConflict: the key has
// another state.
func (s *Store) StoreRun(ctx context.Context, run *transport.Run) error {
	data := jet.CompactJSON(run)
	var err error
	var revision uint64
	if run.Revision == 0 {
		revision, err = s.runs.Create(ctx, run.Key().String(), data)
	} else {
		revision, err = s.runs.Update(ctx, run.Key().String(), data, run.Revision)
	}
	if errors.Is(err, jetstream.ErrKeyExists) || jet.WrongSequence(err) {
		return fmt.Errorf("run %s: %w", run.Key(), transport.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", run.Key(), jet.Unavailable(err))
	}
	run.Revision = revision
	return nil
}

// lastValue is a key's value; revision 0: there is none.
type lastValue struct {
	data     []byte
	revision uint64
}

// lastValuesAtOnce is how many keys one request asks for; the server takes 1,024.
const lastValuesAtOnce = 512

// lastValues gives what keys of a bucket hold, in their order.
func (s *Store) lastValues(ctx context.Context, bucket string, keys []string) ([]lastValue, error) {
	prefix := "$KV." + bucket + "."
	places := make(map[string]int, len(keys))
	values := make([]lastValue, len(keys))
	for from := 0; from < len(keys); from += lastValuesAtOnce {
		part := keys[from:min(from+lastValuesAtOnce, len(keys))]
		subjects := make([]string, len(part))
		for i, key := range part {
			subjects[i] = prefix + key
			places[subjects[i]] = from + i
		}
		if err := s.lastOf(ctx, "KV_"+bucket, subjects, func(m *jetstream.RawStreamMsg) {
			if i, asked := places[m.Subject]; asked && m.Header.Get(jet.HeaderKVOperation) == "" {
				values[i] = lastValue{m.Data, m.Sequence}
			}
		}); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// lastOf gives the last message of each subject that has one.
func (s *Store) lastOf(ctx context.Context, stream string, subjects []string, each func(*jetstream.RawStreamMsg)) error {
	if err := s.conn.Away(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, jet.APITimeout)
	defer cancel()
	found, err := jetstreamext.GetLastMsgsFor(ctx, s.js, stream, subjects)
	if err != nil {
		return err
	}
	for m, err := range found {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil
		}
		if err != nil {
			return err
		}
		each(m)
	}
	return ctx.Err()
}
