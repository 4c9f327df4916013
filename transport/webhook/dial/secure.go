package dial

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"
)

// Secure connects to "host:port" by TLS, as config says; the server's name is
// the host's. under is the connection below, with the time that each part took.
func (d *Dialer) Secure(ctx context.Context, addr string, config *tls.Config) (c *tls.Conn, under *Conn, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, &TLSError{err}
	}
	if under, err = d.Dial(ctx, addr); err != nil {
		return nil, nil, err
	}
	config = config.Clone()
	config.ServerName = strings.TrimSuffix(host, ".")
	start := time.Now()
	c = tls.Client(under, config)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = under.Close()
		return nil, nil, &TLSError{err}
	}
	under.TLS = time.Since(start)
	return c, under, nil
}

// TLSError is what the handshake failed at.
type TLSError struct{ Err error }

// Error implements error.
func (e *TLSError) Error() string { return "TLS: " + e.Err.Error() }

// Unwrap gives what crypto/tls said.
func (e *TLSError) Unwrap() error { return e.Err }
