package dial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/postrider/postrider/transport/webhook/http1"
)

// What a dial may try.
const (
	// stagger is the head start of one address before the next is tried too.
	stagger = 300 * time.Millisecond
	// maxAddresses of one name are tried; a name may have any number.
	maxAddresses = 8
)

// Resolver looks up the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options are a Dialer's settings.
type Options struct {
	// Dev allows loopback and private addresses.
	Dev bool
	// AllowCIDRs are dialled though they are not public.
	AllowCIDRs []netip.Prefix
	// SourceIPs bind outgoing connections, in turn per address family; a family
	// without one is not used once any is given.
	SourceIPs []netip.Addr
	// Proxy (http or https, with user info where it wants any) takes every
	// connection, by CONNECT. Its own address is not checked: it is the
	// operator's choice.
	Proxy *url.URL
	// ProxyTrusted leaves names, and the check of their addresses, to the proxy.
	// Without it names are resolved and checked here and the proxy is asked for
	// the checked address, so that it cannot be led elsewhere.
	ProxyTrusted bool
	// Resolver is net.DefaultResolver where nil.
	Resolver Resolver
	// Logger tells operators which addresses were refused; slog.Default where nil.
	Logger *slog.Logger
	// Now is time.Now where nil.
	Now func() time.Time
}

// Dialer opens connections to addresses that may be dialled. It is safe for
// concurrent use.
type Dialer struct {
	guard    *guard
	resolver Resolver
	sources  *sources
	proxy    *proxy
	refusals *refusals
}

// New checks o; errors are *transport.FieldError naming the setting.
func New(o Options) (*Dialer, error) {
	if err := checkProxy(o.Proxy); err != nil {
		return nil, err
	}
	sources, err := newSources(o.SourceIPs)
	if err != nil {
		return nil, err
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	return &Dialer{
		guard:    &guard{dev: o.Dev, allow: slices.Clone(o.AllowCIDRs)},
		resolver: o.Resolver,
		sources:  sources,
		proxy:    newProxy(o.Proxy, o.ProxyTrusted),
		refusals: newRefusals(o.Logger, o.Now),
	}, nil
}

// Conn is a connection that remembers how long it took to make.
type Conn struct {
	net.Conn
	http1.Timing
}

// NetConn is the connection under it.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// DNSError is a failed look-up.
type DNSError struct{ err error }

// Error implements error.
func (e *DNSError) Error() string { return "DNS: " + e.err.Error() }

// Unwrap gives what the resolver said.
func (e *DNSError) Unwrap() error { return e.err }

// Dial connects to "host:port", directly or through the proxy.
func (d *Dialer) Dial(ctx context.Context, addr string) (*Conn, error) {
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
	return &Conn{c, http1.Timing{DNS: resolved.Sub(start), Connect: time.Since(resolved)}}, nil
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
func (d *Dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	kept, err := d.allowed(found)
	d.refusals.tell(host, err)
	return kept, err
}

func (d *Dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	found, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, &DNSError{err}
	}
	if len(found) == 0 {
		return nil, &DNSError{errors.New("no addresses")}
	}
	addrs := make([]netip.Addr, len(found))
	for i, addr := range found {
		addrs[i] = addr.Unmap() // resolvers give IPv4 in either form
	}
	return addrs, nil
}

// allowed keeps what the guard lets through; where that is nothing, it says
// why the first was refused.
func (d *Dialer) allowed(addrs []netip.Addr) ([]netip.Addr, error) {
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
func (d *Dialer) guarded(_ context.Context, _, address string, _ syscall.RawConn) error {
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
func (d *Dialer) connect(ctx context.Context, addrs []netip.Addr, port uint16, check control) (net.Conn, error) {
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
