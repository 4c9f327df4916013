package publisher

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
)

// Limits of one atomic batch. The server takes 1,000 messages; the bytes bound
// what it holds back until the commit.
const (
	maxBatchMessages = 1000
	maxBatchBytes    = 16 << 20
)

const commitTimeout = 10 * time.Second

// Committer publishes the messages of concurrent calls in atomic batches: a few
// syncs of the disk for all of them. A batch is collected while the one before
// is in flight; where several callers are seen to come back together, the next
// batch waits up to 2 ms for them, and a lone caller waits for nobody. Where so
// few come together that a batch would cost more than each by itself, each goes
// by itself.
//
// What callers give it goes in the order in which they call. A Source gives
// more, and has at least half of each batch where it has that much.
type Committer struct {
	js  jetstream.JetStream
	out *groupcommit.Writer[*call]
	gathering
	// apartOnly: the server takes no batches, for as long as it is connected.
	apartOnly atomic.Bool
	// current is over when the connection is lost: what is in flight then will
	// not be answered.
	mu      sync.Mutex
	current context.CancelFunc
	costs   *Costs
	done    sync.WaitGroup
}

// Source is where a Committer takes what waits to be stored, when it is ready
// for more.
type Source interface {
	// Waiting holds a value when there is something to take.
	Waiting() <-chan struct{}
	// Pieces calls give for up to so many messages of together so many bytes, in
	// the order in which they are to be stored; at least one where there is one.
	Pieces(messages, bytes int, give func(Piece))
}

// Piece is one message, which is stored by itself or with others.
type Piece interface {
	Msg() *nats.Msg // without Nats-Msg-Id and Reply, with a Header
	Bytes() int
	// Stored is told once what became of it; see Commit for err.
	Stored(seq uint64, err error)
}

// call is one Commit, whose messages stay together in one batch, or a piece.
type call struct {
	groupcommit.Mark
	ctx    context.Context
	msgs   []*nats.Msg
	bytes  int
	first  uint64
	err    error
	answer chan struct{}
	piece  Piece        // nil: a Commit
	one    [1]*nats.Msg // msgs of a piece
}

func pieceCall(p Piece) *call {
	cl := &call{ctx: context.Background(), bytes: p.Bytes(), piece: p}
	cl.one[0] = p.Msg()
	cl.msgs = cl.one[:]
	return cl
}

// done tells what became of it.
func (cl *call) done() {
	if cl.piece != nil {
		cl.piece.Stored(cl.first, cl.err)
		return
	}
	close(cl.answer)
}

// NewCommitter starts a committer; Close ends it. Source may be nil; costs are
// a guess to begin with.
func NewCommitter(js jetstream.JetStream, source Source, costs *Costs) *Committer {
	c := &Committer{js: js, costs: costs, gathering: gathering{source: source}}
	p := groupcommit.Policy[*call]{Next: c.next, Commit: c.commitGroup, What: "what is published", Stopped: errClosed}
	if source != nil {
		c.waiting = source.Waiting()
		p.Wake = c.waiting
	}
	c.out = groupcommit.New(p)
	c.done.Go(c.watch)
	return c
}

// Commit returns once all of msgs (1 to 1,000, made with nats.NewMsg, without
// Nats-Msg-Id) are stored, together or not at all, and gives the sequence of
// the first; the others follow it one by one. An error wrapping
// transport.ErrUnavailable tells that they may be published again; where the
// connection was lost meanwhile they may be there already, so ids matter.
func (c *Committer) Commit(ctx context.Context, msgs []*nats.Msg) (first uint64, err error) {
	if len(msgs) == 0 || len(msgs) > maxBatchMessages {
		return 0, &transport.FieldError{Field: "events", Message: fmt.Sprintf("%d at once; give 1 to %d", len(msgs), maxBatchMessages)}
	}
	cl := &call{ctx: ctx, msgs: msgs, answer: make(chan struct{})}
	for _, m := range msgs {
		cl.bytes += m.Size()
	}
	if !c.js.Conn().IsConnected() {
		return 0, errAway
	}
	if !c.out.Put(cl) {
		return 0, errClosed
	}
	select {
	case <-cl.answer:
		return cl.first, cl.err
	case <-ctx.Done():
		return 0, fmt.Errorf("publishing, unanswered yet: %w", ctx.Err())
	}
}

var (
	errClosed = fmt.Errorf("publishing: %w: the publisher is closed", transport.ErrUnavailable)
	errAway   = fmt.Errorf("publishing: %w: not connected to NATS", transport.ErrUnavailable)
)

// Close lets the batch in flight finish and refuses what comes after. Calling
// it again is fine.
func (c *Committer) Close() {
	for _, cl := range c.out.Stop() {
		cl.err = errClosed
		cl.done()
	}
	c.done.Wait()
}

// commitGroup publishes what was gathered. Every call is answered: nothing is
// left for another try.
func (c *Committer) commitGroup(_ context.Context, group []*call) ([]*call, error) {
	c.publish(group)
	return nil, nil
}

func (c *Committer) setCurrent(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = cancel
}

// watch breaks off what is in flight when the connection is lost, rather than
// let callers wait for the time limit.
func (c *Committer) watch() {
	nc := c.js.Conn()
	lost := nc.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer nc.RemoveStatusListener(lost)
	for {
		select {
		case <-c.out.Done():
			return
		case _, ok := <-lost:
			c.apartOnly.Store(false) // another server may take batches
			c.mu.Lock()
			if c.current != nil {
				c.current()
			}
			c.mu.Unlock()
			if !ok { // the connection is closed for good
				<-c.out.Done()
				return
			}
		}
	}
}
