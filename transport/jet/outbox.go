package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
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
}

type object struct {
	name string
	data []byte
}

// outbox stores messages, in any order, each until it is stored. What gathers
// while one batch is on its way goes as the next: with files synced at each
// write that is one sync for all of them.
type outbox struct {
	store *Store
	what  string

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	mu       sync.Mutex
	queue    []*parcel
	put      uint64 // parcels taken
	stored   uint64 // of them, in whole batches: everything up to here is stored
	fault    error
	moved    chan struct{}
	oneByOne bool // the stream takes no atomic batches
}

func (s *Store) newOutbox(what string) *outbox {
	o := &outbox{store: s, what: what,
		wake: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{})}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	go o.run()
	return o
}

func (o *outbox) add(p *parcel) {
	o.mu.Lock()
	o.queue = append(o.queue, p)
	o.put++
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// flush waits until all that was added is stored.
func (o *outbox) flush(ctx context.Context) error {
	o.mu.Lock()
	target := o.put
	o.mu.Unlock()
	for {
		o.mu.Lock()
		reached, moved, fault := o.stored >= target, o.moved, o.fault
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

// close flushes, then stops; what is not stored by then is dropped untold.
func (o *outbox) close(ctx context.Context) error {
	err := o.flush(ctx)
	o.cancel()
	<-o.done
	return err
}

func (o *outbox) pending() (messages uint64, fault error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.put - o.stored, o.fault
}

func (o *outbox) run() {
	defer close(o.done)
	for {
		parcels := o.take()
		if parcels == nil {
			select {
			case <-o.wake:
				continue
			case <-o.ctx.Done():
				return
			}
		}
		if !o.deliver(parcels) {
			return
		}
	}
}

func (o *outbox) take() []*parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	bytes, n := 0, 0
	for n < len(o.queue) && n < outboxMessages && (n == 0 || bytes+o.queue[n].size() <= outboxBytes) {
		bytes += o.queue[n].size()
		n++
	}
	if n == 0 {
		return nil
	}
	parcels := o.queue[:n:n]
	if o.queue = o.queue[n:]; len(o.queue) == 0 {
		o.queue = nil
	}
	return parcels
}

func (p *parcel) size() int { return len(p.msg.Data) }

// deliver tries until every parcel is stored; false when close gave up.
func (o *outbox) deliver(parcels []*parcel) bool {
	var wait backoff
	whole := uint64(len(parcels))
	for {
		left, err := o.try(parcels)
		o.settle(err, len(left) == 0, whole)
		if len(left) == 0 {
			if !wait.first() {
				o.store.log.Info(o.what + ": written again")
			}
			return true
		}
		if wait.first() {
			o.store.log.Warn(o.what+" cannot be written; trying until it can", "messages", len(left), "err", err)
		}
		if !wait.pause(o.ctx.Done()) {
			return false
		}
		parcels = left
	}
}

func (o *outbox) settle(err error, complete bool, parcels uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fault = err; complete {
		o.fault = nil
		o.stored += parcels
	}
	close(o.moved)
	o.moved = make(chan struct{})
}

// try gives back what is not known to be stored, and why.
func (o *outbox) try(parcels []*parcel) (left []*parcel, err error) {
	if err := o.store.away(); err != nil {
		return parcels, err
	}
	ctx, cancel := context.WithTimeout(o.ctx, publishTimeout)
	defer cancel()
	ready := make([]*parcel, 0, len(parcels))
	for _, p := range parcels {
		if oerr := o.storeObjects(ctx, p); oerr != nil {
			left, err = append(left, p), oerr
			continue
		}
		ready = append(ready, p)
	}
	if len(ready) > 1 && !o.oneByOne {
		berr := o.batch(ctx, ready)
		if berr == nil {
			tell(ready...)
			return left, err
		}
		var api *jetstream.APIError
		if errors.As(berr, &api) && api.ErrorCode == errAtomicDisabled {
			o.oneByOne = true
		}
	}
	failed, serr := o.singles(ready)
	return append(left, failed...), errors.Join(err, serr)
}

func (o *outbox) storeObjects(ctx context.Context, p *parcel) error {
	for len(p.objects) > 0 {
		if err := o.store.PutPayload(ctx, p.objects[0].name, p.objects[0].data); err != nil {
			return err
		}
		p.objects = p.objects[1:]
	}
	return nil
}

// away is an error while there is no connection: what is published then lies
// in a buffer, and its answer comes too late.
func (s *Store) away() error {
	if s.nc.IsConnected() {
		return nil
	}
	return fmt.Errorf("no connection to NATS: %w", transport.ErrUnavailable)
}

// batch stores all or none. A batch whose answer was lost is tried again one by
// one: each message's own id then tells what is there already.
func (o *outbox) batch(ctx context.Context, parcels []*parcel) error {
	msgs := make([]*nats.Msg, len(parcels))
	for i, p := range parcels {
		m := nats.NewMsg(p.msg.Subject)
		for k, v := range p.msg.Header {
			m.Header[k] = v
		}
		m.Data, msgs[i] = p.msg.Data, m
	}
	_, err := jetstreamext.PublishMsgBatch(ctx, o.store.js, msgs,
		jetstreamext.BatchFlowControl{AckFirst: true, AckTimeout: publishTimeout})
	return err
}

func (o *outbox) singles(parcels []*parcel) (failed []*parcel, err error) {
	ctx, cancel := context.WithTimeout(o.ctx, publishTimeout)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, len(parcels))
	for i, p := range parcels {
		p.msg.Reply = ""
		var perr error
		if acks[i], perr = o.store.js.PublishMsgAsync(p.msg); perr != nil {
			err = perr
		}
	}
	for i, p := range parcels {
		if acks[i] == nil {
			failed = append(failed, p)
			continue
		}
		select {
		case <-acks[i].Ok():
			tell(p)
		case err = <-acks[i].Err():
			failed = append(failed, p)
		case <-ctx.Done():
			failed, err = append(failed, p), ctx.Err()
		}
	}
	return failed, err
}

func tell(parcels ...*parcel) {
	for _, p := range parcels {
		for _, w := range p.waiters {
			w.Done()
		}
	}
}

// publishIDs numbers the messages of one writer.
type publishIDs struct {
	prefix string
	n      uint64
}

func (p *publishIDs) next() string {
	p.n++
	return p.prefix + strconv.FormatUint(p.n, 10)
}

// collectWait is how long what belongs together is waited for.
const collectWait = 50 * time.Millisecond
