package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver answers each request; it can be told to wait before it does.
type receiver struct {
	net.Listener
	accepted atomic.Int32
	hold     chan struct{} // nil: it answers at once
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{Listener: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.accepted.Add(1)
			all.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return r
}

func (r *receiver) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		if r.hold != nil {
			<-r.hold
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

func (r *receiver) dial(ctx context.Context) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", r.Addr().String())
	if err != nil {
		return nil, err
	}
	return NewConn(c, Timing{}), nil
}

func newHost(t *testing.T, p *Pool, key Key, dial Dial) *Host {
	t.Helper()
	h := p.Acquire(key, dial)
	t.Cleanup(func() { p.Release(h) })
	return h
}

func take(t *testing.T, h *Host) *Conn {
	t.Helper()
	c, err := h.Take(context.Background(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

func exchange(t *testing.T, c *Conn) {
	t.Helper()
	resp, err := c.Exchange(Request{Bytes: []byte(request)})
	if err != nil || resp.Status != 200 {
		t.Fatalf("%d, %v", resp.Status, err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
}

func TestTheLastFreedIsTheNextUsed(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, NewPool(), Key{}, r.dial)
	first, second := take(t, h), take(t, h)
	exchange(t, first)
	exchange(t, second)
	h.Keep(first)
	h.Keep(second)
	if c := take(t, h); c != second || !c.Reused {
		t.Error("not the one that came free last")
	} else {
		h.Discard(c)
	}
}

func TestIdleConnectionsGrowOld(t *testing.T) {
	r := newReceiver(t)
	p := NewPool()
	h := newHost(t, p, Key{}, r.dial)
	c := take(t, h)
	exchange(t, c)
	h.Keep(c)
	h.mu.Lock()
	c.until = time.Now()
	h.mu.Unlock()
	h.sweep()
	if c, _, _ := h.next(); c != nil || p.idle.Load() != 0 {
		t.Error("a connection is kept past its time")
	}
}

func TestWhatCannotBeUsedAgainIsClosed(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, NewPool(), Key{}, r.dial)
	c := take(t, h)
	h.Keep(c) // without an exchange
	if c := take(t, h); c.Reused {
		t.Error("it was used again")
	} else {
		h.Discard(c)
	}
}

// All keys together keep no more than may be, and who has many gives up first.
func TestConnectionsAreBoundedInNumber(t *testing.T) {
	r := newReceiver(t)
	p := NewPool()
	p.most = 4
	few := newHost(t, p, Key{Owner: "few"}, r.dial)
	many := newHost(t, p, Key{Owner: "many"}, r.dial)
	keep := func(h *Host, n int) {
		var all []*Conn
		for range n {
			c := take(t, h)
			exchange(t, c)
			all = append(all, c)
		}
		for _, c := range all {
			h.Keep(c)
		}
	}
	keep(few, 1)
	keep(many, 10)
	if p.idle.Load() != 4 || few.kept.Load() != 1 {
		t.Errorf("%d kept, %d of them of the one that has few", p.idle.Load(), few.kept.Load())
	}
}

// brittle is a connection that takes no byte any more once it is dead.
type brittle struct {
	net.Conn
	dead atomic.Bool
}

func (b *brittle) SyscallConn() (syscall.RawConn, error) { return b.Conn.(syscall.Conn).SyscallConn() }

func (b *brittle) Write(p []byte) (int, error) {
	if b.dead.Load() {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

func TestAKeptConnectionThatTakesNothingIsUntouched(t *testing.T) {
	r := newReceiver(t)
	var latest *brittle
	h := newHost(t, NewPool(), Key{}, func(ctx context.Context) (*Conn, error) {
		c, err := r.dial(ctx)
		if err != nil {
			return nil, err
		}
		latest = &brittle{Conn: c.conn}
		return NewConn(latest, Timing{}), nil
	})
	c := take(t, h)
	exchange(t, c)
	h.Keep(c)
	latest.dead.Store(true)
	c = take(t, h)
	if _, err := c.Exchange(Request{Bytes: []byte(request)}); !errors.Is(err, ErrUntouched) || c.Broken {
		t.Errorf("%v", err)
	}
	h.Discard(c)
}

// Whoever would wait less for a connection in use than for a new one waits for
// it; what hangs costs him no more than a new one takes.
func TestWaitingForOneToComeFree(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, NewPool(), Key{}, r.dial)
	c := take(t, h)
	exchange(t, c)
	h.mu.Lock()
	h.load.hold, h.load.dial = time.Millisecond, time.Hour
	h.mu.Unlock()
	got := make(chan *Conn)
	go func() { got <- take(t, h) }()
	for waits := false; !waits; {
		h.mu.Lock()
		waits = len(h.queue) == 1
		h.mu.Unlock()
	}
	h.Keep(c)
	if next := <-got; next != c || r.accepted.Load() != 1 {
		t.Errorf("%d connections", r.accepted.Load())
	}
	h.mu.Lock()
	h.load.hold, h.load.dial = time.Microsecond, time.Millisecond
	h.mu.Unlock()
	other := take(t, h) // c never comes free
	if other == c {
		t.Error("two have one connection")
	}
	h.Discard(other)
	h.mu.Lock()
	h.load.dial = time.Hour
	h.load.hold = time.Millisecond
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Take(ctx, time.Now().Add(time.Minute)); !errors.Is(err, context.Canceled) || len(h.queue) != 0 {
		t.Errorf("%v, %d wait", err, len(h.queue))
	}
	h.Discard(c)
	if h.load.inUse != 0 {
		t.Errorf("%d in use", h.load.inUse)
	}
}

func TestWorthWaiting(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		l      load
		before int
		waits  bool
	}{
		"nothing in use":     {load{0, 10 * ms, ms}, 0, false},
		"nothing known":      {load{inUse: 5, dial: 10 * ms}, 0, false},
		"soon":               {load{1, 10 * ms, 5 * ms}, 0, true},
		"behind others":      {load{1, 10 * ms, 5 * ms}, 2, false},
		"many in use":        {load{30, 10 * ms, 5 * ms}, 2, true},
		"far away":           {load{1, 100 * ms, 100 * ms}, 0, false},
		"far away, many":     {load{100, 100 * ms, 100 * ms}, 10, true},
		"cheap to make anew": {load{1, ms / 10, ms}, 0, false},
	} {
		if waits := c.l.worthWaiting(c.before) > 0; waits != c.waits {
			t.Errorf("%s: waits %v", name, waits)
		}
	}
}
