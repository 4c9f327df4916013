package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// headerReached on a journal message tells how far the other streams had come
	// when it was written: "<event> <when it was stored, Unix ns> <DEFERRED's>".
	// An outcome that is durable in one of them is told of there before the event
	// is acked, so that a stream that lost its end is found by it.
	headerReached = "Postrider-Reached"
	// noteEvery is how often it is noted how far the journal has come, while it moves.
	noteEvery = 2 * time.Second
)

// progress is how far the shard's streams have come.
type progress struct {
	mu      sync.Mutex
	at      transport.Reached
	journal atomic.Pointer[Journal] // the one that is open
}

func (p *progress) get() transport.Reached {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *progress) set(r transport.Reached) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = r
}

// routed notes the event of a fan-out, or one that was skipped as a whole.
func (p *progress) routed(r *transport.Record) {
	if r.Replay != 0 || r.Kind != transport.FanOut && (r.Kind != transport.Skipped || r.Endpoint != "") {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Seq > p.at.Event {
		p.at.Event, p.at.EventStored = r.Seq, r.Stored
	}
}

func (p *progress) parked(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at.Deferred = max(p.at.Deferred, seq)
}

func (p *progress) journaled(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at.Journal = max(p.at.Journal, seq)
}

// tell tells waiters of what is parked up to seq when the journal tells of it
// too; without a journal at once.
func (p *progress) tell(seq uint64, waiters []transport.Waiter) {
	p.parked(seq)
	if j := p.journal.Load(); j != nil && j.mark(waiters) {
		return
	}
	for _, w := range waiters {
		w.Done()
	}
}

func reachedText(r transport.Reached) string {
	stored := int64(0)
	if !r.EventStored.IsZero() {
		stored = r.EventStored.UnixNano()
	}
	return fmt.Sprintf("%d %d %d", r.Event, stored, r.Deferred)
}

func readReached(text string) (r transport.Reached, err error) {
	stored, rest := int64(0), ""
	n, err := fmt.Sscanf(text, "%d %d %d%s", &r.Event, &stored, &r.Deferred, &rest)
	if n != 3 {
		return transport.Reached{}, fmt.Errorf("%s %q is not three numbers: %w", headerReached, text, err)
	}
	if stored != 0 {
		r.EventStored = time.Unix(0, stored).UTC()
	}
	return r, nil
}

// readProgress is how far the streams had come by what others tell of them; at is
// when the journal's last message was stored.
func (s *Store) readProgress(ctx context.Context) (at time.Time, r transport.Reached, err error) {
	m, err := s.conn.LeaderLast(ctx, s.shard.Attempts(), s.subject())
	if err != nil {
		return at, r, err
	}
	if m != nil {
		at = m.Time
		if text := m.Header.Get(headerReached); text != "" { // else an older version wrote it
			if r, err = readReached(text); err != nil {
				return at, r, err
			}
		}
	}
	e, err := s.cursors.Get(ctx, s.noteKey())
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return at, r, nil
	case err != nil:
		return at, r, err
	}
	if r.Journal, err = strconv.ParseUint(string(e.Value()), 10, 64); err != nil {
		return at, r, fmt.Errorf("%s in %s: %w", s.noteKey(), jet.BucketCursors, err)
	}
	return at, r, nil
}

// noteJournal keeps how far the journal has come where that is not the journal.
func (s *Store) noteJournal(ctx context.Context, seq uint64) error {
	_, err := s.cursors.Put(ctx, s.noteKey(), strconv.AppendUint(nil, seq, 10))
	return err
}

// keepNoted does so every noteEvery until the journal ends, and then once more.
func (j *Journal) keepNoted() {
	defer close(j.noted)
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for noted, over := uint64(0), false; !over; {
		select {
		case <-tick.C:
		case <-j.out.Done():
			over = true
		}
		seq := j.store.reached.get().Journal
		if seq <= noted || j.store.conn.Away() != nil || !j.store.fence.Acts() {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), jet.PublishTimeout)
		if err := j.store.noteJournal(ctx, seq); err == nil {
			noted = seq
		}
		cancel()
	}
}

// mark tells waiters when a message of the journal is durable that tells how far
// DEFERRED has come by now; false where the journal is closed.
func (j *Journal) mark(waiters []transport.Waiter) bool {
	j.out.Lock()
	defer j.out.Unlock()
	if j.closed {
		return false
	}
	b := j.filling()
	b.waiters = append(b.waiters, waiters...)
	if b.records == 0 { // it goes for the mark alone
		b.records++
		j.pending++
		j.out.Wake()
	}
	return true
}

// journalMsg is a message of the journal.
func (s *Store) journalMsg(data []byte) *nats.Msg {
	msg := nats.NewMsg(s.subject())
	msg.Header.Set(headerReached, reachedText(s.reached.get()))
	if epoch, n := s.fence.Next(); epoch != 0 {
		msg.Header.Set(headerNumber, numberText(epoch, n))
	}
	msg.Data = data
	return msg
}

// noteKey in BucketCursors is how far the journal had come.
func (s *Store) noteKey() string { return "journal-" + strconv.Itoa(int(s.shard)) }
