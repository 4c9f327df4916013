package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// What a pool keeps and takes.
const (
	maxIdle        = 16384
	maxIdlePerHost = 2048
	idleTimeout    = 90 * time.Second
	maxAnswerHead  = 64 << 10
	tlsSessions    = 4096
)

// poolKey tells apart what cannot share connections: CAs and client certificates.
type poolKey [sha256.Size]byte

func keyOf(t transport.TLS) (key poolKey) {
	if t == (transport.TLS{}) {
		return key
	}
	h := sha256.New()
	for _, part := range []string{t.CA, t.ClientCertificate, t.ClientKey} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	h.Sum(key[:0])
	return key
}

// pool is the connections of all endpoints with equal TLS settings.
type pool struct {
	http   *http.Transport
	dialer *dialer
	// reach is the dialler's.
	reach func(ctx context.Context, addr string) (*conn, error)
	tls   *tls.Config
	// users counts the Targets; the Sender's lock guards it.
	users int

	linesMu sync.Mutex
	lines   map[lineKey]*lines
}

// acquire finds or makes the pool for t. The pool without own settings is kept
// for good, the others until their last user releases them.
func (s *Sender) acquire(t transport.TLS) (*pool, poolKey, error) {
	key := keyOf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, key, &transport.FieldError{Field: "url", Message: "the sender is closed: the node is shutting down"}
	}
	p := s.pools[key]
	if p == nil {
		config, err := tlsConfig(t)
		if err != nil {
			return nil, key, err
		}
		p = newPool(s.dialer, config)
		s.pools[key] = p
	}
	p.users++
	return p, key, nil
}

func (s *Sender) release(p *pool, key poolKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.users--; p.users > 0 || key == (poolKey{}) {
		return
	}
	p.shut()
	if s.pools[key] == p {
		delete(s.pools, key)
	}
}

func tlsConfig(t transport.TLS) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
	}
	if t.CA != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM([]byte(t.CA)) {
			return nil, &transport.FieldError{Field: "tls.ca", Message: "holds no certificate; give one or more as PEM"}
		}
		c.RootCAs = roots
	}
	if t.ClientCertificate != "" || t.ClientKey != "" {
		pair, err := tls.X509KeyPair([]byte(t.ClientCertificate), []byte(t.ClientKey))
		if err != nil {
			return nil, &transport.FieldError{Field: "tls.client_certificate",
				Message: "is no PEM certificate, or tls.client_key is not its key; give both as PEM"}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func newPool(d *dialer, config *tls.Config) *pool {
	p := &pool{dialer: d, reach: d.reach, tls: config, lines: map[lineKey]*lines{}}
	p.http = &http.Transport{
		DialContext:    p.dial,
		DialTLSContext: p.dialTLS,
		// Proxies are the dialler's; the environment's are not asked.
		Proxy:                  nil,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHead,
		ReadBufferSize:         2 << 10,
		WriteBufferSize:        4 << 10,
		HTTP2: &http.HTTP2Config{
			// A receiver that vanished is noticed by its unanswered ping, not by
			// every attempt's time limit.
			SendPingTimeout:               15 * time.Second,
			PingTimeout:                   10 * time.Second,
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     2 * transport.MaxAnswerRead,
		},
	}
	return p
}

func (p *pool) shut() {
	p.http.CloseIdleConnections()
	p.linesMu.Lock()
	defer p.linesMu.Unlock()
	for _, ls := range p.lines {
		ls.shut()
	}
}

func (p *pool) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	c, err := p.reach(ctx, addr)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// dialTLS gives the *tls.Conn itself, for by that net/http knows of HTTP/2.
func (p *pool) dialTLS(ctx context.Context, _, addr string) (net.Conn, error) {
	if c := p.takeHanded(addr); c != nil {
		return c, nil
	}
	ctx, cancel := limited(ctx)
	defer cancel()
	c, _, err := p.secure(ctx, addr)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// secure connects to "host:port" by TLS; raw is what lies under it.
func (p *pool) secure(ctx context.Context, addr string) (c *tls.Conn, raw *conn, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, &tlsError{err}
	}
	if raw, err = p.reach(ctx, addr); err != nil {
		return nil, nil, err
	}
	config := p.tls.Clone()
	config.ServerName = strings.TrimSuffix(host, ".")
	start := time.Now()
	c = tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, nil, &tlsError{err}
	}
	raw.tls = time.Since(start)
	return c, raw, nil
}

// tlsError marks what the handshake failed at.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return "TLS: " + e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }
