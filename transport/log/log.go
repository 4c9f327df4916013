package log

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// Source is the journal. journal.Store is one.
type Source interface {
	// FollowJournal calls message for each message of the journal after a
	// position, in order, with its records, which may be used again after it
	// returns, and end whenever it has come to the journal's end. It waits by itself while the journal is away. It returns
	// ctx's error, message's, or one that wraps transport.ErrOtherJournal.
	FollowJournal(ctx context.Context, after transport.JournalPosition, tail uint64,
		message func(transport.JournalPosition, []*transport.Record) error, end func()) error
	// JournalMessage gives the records of one message, in order; an error
	// that wraps transport.ErrNotFound where it is no longer there.
	JournalMessage(ctx context.Context, seq uint64) ([]*transport.Record, error)
}

// Options are what an Index stands on. Source is required.
type Options struct {
	Source Source
	// Dir is a folder for the index's snapshot, made where it is missing;
	// empty: the index is built from the journal at each start.
	Dir string
	// MaxAttempts bounds the index: it takes about 128 bytes of memory for each
	// of these, an attempt or a delivery without one. 0: 1,000,000.
	MaxAttempts int
	// Keep is how long deliveries are shown that were delivered or skipped;
	// 0: as long as MaxAttempts allows.
	Keep time.Duration
	// SnapshotEvery is the time between two snapshots; 0: 10 minutes.
	SnapshotEvery time.Duration
	// Now is the node's clock; nil: time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

const (
	bytesPerAttempt = 128
	defaultAttempts = 1_000_000
	// journalPerAttempt is more than an attempt takes in the journal, its
	// fan-out included: what is older would be dropped again.
	journalPerAttempt = 512
)

// Index is the delivery log. It is safe for concurrent use.
type Index struct {
	Options
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.RWMutex
	table    *table
	at       transport.JournalPosition
	current  bool // came to the journal's end once
	messages uint64
	feeds    map[*feed]struct{}

	// Of the goroutine that follows the journal alone.
	saved   transport.JournalPosition
	savedAt time.Time
}

// Open starts to read the snapshot, if there is one, and to follow the journal
// from there; it waits for neither. Close ends it.
func Open(o Options) *Index {
	if o.MaxAttempts == 0 {
		o.MaxAttempts = defaultAttempts
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	x := &Index{Options: o, done: make(chan struct{}), table: newTable(maxRows)}
	var ctx context.Context
	ctx, x.cancel = context.WithCancel(context.Background())
	go x.run(ctx)
	return x
}

// Close stops following and leaves a snapshot, so that the next start need not
// read the journal again. Calling it again is fine.
func (x *Index) Close() error {
	x.cancel()
	<-x.done
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.save()
}

func (x *Index) run(ctx context.Context) {
	defer close(x.done)
	x.load()
	x.savedAt = x.Now()
	for {
		err := x.Source.FollowJournal(ctx, x.at, uint64(x.MaxAttempts)*journalPerAttempt, x.message, x.end)
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, transport.ErrOtherJournal) {
			x.Logger.Error("the delivery log no longer follows the journal; it is built again at the next start", "err", err)
			return
		}
		x.Logger.Warn("the delivery log is built again from the journal", "reason", err)
		x.reset(newTable(x.table.rows), transport.JournalPosition{})
	}
}

func (x *Index) reset(t *table, at transport.JournalPosition) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.table, x.at, x.current = t, at, false
}

// message takes in one message of the journal.
func (x *Index) message(at transport.JournalPosition, records []*transport.Record) error {
	x.mu.Lock()
	if x.at.Seq == 0 && at.Seq > 1 && len(records) > 0 {
		x.table.pruned = millis(records[0].At) // what the journal had before is gone
	}
	x.table.watched = len(x.feeds) > 0
	for i, r := range records {
		x.table.record(placeOf(at.Seq, i), r)
	}
	x.tell(x.table.touched)
	x.table.touched = x.table.touched[:0]
	x.at = at
	x.messages++
	x.trim()
	x.mu.Unlock()
	x.saveNow()
	return nil
}

// trim holds the index to its bounds. The lock is held.
func (x *Index) trim() {
	oldest := int64(-1 << 63)
	if x.Keep > 0 {
		oldest = millis(x.Now().Add(-x.Keep))
	}
	x.table.trim(x.MaxAttempts*bytesPerAttempt, oldest)
}

func (x *Index) end() {
	x.mu.Lock()
	if !x.current {
		x.Logger.Info("the delivery log is complete", "deliveries", x.table.count(), "messages_read", x.messages)
	}
	x.current = true
	x.trim()
	x.mu.Unlock()
	x.saveNow()
}

// saveNow leaves a snapshot where it is time for one. Only this goroutine
// changes the table, so it reads it without the lock.
func (x *Index) saveNow() {
	if x.Now().Sub(x.savedAt) < x.SnapshotEvery {
		return
	}
	x.savedAt = x.Now()
	if err := x.save(); err != nil {
		x.Logger.Warn("the delivery log's snapshot was not written", "err", err)
	}
}

func (x *Index) save() error {
	if x.Dir == "" || x.saved == x.at {
		return nil
	}
	if err := writeSnapshot(filepath.Join(x.Dir, snapshotFile), x.at, x.table); err != nil {
		return fmt.Errorf("delivery log: %w", err)
	}
	x.saved = x.at
	return nil
}

// load takes the snapshot; one that cannot be read is passed over.
func (x *Index) load() {
	if x.Dir == "" {
		return
	}
	at, t, err := readSnapshot(filepath.Join(x.Dir, snapshotFile), x.table.rows)
	if err != nil {
		x.Logger.Warn("the delivery log's snapshot cannot be used; it is built again from the journal", "err", err)
		return
	}
	if t != nil {
		x.reset(t, at)
		x.saved = at
	}
}

// Ready tells whether the log has come to the journal's end since it was
// opened: until then List and Delivery fail with the same error, which wraps
// transport.ErrUnavailable.
func (x *Index) Ready() error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.ready()
}

func (x *Index) ready() error {
	if x.current {
		return nil
	}
	return fmt.Errorf("the delivery log is being read from the journal (%d deliveries so far): %w", x.table.count(), transport.ErrUnavailable)
}

// List gives one page of deliveries, newest first. A wrong filter is a
// *transport.FieldError.
func (x *Index) List(ctx context.Context, f transport.DeliveryFilter) (*transport.DeliveryPage, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.ready(); err != nil {
		return nil, err
	}
	page, err := x.table.page(ctx, &f)
	if err != nil {
		return nil, err
	}
	page.CompleteFrom = x.completeFrom()
	return page, nil
}

func (x *Index) completeFrom() time.Time {
	if x.table.pruned == 0 {
		return time.Time{}
	}
	return time.UnixMilli(x.table.pruned + 1).UTC()
}

// Stats are figures of an Index.
type Stats struct {
	// Deliveries that the index has, and Bytes of memory that they take.
	Deliveries, Bytes int
	// At is the last message of the journal that was taken in.
	At transport.JournalPosition
	// CompleteFrom is as in transport.DeliveryPage.
	CompleteFrom time.Time
}

// Stats gives the index's figures.
func (x *Index) Stats() Stats {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return Stats{Deliveries: x.table.count(), Bytes: x.table.bytes(), At: x.at, CompleteFrom: x.completeFrom()}
}
