package webhook

import (
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/webhook/dial"
	"github.com/postrider/postrider/transport/webhook/http1"
)

// Resolver looks up the addresses of a name; *net.Resolver is one.
type Resolver = dial.Resolver

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
	// Shares bounds what customers' templates may cost; nil: nothing does.
	Shares *transport.Shares
	// Logger tells operators which addresses were refused; slog.Default where nil.
	Logger *slog.Logger
}

// Sender holds what all endpoints share. It is safe for concurrent use.
type Sender struct {
	dev       bool
	userAgent string
	now       func() time.Time
	dialer    *dial.Dialer
	sources   []netip.Addr
	pool      *http1.Pool
	http2     *http2Shared
	shares    *transport.Shares

	mu       sync.Mutex
	closed   bool
	settings map[settingsKey]*settings
	routes   map[http1.Key]*route
}

// NewSender checks o; errors are *transport.FieldError naming the setting.
func NewSender(o Options) (*Sender, error) {
	dialer, err := dial.New(dial.Options{
		Dev: o.Dev, AllowCIDRs: o.AllowCIDRs, SourceIPs: o.SourceIPs,
		Proxy: o.Proxy, ProxyTrusted: o.ProxyTrusted, Resolver: o.Resolver, Logger: o.Logger, Now: o.Now,
	})
	if err != nil {
		return nil, err
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
	made := &Sender{
		dev:       o.Dev,
		userAgent: o.UserAgent,
		now:       o.Now,
		dialer:    dialer,
		sources:   slices.Clone(o.SourceIPs),
		shares:    o.Shares,
		pool:      http1.NewPool(),
		http2:     newHTTP2(),
		settings:  make(map[settingsKey]*settings),
		routes:    make(map[http1.Key]*route),
	}
	made.http2.makeRoom = made.closeIdleHTTP2
	return made, nil
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
	s.pool.Close()
	for _, r := range s.routes {
		r.http2.shut()
	}
}
