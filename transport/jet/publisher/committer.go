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
)

// Limits of one atomic batch. The server takes 1,000 messages; the bytes bound
// what it holds back until the commit.
const (
	maxBatchMessages = 1000
	maxBatchBytes    = 16 << 20
)

const (
	gatherTime    = 2 * time.Millisecond
	commitTimeout = 10 * time.Second
)

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
	js     jetstream.JetStream
	calls  chan *call
	source Source
	// waiting is the source's; nil: there is none.
	waiting <-chan struct{}
	// owed: the batch before left nothing to the source, which had something.
	owed bool
	// apartOnly: the server takes no batches, for as long as it is connected.
	apartOnly atomic.Bool
	// current is over when the committer closes or the connection is lost:
	// what is in flight then will not be answered.
	mu      sync.Mutex
	current context.CancelFunc
	costs   *Costs
	quit    chan struct{}
	stopped chan struct{} // run has answered its last call
	done    sync.WaitGroup
	closing sync.Once
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
	c := &Committer{js: js, costs: costs, source: source,
		calls: make(chan *call, maxBatchMessages), quit: make(chan struct{}), stopped: make(chan struct{})}
	if source != nil {
		c.waiting = source.Waiting()
	}
	c.done.Add(2)
	go c.run()
	go c.watch()
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
	select {
	case <-c.quit:
		return 0, errClosed
	default:
	}
	select {
	case c.calls <- cl:
	case <-c.quit:
		return 0, errClosed
	case <-ctx.Done():
		return 0, fmt.Errorf("publishing: %w", ctx.Err())
	}
	select {
	case <-cl.answer:
		return cl.first, cl.err
	case <-ctx.Done():
		return 0, fmt.Errorf("publishing, unanswered yet: %w", ctx.Err())
	case <-c.stopped:
	}
	select {
	case <-cl.answer:
		return cl.first, cl.err
	default:
		return 0, errClosed
	}
}

var (
	errClosed = fmt.Errorf("publishing: %w: the publisher is closed", transport.ErrUnavailable)
	errAway   = fmt.Errorf("publishing: %w: not connected to NATS", transport.ErrUnavailable)
)

// Close lets the batch in flight finish and refuses what comes after. Calling
// it again is fine.
func (c *Committer) Close() {
	c.closing.Do(func() { close(c.quit) })
	c.done.Wait()
}

func (c *Committer) run() {
	defer c.done.Done()
	defer close(c.stopped)
	var kept *call // did not fit into the batch before
	companions := 0
	for {
		if kept == nil {
			select {
			case kept = <-c.calls:
			case <-c.waiting:
			case <-c.quit:
				c.refuse(nil)
				return
			}
		}
		var b batch
		b, kept = c.gather(kept, companions)
		companions = b.callers
		c.publish(b.calls)
		select {
		case <-c.quit:
			c.refuse(kept)
			return
		default:
		}
	}
}

// refuse answers what was not taken up.
func (c *Committer) refuse(kept *call) {
	for cl := kept; ; {
		if cl != nil {
			cl.err = errClosed
			cl.done()
		}
		select {
		case cl = <-c.calls:
		default:
			return
		}
	}
}

// batch is what is stored together.
type batch struct {
	calls                    []*call
	messages, bytes, callers int
}

func (b *batch) fits(cl *call) bool {
	return b.messages == 0 || b.messages+len(cl.msgs) <= maxBatchMessages && b.bytes+cl.bytes <= maxBatchBytes
}

func (b *batch) add(cl *call) {
	b.calls = append(b.calls, cl)
	b.messages += len(cl.msgs)
	b.bytes += cl.bytes
	if cl.piece == nil {
		b.callers++
	}
}

// gather collects what fits in one batch: half of it from the source, calls that
// are there, and more from the source. Where the batch before had more callers,
// those of them that come within gatherTime are waited for.
func (c *Committer) gather(first *call, companions int) (b batch, kept *call) {
	large := first != nil && (len(first.msgs) > maxBatchMessages/2 || first.bytes > maxBatchBytes/2)
	if large && c.owed {
		if c.fill(&b, maxBatchMessages, maxBatchBytes); b.messages > 0 {
			c.owed = false
			return b, first
		}
	}
	if c.owed = large && len(c.waiting) > 0; !large {
		c.fill(&b, maxBatchMessages/2, maxBatchBytes/2)
	}
	var late <-chan time.Time
	for next := first; ; {
		if next != nil && next.ctx.Err() == nil {
			if !b.fits(next) {
				return b, next
			}
			b.add(next)
		}
		select {
		case next = <-c.calls:
			continue
		default:
		}
		c.fill(&b, maxBatchMessages, maxBatchBytes)
		if b.callers >= companions {
			return b, nil
		}
		if late == nil {
			late = time.After(gatherTime)
		}
		select {
		case next = <-c.calls:
		case <-late:
			c.fill(&b, maxBatchMessages, maxBatchBytes)
			return b, nil
		case <-c.quit:
			return b, nil
		}
	}
}

// fill takes from the source until b has so many messages or bytes.
func (c *Committer) fill(b *batch, messages, bytes int) {
	if c.source != nil && b.messages < messages && b.bytes < bytes {
		c.source.Pieces(messages-b.messages, bytes-b.bytes, func(p Piece) { b.add(pieceCall(p)) })
	}
}

func (c *Committer) setCurrent(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = cancel
}

// watch breaks off what is in flight when the connection is lost, rather than
// let callers wait for the time limit.
func (c *Committer) watch() {
	defer c.done.Done()
	nc := c.js.Conn()
	lost := nc.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CLOSED)
	defer nc.RemoveStatusListener(lost)
	for {
		select {
		case <-c.quit:
			return
		case _, ok := <-lost:
			c.apartOnly.Store(false) // another server may take batches
			c.mu.Lock()
			if c.current != nil {
				c.current()
			}
			c.mu.Unlock()
			if !ok { // the connection is closed for good
				<-c.quit
				return
			}
		}
	}
}
