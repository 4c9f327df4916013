package webhook

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lines are the kept connections to one host and port, shared by the targets
// there. The one used last is used next, so that the rest can grow old.
type lines struct {
	pool *pool
	key  lineKey
	addr string
	// http2 is set once a handshake chose HTTP/2; handed is the connection it
	// was on, for net/http to take.
	http2  atomic.Bool
	handed net.Conn

	users int // the pool's lock guards it

	mu     sync.Mutex
	closed bool
	idle   []*line
	timer  *time.Timer
}

// lineKey is where lines lead.
type lineKey struct {
	host, port string
	secure     bool
}

// acquireLines finds or makes the lines to key, for one more target.
func (p *pool) acquireLines(key lineKey) *lines {
	p.linesMu.Lock()
	defer p.linesMu.Unlock()
	ls := p.lines[key]
	if ls == nil {
		ls = &lines{pool: p, key: key, addr: net.JoinHostPort(key.host, key.port)}
		p.lines[key] = ls
	}
	ls.users++
	return ls
}

// releaseLines closes what the last target there leaves.
func (p *pool) releaseLines(ls *lines) {
	if ls == nil {
		return
	}
	p.linesMu.Lock()
	defer p.linesMu.Unlock()
	if ls.users--; ls.users == 0 {
		ls.shut()
		delete(p.lines, ls.key)
	}
}

// errHTTP2: the receiver speaks HTTP/2, which is net/http's to speak.
var errHTTP2 = errors.New("the receiver speaks HTTP/2")

// lean tells whether attempts may go by a line.
func (ls *lines) lean() bool { return ls != nil && !ls.http2.Load() }

// take gives a line with its deadline set, kept or new. The error is of a dial.
func (ls *lines) take(ctx context.Context, deadline time.Time) (*line, error) {
	for {
		l := ls.pop()
		if l == nil {
			break
		}
		if l.usable(deadline) {
			l.reused = true
			return l, nil
		}
		l.close()
	}
	return ls.dial(ctx, deadline)
}

func (ls *lines) pop() *line {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	last := len(ls.idle) - 1
	if last < 0 {
		return nil
	}
	l := ls.idle[last]
	ls.idle[last] = nil
	ls.idle = ls.idle[:last]
	return l
}

func (ls *lines) dial(ctx context.Context, deadline time.Time) (*line, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	c, raw, err := ls.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(deadline); err != nil {
		_ = c.Close()
		return nil, err
	}
	return newLine(c, raw), nil
}

func (ls *lines) connect(ctx context.Context) (net.Conn, *conn, error) {
	if !ls.key.secure {
		c, err := ls.pool.reach(ctx, ls.addr)
		return c, c, err
	}
	c, raw, err := ls.pool.secure(ctx, ls.addr)
	if err != nil {
		return nil, nil, err
	}
	if c.ConnectionState().NegotiatedProtocol == "h2" {
		ls.hand(c)
		return nil, nil, errHTTP2
	}
	return c, raw, nil
}

// hand leaves a connection that speaks HTTP/2 to net/http.
func (ls *lines) hand(c net.Conn) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.http2.Store(true)
	if ls.handed != nil || ls.closed {
		_ = c.Close() // several were made at once; one is enough
		return
	}
	ls.handed = c
}

// takeHanded gives the connection that waits for net/http to addr, or nil.
func (p *pool) takeHanded(addr string) net.Conn {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	p.linesMu.Lock()
	ls := p.lines[lineKey{host: host, port: port, secure: true}]
	p.linesMu.Unlock()
	if ls == nil {
		return nil
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	c := ls.handed
	ls.handed = nil
	return c
}

// keep takes a line back that can carry another request.
func (ls *lines) keep(l *line) {
	l.idle = time.Now()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed || len(ls.idle) >= maxIdlePerHost {
		l.close()
		return
	}
	ls.idle = append(ls.idle, l)
	if ls.timer == nil {
		ls.timer = time.AfterFunc(idleTimeout, ls.sweep)
	}
}

// sweep closes what has been idle too long; it runs only while there is any.
func (ls *lines) sweep() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	old := 0
	for old < len(ls.idle) && time.Since(ls.idle[old].idle) >= idleTimeout {
		ls.idle[old].close()
		old++
	}
	n := copy(ls.idle, ls.idle[old:])
	clear(ls.idle[n:])
	ls.idle = ls.idle[:n]
	ls.timer = nil
	if n > 0 && !ls.closed {
		ls.timer = time.AfterFunc(idleTimeout-time.Since(ls.idle[0].idle), ls.sweep)
	}
}

// shut closes what is idle; what is in use is closed when it comes back.
func (ls *lines) shut() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.closed = true
	if ls.timer != nil {
		ls.timer.Stop()
		ls.timer = nil
	}
	for _, l := range ls.idle {
		l.close()
	}
	ls.idle = nil
	if ls.handed != nil {
		_ = ls.handed.Close()
		ls.handed = nil
	}
}
