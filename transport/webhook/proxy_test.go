package webhook

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/transport"
)

// serveProxy is a CONNECT proxy that dials as it is asked, but for names,
// which it sends to receiver. It tells each CONNECT line with its login.
func serveProxy(t *testing.T, receiver string) (u *url.URL, asked chan string) {
	t.Helper()
	asked = make(chan string, 16)
	raw := serveRaw(t, func(c net.Conn) {
		req, err := readRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		asked <- req.Method + " " + req.RequestURI + " " + req.Header.Get("Proxy-Authorization")
		to := req.RequestURI
		if at, err := netip.ParseAddrPort(to); err != nil || at.Addr().Is6() {
			to = receiver
		}
		up, err := net.Dial("tcp", to)
		if err != nil {
			_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(up, c); _ = up.Close() })
		both.Go(func() { _, _ = io.Copy(c, up); _ = c.Close() })
		both.Wait()
	})
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u, asked
}

func TestProxy(t *testing.T) {
	ca := newAuthority(t)
	srv := ca.serveTLS(t, "hook.example", later, nil, func(http.ResponseWriter, *http.Request) {})
	address := srv.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	proxy, asked := serveProxy(t, address)
	proxy.User = url.UserPassword("me", "pw")
	answers := map[string][][]netip.Addr{"hook.example": {addrs("127.0.0.1")}, "inside.example": {addrs("169.254.169.254")}}
	for _, c := range []struct {
		name    string
		trusted bool
		host    string
		ask     string
		class   transport.Class
		reason  string
	}{
		{"asked for the checked address", false, "hook.example", "127.0.0.1:" + port, transport.Delivered, ""},
		{"trusted with the name", true, "hook.example", "hook.example:" + port, transport.Delivered, ""},
		{"a refused name", false, "inside.example", "", transport.Refused, transport.ReasonAddressRefused},
		{"a refused literal, though trusted", true, "169.254.169.254", "", transport.Refused, transport.ReasonAddressRefused},
		{"an unknown name", false, "nowhere.example", "", transport.Failed, transport.ReasonDNS},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender(t, resolving(answers), func(o *Options) { o.Proxy, o.ProxyTrusted = proxy, c.trusted })
			a := newTarget(t, s, "https://"+c.host+":"+port, trusting(ca.pem)).Send(context.Background(), newEvent(), 1)
			want(t, a, c.class, c.reason)
			if c.ask == "" {
				return
			}
			if got := <-asked; got != "CONNECT "+c.ask+" Basic bWU6cHc=" {
				t.Errorf("the proxy was asked %q", got)
			}
			if a.TLS <= 0 || a.Connect <= 0 {
				t.Errorf("no times: %+v", a)
			}
		})
	}
	if len(asked) != 0 {
		t.Errorf("the proxy was asked %q", <-asked)
	}
}

// Any 2xx opens the tunnel, whatever its head announces; 1xx come before it.
func TestWhatAProxyMayAnswer(t *testing.T) {
	for name, text := range map[string]string{
		"201":        "HTTP/1.1 201 Created\r\n\r\n",
		"204":        "HTTP/1.1 204 No Content\r\n\r\n",
		"100 before": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"a length":   "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
		"of old":     "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			raw := serveRaw(t, func(c net.Conn) {
				in := bufio.NewReader(c)
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				_, _ = io.WriteString(c, text)
				for range 2 { // it is the receiver as well
					if _, err := readRequest(in); err != nil {
						return
					}
					_, _ = io.WriteString(c, fine)
				}
			})
			u, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			target := newTarget(t, newSender(t, func(o *Options) { o.Proxy = u }), "http://127.0.0.1:1/")
			for i := range 2 {
				want(t, target.Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
			}
		})
	}
}

func TestAProxyThatFailsIsNotTheEndpointsFault(t *testing.T) {
	says := func(text string) string {
		return serveRaw(t, func(c net.Conn) {
			_, _ = readRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, text)
		})
	}
	for name, raw := range map[string]string{
		"refuses":    says("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
		"closes":     says(""),
		"talks":      says("HTTP/1.1 200 OK\r\n\r\nhello"),
		"is no HTTP": says("hello\r\n\r\n"),
		"endless":    says("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 1<<15)),
		"is away":    "http://127.0.0.1:" + closedPort(t),
		"is unknown": "http://nowhere.example:3128",
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			s := newSender(t, resolving(nil), func(o *Options) { o.Proxy = u })
			a := newTarget(t, s, "http://127.0.0.1:1/").Send(context.Background(), newEvent(), 1)
			want(t, a, transport.Refused, transport.ReasonProxy)
		})
	}
}

func TestProxySettings(t *testing.T) {
	for _, raw := range []string{"socks5://127.0.0.1:1080", "http://", "http://p.example:99999", "p.example:3128"} {
		u, err := url.Parse(raw)
		if err != nil {
			continue
		}
		_, err = NewSender(Options{Proxy: u})
		wantField(t, err, "egress.proxy")
	}
}
