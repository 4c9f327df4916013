package groupcommit

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Item is what a Writer stores: a pointer to a struct that embeds Mark.
type Item interface{ mark() *Mark }

// Mark is a writer's own note on an item.
type Mark struct {
	number uint64 // in order of being put, from 1
	tried  bool
}

func (m *Mark) mark() *Mark { return m }

// Tried tells that the item was committed before, and given back.
func (m *Mark) Tried() bool { return m.tried }

// Policy is what a Writer does with its items. Its functions are called from the
// writer's goroutine, one at a time.
type Policy[T Item] struct {
	// Next appends to group what is to be stored now of queue, oldest first, and
	// gives it with what stays of queue (its end). Where it gives a group of none,
	// it is asked again when more is put, the writer is woken, or wait is over (0:
	// there is no limit). What it gives may be more than what queue had. flushing
	// tells that somebody waits for the first of queue. The writer is locked.
	Next func(group, queue []T, flushing bool) (next, rest []T, wait time.Duration)
	// Commit stores group and gives back what is not known to be stored, and why.
	// ctx ends when the writer stops. It must not keep group.
	Commit func(ctx context.Context, group []T) (left []T, err error)
	// Changed is told of the first failure since all was stored (how many items are
	// left, and why), and that all is stored again (0, nil). Nil tells nobody.
	Changed func(left int, err error)
	// Wake holds a value when Next is to be asked again; nil never does.
	Wake <-chan struct{}
	// Ordered has what is left stored before anything else is.
	Ordered bool
	// What names the writer in errors ("the journal"), and Stopped is the error
	// that ends the flush of one that stops.
	What    string
	Stopped error
}

// Writer stores items in groups. Its methods may be called from any goroutine.
type Writer[T Item] struct {
	policy Policy[T]
	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	// Of the writer's goroutine alone.
	group   []T
	backoff Backoff
	retryAt time.Time // what is failing goes again then
	stalled bool      // nothing of the last group was stored, nor what was new in it: more would fail too

	mu      sync.Mutex
	put     uint64 // items so far
	flushTo uint64
	stopped bool
	queue   []T // not tried yet
	sending []T // under way
	failing []T // tried; it goes again after a pause
	fault   error
	moved   chan struct{} // closed when something was stored, or failed
}

// New starts a writer; Stop ends it.
func New[T Item](p Policy[T]) *Writer[T] {
	w := &Writer[T]{policy: p, wake: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	go w.run()
	return w
}

// Put takes one item, to be stored after those put before where the order counts.
// It is false, and takes nothing, after Stop.
func (w *Writer[T]) Put(item T) bool {
	w.mu.Lock()
	ok := w.PutLocked(item)
	w.mu.Unlock()
	if ok {
		w.Wake()
	}
	return ok
}

// PutLocked is Put by who holds the lock, without waking the writer.
func (w *Writer[T]) PutLocked(item T) bool {
	if w.stopped {
		return false
	}
	w.put++
	item.mark().number = w.put
	w.queue = append(w.queue, item)
	return true
}

// Lock keeps the writer from taking a group until Unlock.
func (w *Writer[T]) Lock() { w.mu.Lock() }

// Unlock ends a Lock.
func (w *Writer[T]) Unlock() { w.mu.Unlock() }

// Youngest is the last that was put of what is not stored yet, where there is
// one. An item that is under way is among them until Commit returns. The lock is
// held.
func (w *Writer[T]) Youngest() (item T, found bool) {
	for _, items := range [][]T{w.queue, w.failing, w.sending} {
		if n := len(items); n > 0 {
			return items[n-1], true
		}
	}
	return item, false
}

// Open is the last that waits and was never tried, where there is one: more may
// be added to it. The lock is held.
func (w *Writer[T]) Open() (item T, found bool) {
	if n := len(w.queue); n > 0 && !w.queue[n-1].mark().tried {
		return w.queue[n-1], true
	}
	return item, false
}

// Wake has the policy's Next asked again.
func (w *Writer[T]) Wake() { Nudge(w.wake) }

// Flush waits until all that was put before is stored.
func (w *Writer[T]) Flush(ctx context.Context) error {
	w.mu.Lock()
	target := w.put
	w.flushTo = target
	w.mu.Unlock()
	w.Wake()
	for {
		w.mu.Lock()
		reached, moved, fault := w.storedTo(target), w.moved, w.fault
		w.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-w.done:
			return Unwritten(w.policy.What, fault, w.policy.Stopped)
		case <-ctx.Done():
			return Unwritten(w.policy.What, fault, ctx.Err())
		}
	}
}

func (w *Writer[T]) storedTo(target uint64) bool {
	for _, items := range [][]T{w.queue, w.sending, w.failing} {
		for _, it := range items {
			if it.mark().number <= target {
				return false
			}
		}
	}
	return true
}

// Stop ends the writer when what is under way is done, and gives what was put and
// is not stored. Calling it again is fine.
func (w *Writer[T]) Stop() (dropped []T) {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.cancel()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	dropped = append(append(dropped, w.failing...), w.queue...)
	w.failing, w.queue = nil, nil
	return dropped
}

// Done is closed when the writer has stopped.
func (w *Writer[T]) Done() <-chan struct{} { return w.done }

// Pending is the number of items not stored yet, and why the last try failed.
func (w *Writer[T]) Pending() (items uint64, fault error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return uint64(len(w.queue) + len(w.sending) + len(w.failing)), w.fault
}

// Unwritten is the error of what is not written as err ends the wait for it;
// fault is why the last try failed, or nil.
func Unwritten(what string, fault, err error) error {
	if fault != nil {
		return fmt.Errorf("%s is not written yet: %w (last try: %w)", what, err, fault)
	}
	return fmt.Errorf("%s is not written yet: %w", what, err)
}
