package jet

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	number  uint64 // in order of coming
	tried   bool
}

type object struct {
	name string
	data []byte
}

// outbox stores messages, in any order, each until it is stored. What gathers
// while one batch is on its way goes as the next: with files synced at each
// write that is one sync for all of them. A message that the server will not
// take holds up none of the others.
type outbox struct {
	store *Store
	what  string

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	done   chan struct{}

	oneByOne bool // no atomic batches: not worth it here, or refused by the stream
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
	o := &outbox{store: s, what: what,
		wake: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{})}
	o.oneByOne = s.unsynced()
	o.ctx, o.cancel = context.WithCancel(context.Background())
	go o.run()
	return o
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
	// What failed once may be stored already, and would fail a whole batch.
	if len(ready) > 1 && !o.oneByOne && !slices.ContainsFunc(ready, func(p *parcel) bool { return p.tried }) {
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
	return o.store.publishBatch(ctx, messages(parcels))
}

func messages(parcels []*parcel) []*nats.Msg {
	msgs := make([]*nats.Msg, len(parcels))
	for i, p := range parcels {
		msgs[i] = p.msg
	}
	return msgs
}

// publishBatch stores all or none, and leaves msgs as they are.
func (s *Store) publishBatch(ctx context.Context, msgs []*nats.Msg) error {
	copies := make([]*nats.Msg, len(msgs))
	for i, m := range msgs {
		c := nats.NewMsg(m.Subject)
		for k, v := range m.Header {
			c.Header[k] = v
		}
		c.Data, copies[i] = m.Data, c
	}
	_, err := jetstreamext.PublishMsgBatch(ctx, s.js, copies,
		jetstreamext.BatchFlowControl{AckFirst: true, AckTimeout: publishTimeout})
	return err
}

func (o *outbox) singles(parcels []*parcel) (failed []*parcel, err error) {
	ctx, cancel := context.WithTimeout(o.ctx, publishTimeout)
	defer cancel()
	o.store.publishEach(ctx, messages(parcels), func(i int, perr error) {
		if perr == nil {
			tell(parcels[i])
			return
		}
		failed, err = append(failed, parcels[i]), perr
	})
	return failed, err
}

// publishEach publishes all at once, and tells in their order what became of each.
func (s *Store) publishEach(ctx context.Context, msgs []*nats.Msg, became func(i int, err error)) {
	acks, errs := make([]jetstream.PubAckFuture, len(msgs)), make([]error, len(msgs))
	for i, m := range msgs {
		m.Reply = ""
		acks[i], errs[i] = s.js.PublishMsgAsync(m)
	}
	for i := range msgs {
		if errs[i] != nil {
			became(i, errs[i])
			continue
		}
		select {
		case <-acks[i].Ok():
			became(i, nil)
		case err := <-acks[i].Err():
			became(i, err)
		case <-ctx.Done():
			became(i, ctx.Err())
		}
	}
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
