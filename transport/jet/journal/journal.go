package journal

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// A batch leaves with this many records or bytes, or after this time.
	batchRecords = 256
	batchBytes   = 256 << 10
	batchWait    = 10 * time.Millisecond
	// While the batch before it is being written one may grow to this many.
	backlogRecords = 1024
)

// Journal writes records to ATTEMPTS, in the order they were appended, many to
// a message. While NATS is away it keeps trying; what it holds then is bounded
// by the window of its callers.
type Journal struct {
	store *Store
	id    string // begins the publish ids of this journal

	ctx    context.Context // ends when Close gives up
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}
	noted  chan struct{} // closed when how far it came is noted for the last time

	mu       sync.Mutex
	batches  []*batch // oldest first; the last one is being filled
	writing  *batch   // on its way to the server
	spare    *batch
	appended uint64
	durable  uint64
	flushTo  uint64
	closed   bool
	fault    error         // of the last try, nil when that went well
	moved    chan struct{} // closed when durable grows
}

type batch struct {
	buf     []byte
	records int
	waiters []transport.Waiter
	since   time.Time
}

func (b *batch) full() bool { return b.records >= batchRecords || len(b.buf) >= batchBytes }

// Journal starts a writer of the journal. A shard has one at a time: the order
// of records holds within it.
func (s *Store) Journal() *Journal {
	j := &Journal{store: s, id: s.conn.PublishID("journal"),
		wake: make(chan struct{}, 1), done: make(chan struct{}), noted: make(chan struct{}), moved: make(chan struct{})}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	go j.run()
	go j.keepNoted()
	s.reached.journal.Store(j)
	return j
}

// Append takes r, which may be used again at once, and tells w (nil is fine)
// when r is durable. It does not wait for NATS. After Close it does nothing.
func (j *Journal) Append(r *transport.Record, w transport.Waiter) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	j.store.reached.routed(r)
	rest := r.Endpoints
	for {
		n := min(len(rest), fanOutPart)
		j.add(r, rest[:n], uint64(len(rest)-n))
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
	}
	if w != nil {
		tail := j.batches[len(j.batches)-1]
		tail.waiters = append(tail.waiters, w)
	}
}

// After tells w when all that was appended before is durable: at once where it
// is, and no other node could own the shard by now. Otherwise a message of the
// journal, written after this, proves that none does. After Close it does nothing.
func (j *Journal) After(w transport.Waiter) {
	if !j.store.fence.Alone() {
		j.mark([]transport.Waiter{w})
		return
	}
	j.mu.Lock()
	last := j.writing
	if n := len(j.batches); n > 0 {
		last = j.batches[n-1]
	}
	closed := j.closed
	if last != nil && !closed {
		last.waiters = append(last.waiters, w)
	}
	j.mu.Unlock()
	if last == nil && !closed {
		w.Done()
	}
}

// add appends one record to the batch being filled. The lock is held.
func (j *Journal) add(r *transport.Record, endpoints []string, toCome uint64) {
	b := j.filling()
	b.buf = appendPart(b.buf, r, endpoints, toCome)
	b.records++
	j.appended++
	if b.records == 1 || b.records == batchRecords || len(b.buf) >= batchBytes {
		j.nudge()
	}
}

// filling is the batch that is being filled. The lock is held.
func (j *Journal) filling() *batch {
	n := len(j.batches)
	if n > 0 && j.batches[n-1].records < backlogRecords && len(j.batches[n-1].buf) < batchBytes {
		return j.batches[n-1]
	}
	b := j.spare
	if j.spare = nil; b == nil {
		b = &batch{}
	}
	b.buf, b.since = append(b.buf[:0], journalVersion), time.Now()
	j.batches = append(j.batches, b)
	return b
}

func (j *Journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Flush returns when everything appended so far is durable, or with ctx's error.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	target := j.appended
	j.flushTo = max(j.flushTo, target)
	j.mu.Unlock()
	j.nudge()
	for {
		j.mu.Lock()
		reached, moved, fault := j.durable >= target, j.moved, j.fault
		j.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-j.done:
			return fmt.Errorf("the journal was closed with records unwritten: %w", transport.ErrUnavailable)
		case <-ctx.Done():
			return jet.StillUnwritten("the journal", fault, ctx.Err())
		}
	}
}

