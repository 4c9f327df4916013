package jet

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
)

// recoverMargin is how much earlier than needed the journal's reading begins,
// and how much younger than its end a due message may be and have a record: the
// server's clock may have been set back meanwhile.
const recoverMargin = time.Minute

// Recover takes the shard: it sets both consumers back to their ack floors, so
// that everything not settled comes again, and tells from the journal and
// DEFERRED what had already become of it. Consume must not run meanwhile.
//
// The journal is read from a minute before the oldest message that will come
// again: no record of it can be older. Kept are pairs of events above the floor,
// and pairs whose due message was not acked; nothing else can come back. A pair
// that was parked and never tried is met by its event, above the floor, or by
// its due message. A schedule that the server fires a second time around a
// kill -9 shows by what was parked again of it, and by its segment's name; where
// it fires after this, and its first copy was settled before, the pair may be
// sent again.
//
// Each id that a producer gave within the dedup time is told to seen, oldest
// first; nil: to nobody.
func (s *Store) Recover(ctx context.Context, seen func(transport.SeenID)) (*transport.Recovered, error) {
	r := newRecovery(s, seen)
	if err := r.run(ctx); err != nil {
		return nil, fmt.Errorf("taking the shard: %w", unavailable(err))
	}
	return r.out, nil
}

type recovery struct {
	store  *Store
	out    *transport.Recovered
	margin time.Duration
	// journaled is the time of the journal's last message; a due message that
	// is younger by more than the margin has no record yet. Its pairs are kept
	// where another message has them too; till then young has their hashes and
	// hops, since an overdue backlog may be long.
	journaled time.Time
	seed      maphash.Seed
	young     map[uint64]uint32
	firstDue  uint64            // in DEFERRED; 0: nothing is due
	due       map[string]*spans // of what is due, by endpoint
	seen      func(transport.SeenID)
	seenSince time.Time // how far back ids are told
}

func newRecovery(s *Store, seen func(transport.SeenID)) *recovery {
	return &recovery{store: s, seen: seen, margin: recoverMargin, seed: maphash.MakeSeed(), young: map[uint64]uint32{}, due: map[string]*spans{},
		out: &transport.Recovered{
			FanOuts: map[uint64][]string{},
			Pairs:   map[transport.Pair]transport.PairState{},
			Skipped: map[uint64]bool{},
		}}
}

func (r *recovery) run(ctx context.Context) error {
	var err error
	if r.out.Floor, err = r.store.resetToFloor(ctx, StreamEvents, ""); err != nil {
		return err
	}
	if _, err = r.store.resetToFloor(ctx, StreamDeferred, dueFilter()); err != nil {
		return err
	}
	journal, err := r.store.js.Stream(ctx, StreamAttempts)
	if err != nil {
		return err
	}
	r.journaled = journal.CachedInfo().State.LastTime
	since, err := r.since(ctx)
	if err != nil {
		return err
	}
	if !since.IsZero() {
		if err := r.readDeferred(ctx); err != nil {
			return err
		}
	}
	if r.out.Parked, err = r.store.census(ctx); err != nil {
		return fmt.Errorf("counting what is parked: %w", err)
	}
	if d := r.store.opts.DedupTime; d > 0 && r.seen != nil {
		r.seenSince = r.store.now().Add(-d)
		if since.IsZero() || r.seenSince.Before(since) {
			since = r.seenSince
		}
	}
	if since.IsZero() {
		return nil
	}
	return r.readJournal(ctx, since)
}

// readJournal keeps no record, so that one is enough for all.
func (r *recovery) readJournal(ctx context.Context, since time.Time) error {
	reader := newRecordReader()
	reader.pool = &recordPool{}
	w := sweep{stream: StreamAttempts, subject: subjectJournal, since: since}
	return r.store.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		err := reader.message(m.Data, func(rec *transport.Record) error {
			r.record(rec)
			reader.pool.reset()
			return nil
		})
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", m.Sequence, StreamAttempts, err)
		}
		return nil
	})
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

// since is where the reading begins; zero where nothing will come again.
func (r *recovery) since(ctx context.Context) (time.Time, error) {
	event, err := r.store.firstMessage(ctx, StreamEvents, jetstreamext.GetBatchSeq(r.out.Floor+1))
	if err != nil {
		return time.Time{}, err
	}
	due, err := r.store.firstMessage(ctx, StreamDeferred, jetstreamext.GetBatchSubject(dueFilter()))
	if err != nil {
		return time.Time{}, err
	}
	if due != nil {
		r.firstDue = due.Sequence
	}
	var since time.Time
	for _, m := range []*jetstream.RawStreamMsg{event, due} {
		if m != nil && (since.IsZero() || m.Time.Before(since)) {
			since = m.Time
		}
	}
	if since.IsZero() {
		return since, nil
	}
	return since.Add(-r.margin), nil
}

func (r *recovery) record(rec *transport.Record) {
	above := rec.Seq > r.out.Floor
	switch {
	case rec.Kind == transport.FanOut:
		r.fanOut(rec, above)
	case rec.Endpoint == "":
		if above && rec.Kind == transport.Skipped {
			r.out.Skipped[rec.Seq] = true
		}
	default:
		pair := transport.Pair{Seq: rec.Seq, Endpoint: rec.Endpoint, Replay: rec.Replay}
		state, known := r.out.Pairs[pair]
		if known || above {
			advance(&state, rec)
			r.out.Pairs[pair] = state
		}
	}
}

// fanOut keeps an event's first one; a repeat is of a crash.
func (r *recovery) fanOut(rec *transport.Record, above bool) {
	if above {
		if _, known := r.out.FanOuts[rec.Seq]; known {
			return
		}
		r.out.FanOuts[rec.Seq] = slices.Clone(rec.Endpoints)
	}
	if r.seenSince.IsZero() || rec.At.Before(r.seenSince) || isOfLog(rec.EventID, rec.Seq) {
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

// advance adds a record to what is known of its pair. Attempts are told by
// their number: those that the parked entry carries are in the journal too.
func advance(state *transport.PairState, rec *transport.Record) {
	if state.Final {
		return
	}
	if rec.Final() {
		*state = transport.PairState{Final: true, Hop: state.Hop}
		return
	}
	if rec.Kind != transport.Tried || rec.Number < len(state.Tries) {
		return
	}
	if rec.Number > len(state.Tries) {
		state.Tries = append(state.Tries, transport.Try{At: rec.At, Took: rec.Answer.Took,
			Status: rec.Answer.Status, Class: rec.Answer.Class, Reason: rec.Answer.Reason})
	}
	state.Next = rec.NextAt
}
