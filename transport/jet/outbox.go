package jet

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
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
	groupcommit.Mark
	Msg     *nats.Msg
	Waiters []transport.Waiter
	// Objects are stored before the message that refers to them.
	Objects []Object
	// Seq is its sequence once it is stored.
	Seq uint64
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
	out   *groupcommit.Writer[*Parcel]
	store *Conn

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
}

// NewOutbox starts an outbox; what names it in its log lines.
func (c *Conn) NewOutbox(what string) *Outbox {
	o := &Outbox{store: c, Told: tellAll, costs: publisher.NewCosts(), OneByOne: c.Unsynced()}
	o.out = groupcommit.New(groupcommit.Policy[*Parcel]{
		Next: nextParcels, Commit: o.try, What: what, Stopped: transport.ErrUnavailable,
		Changed: func(left int, err error) {
			if err == nil {
				c.log.Info(what + ": written again")
				return
			}
			c.log.Warn(what+": cannot be written; trying until it can", "messages", left, "err", err)
		},
	})
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
func (o *Outbox) Add(p *Parcel) { o.out.Put(p) }

// Flush waits until all that was added is stored.
func (o *Outbox) Flush(ctx context.Context) error { return o.out.Flush(ctx) }

// Stop drops what is not stored by then, untold.
func (o *Outbox) Stop() { o.out.Stop() }

// Pending is the number of messages not stored yet, and why the last try failed.
func (o *Outbox) Pending() (messages uint64, fault error) { return o.out.Pending() }

// Close flushes, then stops; what is not stored by then is dropped untold.
func (o *Outbox) Close(ctx context.Context) error {
	err := o.out.Flush(ctx)
	o.out.Stop()
	return err
}

// nextParcels takes what one batch may hold.
func nextParcels(group, queue []*Parcel, _ bool) (next, rest []*Parcel, _ time.Duration) {
	bytes := 0
	for _, p := range queue {
		if len(group) >= outboxMessages || len(group) > 0 && bytes+len(p.Msg.Data) > outboxBytes {
			break
		}
		bytes += len(p.Msg.Data)
		group = append(group, p)
	}
	return group, queue[len(group):], 0
}
