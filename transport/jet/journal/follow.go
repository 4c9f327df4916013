package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

// followEvery is how often a follower looks for what is new, and so how far it
// may lag behind.
const followEvery = 500 * time.Millisecond

// FollowJournal calls message for each message of the journal after a
// position, in order, with its records, which are used again after it returns,
// and end whenever the journal's end was reached. From the zero position it
// begins where about the last tail bytes do. It looks twice a second, takes at
// most half of a core's time, and waits by itself while NATS is away. A
// message that cannot be read is logged and passed over.
//
// It returns ctx's error, message's, or one that wraps
// transport.ErrOtherJournal: the journal was made anew, lost its end in a
// crash, or has dropped messages after the position.
func (s *Store) FollowJournal(ctx context.Context, after transport.JournalPosition, tail uint64,
	message func(transport.JournalPosition, []*transport.Record) error, end func()) error {
	f := newFollower(s, after, message)
	f.tail = tail
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var wait groupcommit.Backoff
	for {
		err := f.catchUp(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case f.failed != nil:
			return f.failed
		case errors.Is(err, transport.ErrOtherJournal):
			return err
		case err != nil:
			if wait.First() {
				s.log.Warn("the journal cannot be read for the delivery log; trying until it can", "err", jet.Unavailable(err))
			}
			f.known = false
			wait.Pause(ctx.Done())
			continue
		}
		wait = groupcommit.Backoff{}
		end()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// recordPool gives the same records out again after each reset.
type recordPool struct {
	all  []*transport.Record
	used int
}

func (p *recordPool) reset() { p.used = 0 }

// get gives an empty record; from no pool, a new one.
func (p *recordPool) get() *transport.Record {
	if p == nil {
		return &transport.Record{}
	}
	if p.used == len(p.all) {
		p.all = append(p.all, &transport.Record{})
	}
	r := p.all[p.used]
	p.used++
	*r = transport.Record{Endpoints: r.Endpoints[:0]}
	return r
}

// own gives a record that outlives the next reset.
func (p *recordPool) own(r *transport.Record) *transport.Record {
	if p == nil {
		return r
	}
	kept := *r
	kept.Endpoints = slices.Clone(r.Endpoints)
	return &kept
}

type follower struct {
	store   *Store
	at      transport.JournalPosition
	known   bool // at was found to be of this journal
	tail    uint64
	message func(transport.JournalPosition, []*transport.Record) error
	failed  error // message's
	reader  *recordReader
	records []*transport.Record
	worked  time.Duration
}

func newFollower(s *Store, after transport.JournalPosition, message func(transport.JournalPosition, []*transport.Record) error) *follower {
	f := &follower{store: s, at: after, message: message, reader: newRecordReader()}
	f.reader.pool = &recordPool{}
	return f
}

// catchUp reads from the position to the journal's end.
func (f *follower) catchUp(ctx context.Context) error {
	stream, err := f.store.js.Stream(ctx, f.store.shard.Attempts())
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	journal := f.store.shard.Attempts() + "@" + info.Created.UTC().Format(time.RFC3339Nano)
	if err := f.check(ctx, stream, journal); err != nil {
		return err
	}
	f.at.Journal = journal
	if info.State.LastSeq == f.at.Seq {
		return nil
	}
	w := jet.Sweep{Stream: f.store.shard.Attempts(), Subject: f.store.subject(), From: f.at.Seq + 1}
	if f.at.Seq == 0 {
		w.From = tailStart(info.State, f.tail)
	}
	return f.store.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		began := time.Now()
		if f.failed = f.take(m); f.failed != nil {
			return f.failed
		}
		return f.rest(ctx, time.Since(began))
	})
}

// tailStart is the message from which on a stream has about that many bytes,
// as far as its messages are of one size.
func tailStart(state jetstream.StreamState, bytes uint64) uint64 {
	if state.Bytes <= bytes {
		return max(state.FirstSeq, 1)
	}
	left := float64(state.LastSeq-state.FirstSeq+1) * float64(bytes) / float64(state.Bytes)
	return state.LastSeq + 1 - uint64(left)
}

// check tells whether the reading can go on from the position.
func (f *follower) check(ctx context.Context, stream jetstream.Stream, journal string) error {
	if f.at.Seq == 0 {
		return nil
	}
	state := stream.CachedInfo().State
	switch {
	case f.at.Journal != journal:
		return fmt.Errorf("the journal was made anew: %w", transport.ErrOtherJournal)
	case state.LastSeq < f.at.Seq:
		return fmt.Errorf("the journal ends at %d, before %d: %w", state.LastSeq, f.at.Seq, transport.ErrOtherJournal)
	case state.FirstSeq > f.at.Seq+1:
		return fmt.Errorf("the journal begins at %d, beyond %d: %w", state.FirstSeq, f.at.Seq, transport.ErrOtherJournal)
	case f.known:
		return nil
	}
	m, err := stream.GetMsg(ctx, f.at.Seq)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound): // it was dropped meanwhile
	case err != nil:
		return err
	case !m.Time.Equal(f.at.At):
		return fmt.Errorf("message %d of the journal is another one: %w", f.at.Seq, transport.ErrOtherJournal)
	}
	f.known = true
	return nil
}

func (f *follower) take(m *jetstream.RawStreamMsg) error {
	f.reader.pool.reset()
	f.records = f.records[:0]
	err := f.reader.message(m.Data, func(r *transport.Record) error {
		f.records = append(f.records, r)
		return nil
	})
	if err != nil {
		f.store.log.Warn("a message of the journal cannot be read; the delivery log goes on without it", "seq", m.Sequence, "err", err)
	}
	f.at.Seq, f.at.At, f.known = m.Sequence, m.Time, true
	return f.message(f.at, f.records)
}

// restAfter is how long a follower works in one go.
const restAfter = 5 * time.Millisecond

// rest pauses for as long as was worked, so that deliveries come first where a
// long journal is read while they flow.
func (f *follower) rest(ctx context.Context, worked time.Duration) error {
	if f.worked += worked; f.worked < restAfter {
		return nil
	}
	pause := time.NewTimer(f.worked)
	defer pause.Stop()
	f.worked = 0
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// JournalMessage gives the records of one message of the journal, in order; an
// error that wraps transport.ErrNotFound where it is no longer kept.
func (s *Store) JournalMessage(ctx context.Context, seq uint64) (records []*transport.Record, err error) {
	m, err := s.conn.Message(ctx, s.shard.Attempts(), seq)
	if err != nil {
		return nil, fmt.Errorf("message %d of the journal: %w", seq, err)
	}
	err = newRecordReader().message(m.Data, func(r *transport.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("message %d of the journal: %w", seq, err)
	}
	return records, nil
}
