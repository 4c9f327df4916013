package node

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// outbox writes items in the order in which they were put, each again and
// again until it is written. Whoever puts does not wait. A kill loses what was
// not written yet; an end takes up to lastWords to write it.
type outbox[T comparable] struct {
	outboxOptions[T]

	mu sync.Mutex
	// queue begins with the item that is being written; queued are the others.
	queue  []T
	queued map[T]bool
	wake   chan struct{}
}

type outboxOptions[T comparable] struct {
	write func(ctx context.Context, item T) error
	// what names in the log what could not be written, and which is the item.
	what  string
	which func(item T) []any
	// never tells errors that no repetition mends: the item is given up.
	never func(error) bool // nil: there are none
	// most bounds the queue; what comes beyond it is dropped. 0: no bound.
	most int
	log  *slog.Logger
}

const (
	// outboxPause is between two tries to write an item.
	outboxPause = time.Second
	// lastWords is how long the node's end may take to write what is left.
	lastWords = 2 * time.Second
)

func newOutbox[T comparable](o outboxOptions[T]) *outbox[T] {
	return &outbox[T]{outboxOptions: o, queued: map[T]bool{}, wake: make(chan struct{}, 1)}
}

// put queues an item; one that is queued already, and not being written, stays
// where it is.
func (o *outbox[T]) put(item T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queued[item] || o.most > 0 && len(o.queue) >= o.most {
		return
	}
	o.queue, o.queued[item] = append(o.queue, item), true
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, and then what is left.
func (o *outbox[T]) run(ctx context.Context) {
	for ctx.Err() == nil {
		o.writeAll(ctx)
		select {
		case <-o.wake:
		case <-ctx.Done():
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	o.writeAll(last)
}

func (o *outbox[T]) writeAll(ctx context.Context) {
	for item, some := o.first(); some; item, some = o.first() {
		if !o.untilWritten(ctx, item) {
			return
		}
		o.mu.Lock()
		o.queue = o.queue[1:]
		o.mu.Unlock()
	}
}

// first gives the item to write, and leaves it at the head of the queue.
func (o *outbox[T]) first() (item T, some bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		o.queue = nil
		return item, false
	}
	delete(o.queued, o.queue[0])
	return o.queue[0], true
}

// untilWritten is false when ctx ended first.
func (o *outbox[T]) untilWritten(ctx context.Context, item T) bool {
	for told := false; ; told = true {
		err := o.write(ctx, item)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case o.never != nil && o.never(err):
			o.log.Error(o.what+" cannot be written", append(o.which(item), "error", err)...)
			return true
		case !told:
			o.log.Warn(o.what+" cannot be written; trying until it can", append(o.which(item), "error", err)...)
		}
		select {
		case <-time.After(outboxPause):
		case <-ctx.Done():
			return false
		}
	}
}
