package dial

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/webhook/http1"
)

// proxy is the operator's HTTP proxy, used by CONNECT for every receiver.
type proxy struct {
	host    string
	port    uint16
	tls     *tls.Config
	login   string
	trusted bool
}

// ProxyError is what the proxy failed at or refused; the endpoint is not to blame.
type ProxyError struct {
	// Status of the proxy's answer to CONNECT, 0 where none came.
	Status int
	Err    error
}

// Error implements error.
func (e *ProxyError) Error() string {
	if e.Status != 0 {
		return "the proxy answered " + strconv.Itoa(e.Status)
	}
	return "the proxy: " + e.Err.Error()
}

// Unwrap gives what failed; nil where the proxy answered.
func (e *ProxyError) Unwrap() error { return e.Err }

func checkProxy(u *url.URL) error {
	if u == nil {
		return nil
	}
	fault := func(message string) error { return &transport.FieldError{Field: "egress.proxy", Message: message} }
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fault("not an http or https URL; give one such as http://proxy.example:3128 (socks is not spoken)")
	case u.Hostname() == "":
		return fault("has no host; give one such as http://proxy.example:3128")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fault("has a bad port; give 1 to 65535")
		}
	}
	return nil
}

func newProxy(u *url.URL, trusted bool) *proxy {
	if u == nil {
		return nil
	}
	p := &proxy{host: u.Hostname(), port: 80, trusted: trusted}
	if u.Scheme == "https" {
		p.port = 443
		p.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.host}
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		p.port = uint16(n)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		p.login = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return p
}

// proxied connects to "host:port" through the proxy. The times are those of
// the way to the proxy and through it.
func (d *Dialer) proxied(ctx context.Context, addr string) (*Conn, error) {
	start := time.Now()
	target, err := d.proxyTarget(ctx, addr)
	if err != nil {
		return nil, err
	}
	addrs, err := d.resolve(ctx, d.proxy.host)
	if err != nil {
		return nil, &ProxyError{Err: err}
	}
	resolved := time.Now()
	c, err := d.connect(ctx, addrs, d.proxy.port, nil)
	if err != nil {
		return nil, &ProxyError{Err: err}
	}
	tunnel, err := d.proxy.tunnel(ctx, c, target)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return &Conn{tunnel, http1.Timing{DNS: resolved.Sub(start), Connect: time.Since(resolved)}}, nil
}

// proxyTarget is what the proxy is asked for: a checked address, or the name
// where the proxy is trusted to check. A literal address is checked always.
func (d *Dialer) proxyTarget(ctx context.Context, addr string) (string, error) {
	host, port, err := splitAddr(addr)
	if err != nil {
		return "", err
	}
	if _, err := netip.ParseAddr(host); err != nil && d.proxy.trusted {
		return addr, nil
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return "", err
	}
	return netip.AddrPortFrom(addrs[0], port).String(), nil
}

// maxProxyHead bounds the proxy's answer.
const maxProxyHead = 16 << 10

// tunnel asks the proxy on c for target; ctx bounds it all.
func (p *proxy) tunnel(ctx context.Context, c net.Conn, target string) (net.Conn, error) {
	if p.tls != nil {
		secured := tls.Client(c, p.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, &ProxyError{Err: err}
		}
		c = secured
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	status, err := p.ask(c, target)
	if !stop() {
		return nil, &ProxyError{Err: ctx.Err()}
	}
	if err != nil {
		return nil, &ProxyError{Err: err}
	}
	if !opened(status) {
		return nil, &ProxyError{Status: status}
	}
	return c, nil
}

// ask gives the status of the proxy's answer, whose body, if any, is not read.
func (p *proxy) ask(c net.Conn, target string) (status int, err error) {
	request := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	if p.login != "" {
		request += "Proxy-Authorization: " + p.login + "\r\n"
	}
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return 0, err
	}
	in := bufio.NewReader(io.LimitReader(c, maxProxyHead))
	head, err := http1.ReadHead(in, nil)
	switch {
	case err != nil:
		return 0, err
	case opened(head.Status) && head.Broken:
		return 0, errors.New("the head of its answer does not end")
	case opened(head.Status) && in.Buffered() > 0:
		return 0, fmt.Errorf("%d bytes came before the receiver was spoken to", in.Buffered())
	}
	return head.Status, nil
}

// opened: after any 2xx the tunnel begins, whatever length its head announces.
func opened(status int) bool { return status/100 == 2 }
