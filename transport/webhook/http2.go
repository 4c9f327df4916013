package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/webhook/dial"
	"github.com/postrider/postrider/transport/webhook/http1"
)

const (
	// dialLimit bounds a dial that several attempts wait for.
	dialLimit = 30 * time.Second
	// maxHTTP2Conns of one host: a receiver that takes few requests at a time on
	// each, or lets them hang, gets no more.
	maxHTTP2Conns = 256
	// usualStreams is how many requests one connection is taken to carry before
	// the receiver has said.
	usualStreams = 100
	idleTimeout  = 90 * time.Second
	// maxHTTP2Idle connections of all hosts are kept; beyond it, one more has an
	// idle one closed.
	maxHTTP2Idle = 4096
)

// http2Shared is what all hosts share. The transport makes connections that
// speak HTTP/2 of those that it is handed, and nothing else: keeping them is
// http2Host's.
type http2Shared struct {
	transport *http.Transport
	count     atomic.Int64
	most      int64
	// makeRoom closes one that is idle, of any host.
	makeRoom func()
}

func newHTTP2() *http2Shared {
	return &http2Shared{most: maxHTTP2Idle, transport: &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(handedKey{}).(*tls.Conn), nil
		},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		HTTP2: &http.HTTP2Config{
			// A receiver that vanished is noticed by its unanswered ping, not by
			// every attempt's time limit.
			SendPingTimeout:               15 * time.Second,
			PingTimeout:                   10 * time.Second,
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     2 * transport.MaxAnswerRead,
		},
	}}
}

type handedKey struct{}

// http2Host has the connections of one route that speak HTTP/2. They carry many
// requests at a time; another is made only where these can carry no more, and
// no more at a time than are wanted. No method of a ClientConn that runs its
// hook is called under the lock.
type http2Host struct {
	route   *route
	shared  *http2Shared
	closed  atomic.Bool
	waiting atomic.Int32

	mu      sync.Mutex
	conns   []*http2Conn // oldest first
	dialing int
	changed chan struct{} // closed when something may have come free; nil: nobody waits
}

// http2Conn is one connection.
type http2Conn struct {
	*http.ClientConn
	timing  http1.Timing
	used    atomic.Bool
	dropped atomic.Bool // it takes no more requests; those under way go on
}

// idle: nothing is under way on it.
func (c *http2Conn) idle() bool { return c.InFlight() == 0 }

// spent: it is closed, or was told to take no more and has nothing under way.
func (c *http2Conn) spent() bool { return c.Err() != nil || c.Available() == 0 && c.idle() }

// adopt takes a connection that was made for HTTP/1.1.
func (h *http2Host) adopt(c *tls.Conn, under *dial.Conn) {
	h.mu.Lock()
	enough := len(h.conns) > 0
	h.mu.Unlock()
	if enough || h.add(c, under) != nil {
		_ = c.Close() // several were made at once; one is enough
	}
}

func (h *http2Host) add(c *tls.Conn, under *dial.Conn) error {
	ctx := context.WithValue(context.Background(), handedKey{}, c)
	cc, err := h.shared.transport.NewClientConn(ctx, "https", h.route.key.Address)
	if err != nil {
		return err
	}
	made := &http2Conn{ClientConn: cc, timing: under.Timing}
	if h.shared.count.Add(1) > h.shared.most {
		h.shared.makeRoom()
	}
	cc.SetStateHook(func(*http.ClientConn) { h.hook(made) })
	h.mu.Lock()
	h.conns = append(h.conns, made)
	h.tell()
	h.mu.Unlock()
	h.hook(made)
	return nil
}

// hook runs when a request on c has ended, or c has; under whose locks is not
// known.
func (h *http2Host) hook(c *http2Conn) {
	if h.waiting.Load() > 0 || c.spent() || (h.closed.Load() || c.dropped.Load()) && c.idle() {
		go h.look(c)
	}
}

