package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deferred"
)

// Taking says what is to be read as a shard is taken, and makes of it what is
// owed. It is begun once; then Next tells what is to be read, and what of that
// is found is given in, until it is transport.ReadNothing. What it is given is
// its own, but for records, which are used again.
type Taking interface {
	deferred.Taking
	Begin(transport.ShardState)
	Next() transport.Reading
	Record(*transport.Record)
	Recovered() *transport.Recovered
}

// Recover takes the shard: it sets both consumers back to their ack floors, so
// that everything not settled comes again, and has t tell from the journal and
// DEFERRED what had already become of it. Consume must not run meanwhile.
//
// Where a stream has lost its end, that is made good and told: see mend. What of
// DEFERRED was put back and has gone on since is known then; a start after that,
// before it is due again, takes it as it is, and may have it sent once more.
//
// Each id that a producer gave within the dedup time is told to seen, oldest
// first, perhaps twice; nil: to nobody.
func (s *Store) Recover(ctx context.Context, t Taking, c deferred.Cutter, seen func(transport.SeenID)) (*transport.Recovered, error) {
	state, err := s.state(ctx)
	if err != nil {
		return nil, taking(err)
	}
	records := t.Record
	if seen != nil {
		since := s.Now().Add(-s.opts.DedupTime)
		state.SeenSince = since
		records = func(rec *transport.Record) {
			t.Record(rec)
			tellSeen(rec, since, seen)
		}
	}
	t.Begin(state)
	for next := t.Next(); next.What != transport.ReadNothing; next = t.Next() {
		if next.What == transport.ReadJournal {
			err = s.Attempts.Recent(ctx, next.Since, records)
		} else {
			err = s.Deferred.Read(ctx, &next, t)
		}
		if err != nil {
			return nil, taking(err)
		}
	}
	found := t.Recovered()
	if err := s.mend(ctx, t, c, found, &state); err != nil {
		return nil, taking(err)
	}
	return found, nil
}

// state sets the consumers back and tells how the streams stand then.
func (s *Store) state(ctx context.Context) (state transport.ShardState, err error) {
	if state.Floor, err = s.Events.Restart(ctx); err != nil {
		return state, err
	}
	if err = s.Deferred.Restart(ctx); err != nil {
		return state, err
	}
	if err = s.Attempts.State(ctx, &state); err != nil {
		return state, err
	}
	if err = s.Events.FindLoss(ctx, &state); err != nil {
		return state, err
	}
	if state.NextAt, err = s.Events.StoredAfter(ctx, state.Floor); err != nil {
		return state, err
	}
	return state, s.Deferred.State(ctx, &state)
}

func tellSeen(rec *transport.Record, since time.Time, seen func(transport.SeenID)) {
	if rec.Kind != transport.FanOut || rec.At.Before(since) || isOfLog(rec.EventID, rec.Seq) {
		return
	}
	seen(transport.SeenID{Customer: rec.Customer, ID: rec.EventID, Seq: rec.Seq, At: rec.At})
}

// isOfLog tells whether an event's id is the one that the log made.
func isOfLog(id string, seq uint64) bool {
	digits, ours := strings.CutPrefix(id, shard.Events()+"-")
	if !ours {
		return false
	}
	var made [20]byte
	return string(strconv.AppendUint(made[:0], seq, 10)) == digits
}

func taking(err error) error { return fmt.Errorf("taking the shard: %w", jet.Unavailable(err)) }
