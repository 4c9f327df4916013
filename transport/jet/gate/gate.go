package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// Options of a Gate.
type Options struct {
	// Lanes by the subject, with wildcards, on which producers publish.
	Lanes map[string]*Lane
	// Streams are what producers are told of when they look.
	Streams []Stream
	// Count is told of n messages that were not taken, for a reason.
	Count func(stream, reason string, n int)
}

// Gate reads what producers publish, and answers.
type Gate struct {
	o       Options
	answers *answers
	in, out *nats.Conn
	look    *nats.Subscription
	closed  chan struct{} // in is
	subs    []*nats.Subscription
	unread  atomic.Int64 // told of what was not read, so far
	ending  sync.Once
}

const (
	// unreadMessages and unreadBytes are what may wait in the client to be
	// looked at; what is beyond is lost, unanswered.
	unreadMessages = 1 << 19
	unreadBytes    = 256 << 20
	// patience is how long an ending gate waits for what is under way.
	patience = 2 * time.Second
)

// New is a gate that nobody comes through yet. Lanes answer by Answer.
func New(count func(stream, reason string, n int)) *Gate {
	g := &Gate{o: Options{Count: count}, closed: make(chan struct{})}
	g.answers = newAnswers(func(n int) { count("", ReasonUnread, n) })
	return g
}

// Answer is what lanes answer by.
func (g *Gate) Answer(reply string, data []byte) { g.answers.add(reply, data) }

// Dial connects to the producers' account.
type Dial func(options ...nats.Option) (*nats.Conn, error)

// Open begins to take messages, and to answer what is asked on node, a
// connection of the node's account.
func (g *Gate) Open(dial Dial, node *nats.Conn, o Options) (err error) {
	o.Count = g.o.Count
	g.o = o
	if g.out, err = dial(nats.Name("postrider gate, answers"), nats.ReconnectBufSize(-1)); err != nil {
		return fmt.Errorf("the gate: %w", err)
	}
	g.answers.start(g.out)
	g.in, err = dial(nats.Name("postrider gate"), nats.ErrorHandler(g.erred), nats.ClosedHandler(func(*nats.Conn) { close(g.closed) }))
	if err != nil {
		return fmt.Errorf("the gate: %w", err)
	}
	for subject, lane := range o.Lanes {
		sub, err := g.in.Subscribe(subject, lane.Take)
		if err == nil {
			err = sub.SetPendingLimits(unreadMessages, unreadBytes)
		}
		if err != nil {
			return fmt.Errorf("the gate, on %s: %w", subject, err)
		}
		g.subs = append(g.subs, sub)
	}
	if g.look, err = node.Subscribe(LookSubject, answerLook(o.Streams)); err != nil {
		return fmt.Errorf("the gate, on %s: %w", LookSubject, err)
	}
	return errors.Join(g.in.Flush(), node.Flush())
}

// erred hears of what the client had no room for, once for many.
func (g *Gate) erred(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		g.countUnread()
	}
}

func (g *Gate) countUnread() {
	all := 0
	for _, sub := range g.subs {
		if n, err := sub.Dropped(); err == nil {
			all += n
		}
	}
	if n := all - int(g.unread.Swap(int64(all))); n > 0 {
		g.o.Count("", ReasonUnread, n)
	}
}

// Close takes no more, waits for what is under way until ctx ends, at most 2 s,
// answers, and disconnects. Calling it again is fine.
func (g *Gate) Close(ctx context.Context) {
	g.ending.Do(func() { g.close(ctx) })
}

func (g *Gate) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if g.look != nil {
		_ = g.look.Unsubscribe() // its connection may be closed already
	}
	if g.in != nil {
		g.countUnread()
		if g.in.Drain() != nil {
			g.in.Close()
		}
		await(ctx, g.closed)
		g.in.Close()
	}
	for _, lane := range g.o.Lanes {
		await(ctx, lane.Close())
	}
	if g.out == nil {
		return
	}
	g.answers.close()
	_ = g.out.FlushTimeout(patience) // who hears nothing publishes again
	g.out.Close()
}

func await(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	}
}
