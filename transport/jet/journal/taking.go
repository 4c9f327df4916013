package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// State adds to the state of a shard how the journal stands, and how far it
// tells that the other streams had come.
func (s *Store) State(ctx context.Context, state *transport.ShardState) error {
	journal, err := s.js.Stream(ctx, s.shard.Attempts())
	if err != nil {
		return err
	}
	state.JournalLast = journal.CachedInfo().State.LastSeq
	if taken := s.fence.Taken(); taken != 0 {
		state.JournalLast = taken - 1 // as it was before this node wrote to it
	}
	state.JournaledAt, state.Reached, err = s.readProgress(ctx)
	return err
}

// Recent calls each for every record since a time, in order. The record is used
// again after it returns: one is enough for all.
func (s *Store) Recent(ctx context.Context, since time.Time, each func(*transport.Record)) error {
	reader := newRecordReader()
	reader.pool = &recordPool{}
	w := jet.Sweep{Stream: s.shard.Attempts(), Subject: s.subject(), Since: since}
	return s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		err := reader.message(m.Data, func(rec *transport.Record) error {
			each(rec)
			reader.pool.reset()
			return nil
		})
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", m.Sequence, s.shard.Attempts(), err)
		}
		return nil
	})
}

// WriteNow writes one message of the journal, where no Journal is open.
func (s *Store) WriteNow(ctx context.Context, records []*transport.Record) error {
	b := []byte{journalVersion}
	for _, r := range records {
		b = appendPart(b, r, r.Endpoints, 0)
	}
	if err := s.guarded(ctx, s.journalMsg(b), time.Now()); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return s.noteJournal(ctx, s.reached.get().Journal)
}

// Reached sets how far the streams have come, as a shard is taken.
func (s *Store) Reached(r transport.Reached) { s.reached.set(r) }

// Parked notes that DEFERRED has come up to seq.
func (s *Store) Parked(seq uint64) { s.reached.parked(seq) }

// Tell tells waiters of what DEFERRED has up to seq when the journal tells of it
// too; without a Journal at once.
func (s *Store) Tell(seq uint64, waiters []transport.Waiter) { s.reached.tell(seq, waiters) }
