package jet

import (
	"context"
	"fmt"
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

// Parcel is one message with those who wait for it.
type Parcel struct {
	Msg     *nats.Msg
	Waiters []transport.Waiter
	// objects are stored before the message that refers to them.
	Objects []Object
	// Seq is its sequence once it is stored.
	Seq    uint64
	number uint64 // in order of coming
	tried  bool
}

// Object is a payload that lies in the bucket PAYLOADS.
type Object struct {
	Name string
	Data []byte
}

// Outbox stores messages, in any order, each until it is stored. What gathers
// while some are on their way goes next, as an atomic batch where that is seen to
// cost less than each by itself: with files synced at each write it is few
// syncs for all of them, but a file of its own. A message that the server will
// not take holds up none of the others.
type Outbox struct {
	store *Conn
	what  string

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	// Told has waiters told of messages that were stored up to a sequence.
	Told func(seq uint64, waiters []transport.Waiter)

	// Guard guards what is stored: nothing is while it says that this node may
	// not act. Renew is told of a message that was refused by what it expected; nil
	// for none. Both are set before the first Add.
	Guard *Guard
	Renew func(ctx context.Context, p *Parcel)

	inTurn   bool // one at a time: the stream has replicas, and a guard
	OneByOne bool // no atomic batches: not worth it here, or refused by the stream
	costs    *publisher.Costs
	wait     Backoff

	mu      sync.Mutex
	put     uint64    // parcels taken
	queue   []*Parcel // not tried yet
	sending []*Parcel
	failing []*Parcel // tried; they go again after a pause
	fault   error
	moved   chan struct{} // closed when something was stored, or failed
}

// NewOutbox starts an outbox; what names it in its log lines.
func (c *Conn) NewOutbox(what string) *Outbox {
	o := &Outbox{store: c, what: what, Told: tellAll, costs: publisher.NewCosts(),
		wake: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{})}
	o.OneByOne = c.Unsynced()
	o.ctx, o.cancel = context.WithCancel(context.Background())
	go o.run()
	return o
}

func tellAll(_ uint64, waiters []transport.Waiter) {
	for _, w := range waiters {
		w.Done()
	}
}

// Unsynced tells that the server is known not to sync each write: then a batch
// saves no sync and costs a quarter more than its messages alone.
func (c *Conn) Unsynced() bool { return c.embedded != nil && c.opts.SyncInterval > 0 }

// Costs are a first guess of what publishing costs on the server.
func (c *Conn) Costs() *publisher.Costs {
	if c.Unsynced() {
		return publisher.NewUnsyncedCosts()
	}
	return publisher.NewCosts()
}

// Add takes a parcel, which is stored until it is.
func (o *Outbox) Add(p *Parcel) {
	o.mu.Lock()
	o.put++
	p.number = o.put
	o.queue = append(o.queue, p)
	o.mu.Unlock()
	Nudge(o.wake)
}

// Flush waits until all that was added is stored.
func (o *Outbox) Flush(ctx context.Context) error {
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
			return StillUnwritten(o.what, fault, transport.ErrUnavailable)
		case <-ctx.Done():
			return StillUnwritten(o.what, fault, ctx.Err())
		}
	}
}

func (o *Outbox) storedTo(target uint64) bool {
	for _, parcels := range [][]*Parcel{o.queue, o.sending, o.failing} {
		for _, p := range parcels {
			if p.number <= target {
				return false
			}
		}
	}
	return true
}

// Close flushes, then stops; what is not stored by then is dropped untold.
func (o *Outbox) Close(ctx context.Context) error {
	err := o.Flush(ctx)
	o.Stop()
	return err
}

// Stop drops what is not stored by then, untold.
func (o *Outbox) Stop() {
	o.cancel()
	<-o.done
}

// Pending is the number of messages not stored yet, and why the last try failed.
func (o *Outbox) Pending() (messages uint64, fault error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return uint64(len(o.queue) + len(o.sending) + len(o.failing)), o.fault
}

func (o *Outbox) run() {
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
func (o *Outbox) rest(pause <-chan time.Time, wake <-chan struct{}) bool {
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
func (o *Outbox) take(again bool) []*Parcel {
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
func (o *Outbox) cut(from *[]*Parcel, most int, bytes *int) {
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

func (p *Parcel) size() int { return len(p.Msg.Data) }

// settle keeps what is left for another try, and says so once. It gives the
// number of parcels that wait for one.
func (o *Outbox) settle(left []*Parcel, err error) (failing int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range left {
		p.tried = true
	}
	o.sending, o.failing = nil, append(o.failing, left...)
	switch {
	case len(o.failing) == 0 && !o.wait.First():
		o.store.log.Info(o.what + ": written again")
		o.wait, o.fault = Backoff{}, nil
	case len(left) > 0:
		if o.fault = err; o.wait.First() {
			o.store.log.Warn(o.what+": cannot be written; trying until it can", "messages", len(left), "err", err)
		}
	}
	close(o.moved)
	o.moved = make(chan struct{})
	return len(o.failing)
}

// StillUnwritten is the error of what is not written as err ends the wait for it.
func StillUnwritten(what string, fault, err error) error {
	if fault != nil {
		return fmt.Errorf("%s is not written yet: %w (last try: %w)", what, err, fault)
	}
	return fmt.Errorf("%s is not written yet: %w", what, err)
}
