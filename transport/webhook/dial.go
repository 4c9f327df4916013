package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// What a dial may try.
const (
	// stagger is the head start of one address before the next is tried too.
	stagger = 300 * time.Millisecond
	// maxAddresses of one name are tried; a name may have any number.
	maxAddresses = 8
	// dialLimit holds where no attempt's own limit is known.
	dialLimit = 30 * time.Second
)

// dialer opens connections to addresses that the guard lets through.
type dialer struct {
	guard    *guard
	resolver Resolver
	sources  *sources
	proxy    *proxy
}

// conn is a connection that remembers how long it took to make.
type conn struct {
	net.Conn
	dns, connect, tls time.Duration
}

// dnsError marks a failed look-up.
type dnsError struct{ err error }

func (e *dnsError) Error() string { return "DNS: " + e.err.Error() }
func (e *dnsError) Unwrap() error { return e.err }

// reach connects to "host:port", directly or through the proxy.
func (d *dialer) reach(ctx context.Context, addr string) (*conn, error) {
	if d.proxy != nil {
		return d.proxied(ctx, addr)
	}
	host, port, err := splitAddr(addr)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	resolved := time.Now()
	c, err := d.connect(ctx, addrs, port, d.guarded)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, dns: resolved.Sub(start), connect: time.Since(resolved)}, nil
}

func splitAddr(addr string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return host, uint16(n), err
}

// lookup gives the addresses of host that may be dialled, at least one.
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return d.allowed([]netip.Addr{addr})
	}
	found, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	return d.allowed(found)
}

func (d *dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	found, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, &dnsError{err}
	}
	if len(found) == 0 {
		return nil, &dnsError{errors.New("no addresses")}
	}
	addrs := make([]netip.Addr, len(found))
	for i, addr := range found {
		addrs[i] = addr.Unmap() // resolvers give IPv4 in either form
	}
	return addrs, nil
}

// allowed keeps what the guard lets through; where that is nothing, it says
// why the first was refused.
func (d *dialer) allowed(addrs []netip.Addr) ([]netip.Addr, error) {
	var refused error
	kept := make([]netip.Addr, 0, len(addrs))
	for _, addr := range addrs {
		if err := d.guard.check(addr); err == nil {
			kept = append(kept, addr)
		} else if refused == nil {
			refused = err
		}
	}
	if len(kept) == 0 {
		return nil, refused
	}
	return kept, nil
}

// guarded looks at the socket's very address at the moment of connecting: what
// was checked before and what is dialled cannot differ.
func (d *dialer) guarded(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("unreadable address %q: %w", address, err)
	}
	return d.guard.check(at.Addr())
}

// control is net.Dialer's ControlContext; nil lets everything through.
type control = func(ctx context.Context, network, address string, c syscall.RawConn) error

// connect tries addrs in order, each with a head start, and gives the first
// connection; the error is the first one's.
func (d *dialer) connect(ctx context.Context, addrs []netip.Addr, port uint16, check control) (net.Conn, error) {
	addrs, err := d.sources.usable(addrs)
	if err != nil {
		return nil, err
	}
	addrs = addrs[:min(len(addrs), maxAddresses)]
	one := func(ctx context.Context, addr netip.Addr) (net.Conn, error) {
		nd := net.Dialer{ControlContext: check}
		if source := d.sources.next(addr); source.IsValid() {
			nd.LocalAddr = &net.TCPAddr{IP: source.AsSlice()}
		}
		return nd.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
	}
	if len(addrs) == 1 {
		return one(ctx, addrs[0])
	}
	return race(ctx, addrs, one)
}

// race starts one dial after another, the next at the latest after stagger and
// at once when one fails. Losers are closed.
func race(ctx context.Context, addrs []netip.Addr, one func(context.Context, netip.Addr) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, len(addrs))
	started, running := 0, 0
	begin := func() {
		addr := addrs[started]
		started++
		running++
		go func() {
			c, err := one(ctx, addr)
			results <- result{c, err}
		}()
	}
	tick := time.NewTicker(stagger)
	defer tick.Stop()
	begin()
	var first error
	for {
		select {
		case r := <-results:
			running--
			if r.err == nil {
				go func(left int) {
					for range left {
						if late := <-results; late.conn != nil {
							_ = late.conn.Close()
						}
					}
				}(running)
				return r.conn, nil
			}
			if first == nil {
				first = r.err
			}
			if started < len(addrs) {
				begin()
				tick.Reset(stagger)
			} else if running == 0 {
				return nil, first
			}
		case <-tick.C:
			if started < len(addrs) {
				begin()
			}
		}
	}
}
