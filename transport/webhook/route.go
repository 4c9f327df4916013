package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/postrider/postrider/transport/webhook/dial"
	"github.com/postrider/postrider/transport/webhook/http1"
)

// route is the way to one host and port for one customer and one setting of
// TLS: HTTP/1.1 by connections of our own, HTTP/2 by net/http's. Which of the
// two is the receiver's choice, at each handshake.
type route struct {
	key    http1.Key
	dialer *dial.Dialer
	tls    *tls.Config
	http1  *http1.Host
	http2  *http2Host
	users  int // the Sender's lock guards it

	mu     sync.Mutex
	speaks protocol
	asking chan struct{} // closed when the first handshake has ended
}

type protocol uint8

const (
	unknown protocol = iota
	speaksHTTP1
	speaksHTTP2
)

// askingMost is how long others wait for the handshake that asks: it may be
// one that hangs.
const askingMost = time.Second

// What a handshake chose, where the other was expected.
var (
	errHTTP1 = errors.New("the receiver speaks HTTP/1.1")
	errHTTP2 = errors.New("the receiver speaks HTTP/2")
)

// acquireRoute finds or makes the route of key, for one more target.
func (s *Sender) acquireRoute(key http1.Key, shared *settings) *route {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.routes[key]
	if r == nil {
		r = &route{key: key, dialer: s.dialer, tls: shared.tls}
		r.http1 = s.pool.Acquire(key, r.dialHTTP1)
		r.http2 = &http2Host{route: r, shared: s.http2}
		s.routes[key] = r
	}
	r.users++
	return r
}

func (s *Sender) releaseRoute(r *route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.users--; r.users > 0 {
		return
	}
	delete(s.routes, r.key)
	s.pool.Release(r.http1)
	r.http2.shut()
}

func (r *route) isHTTP2() bool {
	if !r.key.Secure {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.speaks == speaksHTTP2
}

func (r *route) spoke(p protocol) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.speaks = p
}

// dialHTTP1 connects for HTTP/1.1. While it is not known what the receiver
// speaks, one handshake asks, and the others wait for it a while: many
// connections would be made for one of HTTP/2.
func (r *route) dialHTTP1(ctx context.Context) (*http1.Conn, error) {
	if !r.key.Secure {
		c, err := r.dialer.Dial(ctx, r.key.Address)
		if err != nil {
			return nil, err
		}
		return http1.NewConn(c, c.Timing), nil
	}
	answered, err := r.ask(ctx)
	if err != nil {
		return nil, err
	}
	defer answered()
	c, under, err := r.dialer.Secure(ctx, r.key.Address, r.tls)
	if err != nil {
		return nil, err
	}
	if c.ConnectionState().NegotiatedProtocol == "h2" {
		r.spoke(speaksHTTP2)
		r.http2.adopt(c, under)
		return nil, errHTTP2
	}
	r.spoke(speaksHTTP1)
	return http1.NewConn(c, under.Timing), nil
}

// ask waits while another asks; its error is ctx's, or errHTTP2.
func (r *route) ask(ctx context.Context) (answered func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asking := r.asking; r.speaks == unknown && asking != nil {
		r.mu.Unlock()
		enough := time.NewTimer(askingMost)
		select {
		case <-asking:
		case <-enough.C:
		case <-ctx.Done():
		}
		enough.Stop()
		r.mu.Lock()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r.speaks == speaksHTTP2 {
			return nil, errHTTP2
		}
		return func() {}, nil
	}
	if r.speaks != unknown {
		return func() {}, nil
	}
	asking := make(chan struct{})
	r.asking = asking
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asking = nil
		close(asking)
	}, nil
}

// connectHTTP2 connects for HTTP/2; what turns out to speak HTTP/1.1 is left
// to it.
func (r *route) connectHTTP2(ctx context.Context) (*tls.Conn, *dial.Conn, error) {
	c, under, err := r.dialer.Secure(ctx, r.key.Address, r.tls)
	if err != nil {
		return nil, nil, err
	}
	if c.ConnectionState().NegotiatedProtocol == "h2" {
		return c, under, nil
	}
	r.spoke(speaksHTTP1)
	_ = c.Close()
	return nil, nil, errHTTP1
}

// closeIdleHTTP2 closes a connection that carries nothing, of whichever route.
func (s *Sender) closeIdleHTTP2() {
	s.mu.Lock()
	var found *http2Conn
	for _, r := range s.routes { // begins anywhere
		if found = r.http2.idle(); found != nil {
			break
		}
	}
	s.mu.Unlock()
	if found != nil {
		_ = found.Close()
	}
}
