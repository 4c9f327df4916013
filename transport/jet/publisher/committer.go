package publisher

import (
	"context"
	"fmt"
	"sync"
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
type Committer struct {
	js    jetstream.JetStream
	calls chan *call
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

// call is one Commit: its messages stay together in one batch.
type call struct {
	ctx    context.Context
	msgs   []*nats.Msg
	bytes  int
	first  uint64
	err    error
	answer chan struct{}
}

// NewCommitter starts a committer; Close ends it.
func NewCommitter(js jetstream.JetStream) *Committer {
	c := &Committer{js: js, costs: NewCosts(), calls: make(chan *call, maxBatchMessages), quit: make(chan struct{}), stopped: make(chan struct{})}
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
			case <-c.quit:
				c.refuse(nil)
				return
			}
		}
		var batch []*call
		batch, kept = c.gather(kept, companions)
		companions = len(batch)
		c.publish(batch)
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
			close(cl.answer)
		}
		select {
		case cl = <-c.calls:
		default:
			return
		}
	}
}

// gather collects calls that fit in one batch: all that are there, and where
// the batch before had more callers, those of them that come within gatherTime.
func (c *Committer) gather(first *call, companions int) (batch []*call, kept *call) {
	var late <-chan time.Time
	messages, bytes := 0, 0
	next := first
	for {
		if next.ctx.Err() == nil {
			if messages > 0 && (messages+len(next.msgs) > maxBatchMessages || bytes+next.bytes > maxBatchBytes) {
				return batch, next
			}
			batch = append(batch, next)
			messages += len(next.msgs)
			bytes += next.bytes
		}
		select {
		case next = <-c.calls:
			continue
		default:
		}
		if len(batch) >= companions {
			return batch, nil
		}
		if late == nil {
			late = time.After(gatherTime)
		}
		select {
		case next = <-c.calls:
		case <-late:
			return batch, nil
		case <-c.quit:
			return batch, nil
		}
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
