package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// journalEntry is one record with where it was found.
type journalEntry struct {
	seq uint64 // the message's sequence in ATTEMPTS
	at  time.Time
	rec *transport.Record
}

// ReadJournal calls each for every record of the journal since a time (zero:
// all that is kept), in order, to its end.
func (s *Store) ReadJournal(ctx context.Context, since time.Time, each func(*transport.Record) error) error {
	err := s.readJournal(ctx, since, nil, func(e journalEntry) error { return each(e.rec) })
	if err != nil {
		return fmt.Errorf("reading the journal: %w", jet.Unavailable(err))
	}
	return nil
}

// readJournal tells message, where given, of each message's place before its
// records.
func (s *Store) readJournal(ctx context.Context, since time.Time, message func(place), each func(journalEntry) error) error {
	records := newRecordReader()
	w := jet.Sweep{Stream: s.shard.Attempts(), Subject: s.subject(), Since: since}
	return s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if message != nil {
			message(placeOf(m))
		}
		err := records.message(m.Data, func(r *transport.Record) error {
			return each(journalEntry{seq: m.Sequence, at: m.Time, rec: r})
		})
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", m.Sequence, s.shard.Attempts(), err)
		}
		return nil
	})
}
