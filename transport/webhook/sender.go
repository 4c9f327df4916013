package webhook

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// Resolver looks up the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options are a Sender's settings; the zero value is a production sender.
type Options struct {
	// Dev allows http, and loopback and private addresses.
	Dev bool
	// AllowCIDRs are dialled though they are not public.
	AllowCIDRs []netip.Prefix
	// SourceIPs bind outgoing connections, in turn per address family; a family
	// without one is not used once any is given.
	SourceIPs []netip.Addr
	// Proxy (http or https, with user info where it wants any) takes every
	// connection, by CONNECT. Its own address is not checked: it is the
	// operator's choice. See ProxyTrusted.
	Proxy *url.URL
	// ProxyTrusted leaves names, and the check of their addresses, to the proxy.
	// Without it names are resolved and checked here and the proxy is asked for
	// the checked address, so that it cannot be led elsewhere.
	ProxyTrusted bool
	// UserAgent for profiles without their own; "Postrider" where empty.
	UserAgent string
	// Resolver is net.DefaultResolver where nil.
	Resolver Resolver
	// Now is time.Now where nil.
	Now func() time.Time
}

// Sender holds what all endpoints share. It is safe for concurrent use.
type Sender struct {
	dev       bool
	userAgent string
	now       func() time.Time
	dialer    *dialer
	sources   []netip.Addr

	mu     sync.Mutex
	closed bool
	pools  map[poolKey]*pool
}

// NewSender checks o; errors are *transport.FieldError naming the setting.
func NewSender(o Options) (*Sender, error) {
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
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = "Postrider"
	}
	if !sendable(o.UserAgent) {
		return nil, &transport.FieldError{Field: "user_agent", Message: "has a control character; give one line of text"}
	}
	return &Sender{
		dev:       o.Dev,
		userAgent: o.UserAgent,
		now:       o.Now,
		sources:   slices.Clone(o.SourceIPs),
		pools:     make(map[poolKey]*pool),
		dialer: &dialer{
			guard:    &guard{dev: o.Dev, allow: slices.Clone(o.AllowCIDRs)},
			resolver: o.Resolver,
			sources:  sources,
			proxy:    newProxy(o.Proxy, o.ProxyTrusted),
		},
	}, nil
}

// Egress lists the source addresses that connections are bound to; empty:
// the machine's own choice.
func (s *Sender) Egress() []netip.Addr { return slices.Clone(s.sources) }

// Close closes idle connections, and those of attempts in flight once these
// have come to their own end. Prepare fails from then on; Send is not to be
// called any more. Close may be called more than once.
func (s *Sender) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, p := range s.pools {
		p.shut()
	}
}
