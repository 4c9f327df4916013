package jet

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

const (
	// outboxMessages and outboxBytes bound what one atomic batch holds.
	outboxMessages = 256
	outboxBytes    = 8 << 20
	// errAtomicDisabled: the stream takes no atomic batches.
	errAtomicDisabled = 10174
)

// parcel is one message with those who wait for it.
type parcel struct {
	msg     *nats.Msg
	waiters []transport.Waiter
	// objects are stored before the message that refers to them.
	objects []object
	number  uint64 // in order of coming
	tried   bool
}

type object struct {
	name string
	data []byte
}

// outbox stores messages, in any order, each until it is stored. What gathers
// while some are on their way goes next, as an atomic batch where that is seen to
// cost less than each by itself: with files synced at each write it is few
// syncs for all of them, but a file of its own. A message that the server will
// not take holds up none of the others.
type outbox struct {
	store *Store
	what  string

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	// told has waiters told of messages that were stored up to a sequence.
	told func(seq uint64, waiters []transport.Waiter)

	oneByOne bool // no atomic batches: not worth it here, or refused by the stream
	costs    *publisher.Costs
	wait     backoff

	mu      sync.Mutex
	put     uint64    // parcels taken
	queue   []*parcel // not tried yet
	sending []*parcel
	failing []*parcel // tried; they go again after a pause
	fault   error
	moved   chan struct{} // closed when something was stored, or failed
}

func (s *Store) newOutbox(what string) *outbox {
	o := &outbox{store: s, what: what, told: tellAll, costs: publisher.NewCosts(),
		wake: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{})}
	o.oneByOne = s.unsynced()
	o.ctx, o.cancel = context.WithCancel(context.Background())
	go o.run()
	return o
}

func tellAll(_ uint64, waiters []transport.Waiter) {
	for _, w := range waiters {
		w.Done()
	}
}

// unsynced tells that the server is known not to sync each write: then a batch
// saves no sync and costs a quarter more than its messages alone.
func (s *Store) unsynced() bool { return s.embedded != nil && s.opts.SyncInterval > 0 }

func (o *outbox) add(p *parcel) {
	o.mu.Lock()
	o.put++
	p.number = o.put
	o.queue = append(o.queue, p)
	o.mu.Unlock()
	nudge(o.wake)
}

// flush waits until all that was added is stored.
func (o *outbox) flush(ctx context.Context) error {
	o.mu.Lock()
	target := o.put
	o.mu.Unlock()
	for {
		o.mu.Lock()
		reached, moved, fault := o.storedTo(target), o.moved, o.fault
		o.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-o.done:
			return stillUnwritten(o.what, fault, transport.ErrUnavailable)
		case <-ctx.Done():
			return stillUnwritten(o.what, fault, ctx.Err())
		}
	}
}

func (o *outbox) storedTo(target uint64) bool {
	for _, parcels := range [][]*parcel{o.queue, o.sending, o.failing} {
		for _, p := range parcels {
			if p.number <= target {
				return false
			}
		}
	}
	return true
}

// close flushes, then stops; what is not stored by then is dropped untold.
func (o *outbox) close(ctx context.Context) error {
	err := o.flush(ctx)
	o.stop()
	return err
}

func (o *outbox) stop() {
	o.cancel()
	<-o.done
}

func (o *outbox) pending() (messages uint64, fault error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return uint64(len(o.queue) + len(o.sending) + len(o.failing)), o.fault
}

func (o *outbox) run() {
	defer close(o.done)
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for again := false; o.ctx.Err() == nil; {
		parcels := o.take(again)
		if len(parcels) == 0 {
			again = o.rest(pause.C, o.wake)
			continue
		}
		left, err := o.try(parcels)
		failing := o.settle(left, err)
		if len(left) > 0 {
			pause.Reset(o.wait.next())
		}
		if again = len(left) == 0 && failing > 0; len(left) == len(parcels) {
			again = o.rest(pause.C, nil) // NATS is away, and more would fail too
		}
	}
}

// rest waits; true when the pause is over, so that what failed goes again.
func (o *outbox) rest(pause <-chan time.Time, wake <-chan struct{}) bool {
	select {
	case <-pause:
		return true
	case <-wake:
	case <-o.ctx.Done():
	}
	return false
}

// take gives what goes next: what failed before, where its pause is over, with
// what is new.
func (o *outbox) take(again bool) []*parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sending = nil
	bytes := 0
	if again {
		o.cut(&o.failing, outboxMessages/2, &bytes)
	}
	o.cut(&o.queue, outboxMessages, &bytes)
	return o.sending
}

// cut moves parcels over to sending, while they are at most so many.
func (o *outbox) cut(from *[]*parcel, most int, bytes *int) {
	n := 0
	for _, p := range *from {
		if len(o.sending) >= most || len(o.sending) > 0 && *bytes+p.size() > outboxBytes {
			break
		}
		*bytes += p.size()
		o.sending = append(o.sending, p)
		n++
	}
	if *from = (*from)[n:]; len(*from) == 0 {
		*from = nil
	}
}

func (p *parcel) size() int { return len(p.msg.Data) }

// settle keeps what is left for another try, and says so once. It gives the
// number of parcels that wait for one.
func (o *outbox) settle(left []*parcel, err error) (failing int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range left {
		p.tried = true
	}
	o.sending, o.failing = nil, append(o.failing, left...)
	switch {
	case len(o.failing) == 0 && !o.wait.first():
		o.store.log.Info(o.what + ": written again")
		o.wait, o.fault = backoff{}, nil
	case len(left) > 0:
		if o.fault = err; o.wait.first() {
			o.store.log.Warn(o.what+": cannot be written; trying until it can", "messages", len(left), "err", err)
		}
	}
	close(o.moved)
	o.moved = make(chan struct{})
	return len(o.failing)
}