// Close flushes and stops. Where ctx ends first, what could not be written is
// dropped and its waiters are never told. Calling it again is fine.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	err := j.Flush(ctx)
	j.cancel()
	<-j.done
	<-j.noted
	return err
}

// Pending is the number of records not yet durable, and why the last try to
// write failed, nil where it did not.
func (j *Journal) Pending() (records uint64, fault error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.appended - j.durable, j.fault
}

func (j *Journal) run() {
	defer close(j.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := uint64(1); ; n++ {
		b := j.take(timer)
		if b == nil {
			return
		}
		if !j.write(b, j.id+strconv.FormatUint(n, 10)) {
			return
		}
		for _, w := range j.written(b) {
			w.Done()
		}
		j.settle(b)
	}
}

// take waits for a batch that is to leave; nil when the journal is closed.
func (j *Journal) take(timer *time.Timer) *batch {
	for {
		b, wait := j.ready()
		if b != nil {
			return b
		}
		timer.Reset(wait)
		select {
		case <-j.wake:
		case <-timer.C:
		case <-j.ctx.Done():
			return nil
		}
	}
}

// ready gives the oldest batch, or how long it may still fill.
func (j *Journal) ready() (*batch, time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.batches) == 0 {
		return nil, time.Hour
	}
	b := j.batches[0]
	left := batchWait - time.Since(b.since)
	if len(j.batches) == 1 && !b.full() && j.flushTo <= j.durable && left > 0 {
		return nil, left
	}
	j.batches, j.writing = j.batches[1:], b
	return b, 0
}

// written ends the time in which b takes waiters.
func (j *Journal) written(b *batch) []transport.Waiter {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.writing = nil
	return b.waiters
}

func (j *Journal) settle(b *batch) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.durable += uint64(b.records)
	close(j.moved)
	j.moved = make(chan struct{})
	clear(b.waiters)
	b.waiters, b.records = b.waiters[:0], 0
	if cap(b.buf) <= 2*batchBytes {
		j.spare = b
	}
}

// write stores b once, however often it has to try; false when Close gave up.
func (j *Journal) write(b *batch, id string) bool {
	msg := j.store.journalMsg(b.buf)
	msg.Header.Set(jetstream.MsgIDHeader, id)
	var wait jet.Backoff
	for first := time.Now(); ; {
		began := time.Now()
		err := j.publish(msg, first)
		j.store.opts.Journaled(b.records, time.Since(began), err)
		j.mu.Lock()
		j.fault = err
		j.mu.Unlock()
		if err == nil {
			if !wait.First() {
				j.store.log.Info("the journal is written again")
			}
			return true
		}
		if wait.First() {
			j.store.log.Warn("the journal cannot be written; trying until it can", "records", b.records, "err", err)
		}
		if !wait.Pause(j.ctx.Done()) {
			return false
		}
		if j.stored(id) {
			return true
		}
	}
}

// publish tries once; first is when it was tried for the first time.
func (j *Journal) publish(msg *nats.Msg, first time.Time) error {
	if err := j.store.conn.Away(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(j.ctx, jet.PublishTimeout)
	defer cancel()
	return j.store.guarded(ctx, msg, first)
}

// stored tells whether a try without an answer was stored after all. The
// server's own dedup tells the same, but for two minutes only; as one writer
// has the subject, its last message is ours or is not.
func (j *Journal) stored(id string) bool {
	ctx, cancel := context.WithTimeout(j.ctx, jet.PublishTimeout)
	defer cancel()
	stream, err := j.store.js.Stream(ctx, jet.StreamAttempts)
	if err != nil {
		return false
	}
	last, err := stream.GetLastMsgForSubject(ctx, j.store.subject())
	if err != nil || last.Header.Get(jetstream.MsgIDHeader) != id {
		return false
	}
	j.store.reached.journaled(last.Sequence)
	return true
}

// subject is the shard's.
func (s *Store) subject() string { return "attempts." + strconv.Itoa(int(s.shard)) }
