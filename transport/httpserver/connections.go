package httpserver

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// connections counts those that are open, and knows which wait for a request.
type connections struct {
	all, perAddress int
	proxies         []netip.Prefix
	refused         func(Bound)
	silent          bool          // a refusal cannot be told: the peer waits for a handshake
	answers         chan struct{} // a place for each refusal being told

	mu      sync.Mutex
	open    int
	of      map[netip.Addr]int
	waiting *list.List // of *conn: no request under way, the longest first
	places  map[*conn]*list.Element
}

func newConnections(o *Options) *connections {
	c := &connections{all: o.Connections, perAddress: o.PerAddress, proxies: o.Proxies, refused: o.Refused, silent: o.TLS != nil,
		answers: make(chan struct{}, refusalsAtOnce), of: map[netip.Addr]int{}, waiting: list.New(), places: map[*conn]*list.Element{}}
	if c.refused == nil {
		c.refused = func(Bound) {}
	}
	return c
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// enter counts a new connection in, or says which bound refuses it. One that
// waited for a request is closed to make room.
func (c *connections) enter(raw net.Conn) (*conn, Bound) {
	in := &conn{Conn: raw, connections: c, address: addressOf(raw.RemoteAddr())}
	c.mu.Lock()
	bound, over := c.over(in.address)
	var out *conn
	if over {
		if out = c.longestWaiting(in.address, bound); out == nil {
			c.mu.Unlock()
			return nil, bound
		}
		c.forget(out)
	}
	c.open++
	c.of[in.address]++
	c.mu.Unlock()
	if out != nil {
		_ = out.Conn.Close() // it has left already
	}
	return in, ""
}

// over tells which bound one more connection from address would break.
func (c *connections) over(address netip.Addr) (Bound, bool) {
	switch {
	case c.perAddress > 0 && c.of[address] >= c.perAddress && !c.proxied(address):
		return BoundAddress, true
	case c.all > 0 && c.open >= c.all:
		return BoundAll, true
	}
	return "", false
}

func (c *connections) proxied(address netip.Addr) bool {
	for _, p := range c.proxies {
		if p.Contains(address) {
			return true
		}
	}
	return false
}

// longestWaiting is the connection that leaves for a new one: of the same
// address where its own bound is reached, else whichever.
func (c *connections) longestWaiting(address netip.Addr, bound Bound) *conn {
	for e := c.waiting.Front(); e != nil; e = e.Next() {
		if w := e.Value.(*conn); bound == BoundAll || w.address == address {
			return w
		}
	}
	return nil
}

// leave counts a connection out that closes by itself.
func (c *connections) leave(out *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(out)
}

// forget counts a connection out, once. The lock is held.
func (c *connections) forget(out *conn) {
	if out.left {
		return
	}
	out.left = true
	c.settle(out)
	c.open--
	if c.of[out.address]--; c.of[out.address] == 0 {
		delete(c.of, out.address)
	}
}

// settle takes a connection off those that wait. The lock is held.
func (c *connections) settle(w *conn) {
	if e, there := c.places[w]; there {
		c.waiting.Remove(e)
		delete(c.places, w)
	}
}

// changed follows the server's connections (http.Server.ConnState). One whose
// head has not come yet waits as an idle one does.
func (c *connections) changed(nc net.Conn, state http.ConnState) {
	if secured, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = secured.NetConn()
	}
	w, ours := nc.(*conn)
	if !ours {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(w)
	if (state == http.StateNew || state == http.StateIdle) && !w.left {
		c.places[w] = c.waiting.PushBack(w)
	}
}
