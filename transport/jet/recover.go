package jet

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
)

// Taking says what is to be read as a shard is taken, and makes of it what is
// owed. It is begun once; then Next tells what is to be read, and what of that
// is found is given in, until it is transport.ReadNothing. What it is given is
// its own, but for records, which are used again.
type Taking interface {
	Begin(transport.ShardState)
	Next() transport.Reading
	Segment(*transport.Segment, transport.Lying)
	Listed(p *transport.ParkedSegment, messages uint64)
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
func (s *Store) Recover(ctx context.Context, t Taking, c Cutter, seen func(transport.SeenID)) (*transport.Recovered, error) {
	r := &takeover{store: s, taking: t, seen: seen}
	state, err := r.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("taking the shard: %w", unavailable(err))
	}
	found := t.Recovered()
	if err := s.mend(ctx, t, c, found, &state); err != nil {
		return nil, fmt.Errorf("taking the shard: %w", unavailable(err))
	}
	return found, nil
}

// takeover reads what a Taking asks for.
type takeover struct {
	store  *Store
	taking Taking
	seen   func(transport.SeenID)
	since  time.Time // how far back ids are told
}

func (r *takeover) run(ctx context.Context) (state transport.ShardState, err error) {
	if state, err = r.state(ctx); err != nil {
		return state, err
	}
	r.taking.Begin(state)
	for next := r.taking.Next(); next.What != transport.ReadNothing; next = r.taking.Next() {
		if err := r.read(ctx, &next); err != nil {
			return state, err
		}
	}
	return state, nil
}

// state sets the consumers back and tells how the streams stand then.
func (r *takeover) state(ctx context.Context) (state transport.ShardState, err error) {
	s := r.store
	if state.Floor, err = s.resetToFloor(ctx, StreamEvents, ""); err != nil {
		return state, err
	}
	if _, err = s.resetToFloor(ctx, StreamDeferred, dueFilter()); err != nil {
		return state, err
	}
	journal, err := s.js.Stream(ctx, StreamAttempts)
	if err != nil {
		return state, err
	}
	state.JournaledAt, state.JournalLast = journal.CachedInfo().State.LastTime, journal.CachedInfo().State.LastSeq
	if err := s.lossState(ctx, &state); err != nil {
		return state, err
	}
	event, err := s.firstMessage(ctx, StreamEvents, jetstreamext.GetBatchSeq(state.Floor+1))
	if err != nil {
		return state, err
	}
	if event != nil {
		state.NextAt = event.Time
	}
	due, err := s.firstMessage(ctx, StreamDeferred, jetstreamext.GetBatchSubject(dueFilter()))
	if err != nil {
		return state, err
	}
	if due != nil {
		state.FirstDue, state.DueAt = due.Sequence, due.Time
	}
	deferred, err := s.js.Stream(ctx, StreamDeferred)
	if err != nil {
		return state, err
	}
	state.DeferredLast = deferred.CachedInfo().State.LastSeq
	state.Mending = deferred.CachedInfo().Config.Metadata[metaMending] != ""
	if d := s.opts.DedupTime; d > 0 && r.seen != nil {
		r.since = s.now().Add(-d)
		state.SeenSince = r.since
	}
	return state, nil
}

// resetToFloor gives the consumer's ack floor.
func (s *Store) resetToFloor(ctx context.Context, stream, filter string) (uint64, error) {
	if _, err := s.ensureConsumer(ctx, stream, filter, 0); err != nil {
		return 0, fmt.Errorf("consumer on %s: %w", stream, err)
	}
	reset, err := s.js.ResetConsumer(ctx, stream, consumerName)
	if err != nil {
		return 0, fmt.Errorf("setting the consumer on %s back: %w", stream, err)
	}
	return reset.ResetSeq - 1, nil
}

func (r *takeover) read(ctx context.Context, next *transport.Reading) error {
	s := r.store
	switch next.What {
	case transport.ReadDeferred:
		return r.sweep(ctx, sweep{stream: StreamDeferred, subject: ">", from: next.From})
	case transport.ReadDue:
		return r.sweep(ctx, sweep{stream: StreamDeferred, subject: dueFilter(), from: next.From})
	case transport.CountSegments:
		return r.sweep(ctx, sweep{stream: StreamDeferred, subject: fmt.Sprintf("*.%d.*.*", shard)})
	case transport.ReadSegments:
		for rest := next.Segments; len(rest) > 0; {
			part := cutParked(&rest, math.MaxInt)
			if err := s.readSchedules(ctx, part, func(_ int, m *jetstream.RawStreamMsg) { r.segment(m) }); err != nil {
				return err
			}
		}
		return nil
	case transport.ListParked:
		return r.list(ctx, parkFilter(""))
	case transport.ListDue:
		return r.list(ctx, dueFilter())
	case transport.ReadJournal:
		return r.journal(ctx, next.Since)
	}
	return fmt.Errorf("nobody knows how to read %d", next.What)
}

func (r *takeover) sweep(ctx context.Context, w sweep) error {
	return r.store.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		r.segment(m)
		return nil
	})
}

// segment gives one in. One that cannot be read is buried when it comes due.
func (r *takeover) segment(m *jetstream.RawStreamMsg) {
	seg, err := decodeSegment(m.Data)
	if err != nil {
		r.store.log.Error("a parked segment cannot be read", "seq", m.Sequence, "subject", m.Subject, "err", err)
		return
	}
	r.taking.Segment(seg, transport.Lying{Seq: m.Sequence, Stored: m.Time, Due: strings.HasPrefix(m.Subject, "due.")})
}

// list gives names in. A subject that is none is of a version without counts.
func (r *takeover) list(ctx context.Context, filter string) error {
	err := r.store.subjectsOf(ctx, StreamDeferred, filter, func(subject string, messages uint64) {
		p, ok := readParked(subject)
		if !ok {
			p = parked{}
		}
		r.taking.Listed(&p, messages)
	})
	if err != nil {
		return fmt.Errorf("counting what is parked: %w", err)
	}
	return nil
}

// journal keeps no record, so that one is enough for all.
func (r *takeover) journal(ctx context.Context, since time.Time) error {
	reader := newRecordReader()
	reader.pool = &recordPool{}
	w := sweep{stream: StreamAttempts, subject: subjectJournal, since: since}
	return r.store.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		err := reader.message(m.Data, func(rec *transport.Record) error {
			r.taking.Record(rec)
			r.tellSeen(rec)
			reader.pool.reset()
			return nil
		})
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", m.Sequence, StreamAttempts, err)
		}
		return nil
	})
}

func (r *takeover) tellSeen(rec *transport.Record) {
	if r.since.IsZero() || rec.Kind != transport.FanOut || rec.At.Before(r.since) || isOfLog(rec.EventID, rec.Seq) {
		return
	}
	r.seen(transport.SeenID{Customer: rec.Customer, ID: rec.EventID, Seq: rec.Seq, At: rec.At})
}

// isOfLog tells whether an event's id is the one that the log made.
func isOfLog(id string, seq uint64) bool {
	digits, ours := strings.CutPrefix(id, StreamEvents+"-")
	if !ours {
		return false
	}
	var made [20]byte
	return string(strconv.AppendUint(made[:0], seq, 10)) == digits
}