// look wakes who waits, and closes c where it is of no more use.
func (h *http2Host) look(c *http2Conn) {
	h.mu.Lock()
	h.tell()
	useless := c.spent() || (h.closed.Load() || c.dropped.Load()) && c.idle()
	if useless {
		before := len(h.conns)
		h.conns = slices.DeleteFunc(h.conns, func(other *http2Conn) bool { return other == c })
		useless = len(h.conns) < before || c.dropped.CompareAndSwap(true, false)
	}
	h.mu.Unlock()
	if useless {
		h.shared.count.Add(-1)
		_ = c.Close()
	}
}

// dropUpTo has c and those older take no more requests, after one was not
// taken by c.
func (h *http2Host) dropUpTo(c *http2Conn) {
	h.mu.Lock()
	at := slices.Index(h.conns, c)
	old := slices.Clone(h.conns[:at+1])
	h.conns = slices.Delete(h.conns, 0, at+1)
	h.mu.Unlock()
	for _, c := range old {
		c.dropped.Store(true)
		h.hook(c)
	}
}

// tell wakes all who wait.
func (h *http2Host) tell() {
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// take reserves a request's place on a connection; the error is of a dial, or
// ctx's. The place is used up by RoundTrip.
func (h *http2Host) take(ctx context.Context) (c *http2Conn, reused bool, err error) {
	for {
		if c := h.reserve(); c != nil {
			return c, c.used.Swap(true), nil
		}
		if err := h.await(ctx); err != nil {
			return nil, false, err
		}
	}
}

func (h *http2Host) reserve() *http2Conn {
	var few [4]*http2Conn
	h.mu.Lock()
	conns := append(few[:0], h.conns...)
	h.mu.Unlock()
	for _, c := range conns {
		if c.Reserve() == nil {
			return c
		}
		h.hook(c)
	}
	return nil
}

// await returns when a place may have come free, or a dial has failed that was
// begun for this one.
func (h *http2Host) await(ctx context.Context) error {
	waiting := h.waiting.Add(1)
	defer h.waiting.Add(-1)
	h.mu.Lock()
	room := slices.ContainsFunc(h.conns, func(c *http2Conn) bool { return c.Available() > 0 })
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	changed := h.changed
	var dialled chan error
	if !room && h.dialing*usualStreams < int(waiting) && len(h.conns)+h.dialing < maxHTTP2Conns {
		dialled = make(chan error, 1)
		h.dialing++
		go h.dial(ctx, dialled)
	}
	h.mu.Unlock()
	if room {
		return nil
	}
	select {
	case <-changed:
		return nil
	case err := <-dialled:
		return err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && dialled != nil {
		if err := <-dialled; err != nil {
			return err // it tells at what the time ran out
		}
	}
	return ctx.Err()
}

// dial makes one more connection, for whoever waits; it ends at ctx's deadline,
// but not with ctx.
func (h *http2Host) dial(ctx context.Context, dialled chan<- error) {
	limit, known := ctx.Deadline()
	if !known {
		limit = time.Now().Add(dialLimit)
	}
	ctx, cancel := context.WithDeadline(context.Background(), limit)
	defer cancel()
	c, under, err := h.route.connectHTTP2(ctx)
	if err == nil {
		if err = h.add(c, under); err != nil {
			_ = c.Close()
		}
	}
	h.mu.Lock()
	h.dialing--
	h.tell() // where it failed, another may try
	h.mu.Unlock()
	dialled <- err
}

// idle gives a connection that carries nothing, or nil.
func (h *http2Host) idle() *http2Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		if c.idle() {
			return c
		}
	}
	return nil
}

// shut closes what is idle, and the rest when it has become so.
func (h *http2Host) shut() {
	h.closed.Store(true)
	h.each(func(c *http2Conn) { h.hook(c) })
}

func (h *http2Host) each(do func(*http2Conn)) {
	h.mu.Lock()
	conns := slices.Clone(h.conns)
	h.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
}
