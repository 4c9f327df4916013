package journal

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// A message leaves with this many records or bytes, or after this time.
	batchRecords = 256
	batchBytes   = 256 << 10
	batchWait    = 10 * time.Millisecond
	// While the one before it is being written, a message may grow to this many
	// bytes, where the server takes as much.
	backlogBytes = 768 << 10
)

// Journal writes records to ATTEMPTS, in the order they were appended, many to
// a message. While NATS is away it keeps trying; what it holds then is bounded
// by the window of its callers.
type Journal struct {
	store *Store
	id    string // begins the publish ids of this journal
	most  int    // bytes of a message; see backlogBytes
	out   *groupcommit.Writer[*batch]
	noted chan struct{} // closed when how far it came is noted for the last time

	// With out locked.
	closed  bool
	pending uint64 // records
	spare   *batch // one to be filled again

	// Of the writer's goroutine.
	n    uint64 // messages so far
	last *batch // the one stored before
}

// batch is the records of one message.
type batch struct {
	groupcommit.Mark
	buf     []byte
	records int
	waiters []transport.Waiter
	since   time.Time
	stored  bool // its waiters are being told: it takes no more

	// Since it was first tried.
	msg   *nats.Msg
	tried time.Time
}

func (b *batch) full() bool { return b.records >= batchRecords || len(b.buf) >= batchBytes }

// Journal starts a writer of the journal. A shard has one at a time: the order
// of records holds within it.
func (s *Store) Journal() *Journal {
	j := &Journal{store: s, id: s.conn.PublishID("journal"), noted: make(chan struct{}),
		most: min(backlogBytes, max(int(s.conn.MaxPayload()/2), batchBytes))}
	j.out = groupcommit.New(groupcommit.Policy[*batch]{
		Next: nextBatch, Commit: j.write, Changed: j.changed, Ordered: true,
		What: "the journal", Stopped: fmt.Errorf("it was closed: %w", transport.ErrUnavailable),
	})
	go j.keepNoted()
	s.reached.journal.Store(j)
	return j
}

// Append takes r, which may be used again at once, and tells w (nil is fine)
// when r is durable. It does not wait for NATS. After Close it does nothing.
func (j *Journal) Append(r *transport.Record, w transport.Waiter) {
	j.out.Lock()
	defer j.out.Unlock()
	if j.closed {
		return
	}
	j.store.reached.routed(r)
	rest := r.Endpoints
	for {
		n := min(len(rest), fanOutPart)
		b := j.add(r, rest[:n], uint64(len(rest)-n))
		if rest = rest[n:]; len(rest) > 0 {
			continue
		}
		if w != nil {
			b.waiters = append(b.waiters, w)
		}
		return
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
	j.out.Lock()
	last, found := j.out.Youngest()
	waits := found && !last.stored
	if closed := j.closed; closed || waits {
		if waits && !closed {
			last.waiters = append(last.waiters, w)
		}
		j.out.Unlock()
		return
	}
	j.out.Unlock()
	w.Done()
}

// add appends one record to the message being filled. The lock is held.
func (j *Journal) add(r *transport.Record, endpoints []string, toCome uint64) *batch {
	b := j.filling()
	b.buf = appendPart(b.buf, r, endpoints, toCome)
	b.records++
	j.pending++
	if b.records == 1 || b.records == batchRecords || len(b.buf) >= batchBytes {
		j.out.Wake()
	}
	return b
}

// filling is the message that is being filled. The lock is held.
func (j *Journal) filling() *batch {
	b, open := j.out.Open()
	if open && len(b.buf) < j.most {
		return b
	}
	b = j.spare
	if j.spare = nil; b == nil {
		b = &batch{}
	}
	b.buf, b.since = append(b.buf[:0], journalVersion), time.Now()
	j.out.PutLocked(b)
	return b
}

// nextBatch gives the oldest message once it is full, has waited, or is waited for.
func nextBatch(group, queue []*batch, flushing bool) (next, rest []*batch, wait time.Duration) {
	if len(queue) == 0 {
		return group, queue, 0
	}
	b := queue[0]
	if left := batchWait - time.Since(b.since); left > 0 && len(queue) == 1 && !b.full() && !flushing && !b.Tried() {
		return group, queue, left
	}
	return append(group, b), queue[1:], 0
}

// Flush returns when everything appended so far is durable, or with ctx's error.
func (j *Journal) Flush(ctx context.Context) error { return j.out.Flush(ctx) }

// Close flushes and stops. Where ctx ends first, what could not be written is
// dropped and its waiters are never told. Calling it again is fine.
func (j *Journal) Close(ctx context.Context) error {
	j.out.Lock()
	j.closed = true
	j.out.Unlock()
	err := j.out.Flush(ctx)
	j.out.Stop()
	<-j.noted
	return err
}

// Pending is the number of records not yet durable, and why the last try to
// write failed, nil where it did not.
func (j *Journal) Pending() (records uint64, fault error) {
	_, fault = j.out.Pending()
	j.out.Lock()
	defer j.out.Unlock()
	return j.pending, fault
}

// write tries to store the one message of group, and tells those who wait for it.
func (j *Journal) write(ctx context.Context, group []*batch) (left []*batch, err error) {
	b := group[0]
	if b.msg == nil {
		j.reuse()
		j.n++
		b.msg, b.tried = j.store.journalMsg(b.buf), time.Now()
		b.msg.Header.Set(jetstream.MsgIDHeader, j.id+strconv.FormatUint(j.n, 10))
	} else if j.stored(ctx, b.msg.Header.Get(jetstream.MsgIDHeader)) {
		j.settle(b)
		return nil, nil
	}
	began := time.Now()
	err = j.publish(ctx, b.msg, b.tried)
	j.store.opts.Journaled(b.records, time.Since(began), err)
	if err != nil {
		return group, err
	}
	j.settle(b)
	return nil, nil
}

func (j *Journal) changed(_ int, err error) {
	if err == nil {
		j.store.log.Info("the journal is written again")
		return
	}
	records, _ := j.Pending()
	j.store.log.Warn("the journal cannot be written; trying until it can", "records", records, "err", err)
}

// reuse has the message before filled again, which nobody holds by now.
func (j *Journal) reuse() {
	b := j.last
	if j.last = nil; b == nil || cap(b.buf) > 2*backlogBytes {
		return
	}
	clear(b.waiters)
	*b = batch{buf: b.buf, waiters: b.waiters[:0]}
	j.out.Lock()
	defer j.out.Unlock()
	j.spare = b
}

// settle tells those who wait for b that it is stored.
func (j *Journal) settle(b *batch) {
	j.out.Lock()
	b.stored = true
	j.pending -= uint64(b.records)
	j.out.Unlock()
	j.last = b
	for _, w := range b.waiters {
		w.Done()
	}
}

// publish tries once; first is when it was tried for the first time.
func (j *Journal) publish(ctx context.Context, msg *nats.Msg, first time.Time) error {
	if err := j.store.conn.Away(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, jet.PublishTimeout)
	defer cancel()
	return j.store.guarded(ctx, msg, first)
}

// stored tells whether a try without an answer was stored after all. The
// server's own dedup tells the same, but for two minutes only; as one writer
// has the subject, its last message is ours or is not.
func (j *Journal) stored(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, jet.PublishTimeout)
	defer cancel()
	stream, err := j.store.js.Stream(ctx, j.store.shard.Attempts())
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
