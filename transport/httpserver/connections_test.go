package httpserver

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
)

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// busy is a handler that works until it is let go.
type busy chan struct{}

func (b busy) ServeHTTP(http.ResponseWriter, *http.Request) { <-b }

func TestConnectionsAreBounded(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		from    func(n int) string
		refused Bound
	}{
		{"in all", Options{Connections: 4}, func(n int) string { return fmt.Sprint("192.0.2.", n+1) }, BoundAll},
		{"for one address", Options{Connections: 100, PerAddress: 4}, func(int) string { return "192.0.2.1" }, BoundAddress},
		{"for one of IPv6", Options{Connections: 100, PerAddress: 4}, func(n int) string { return fmt.Sprint("2001:db8::", n+1) }, BoundAddress},
		{"but a proxy's in all only", Options{Connections: 4, PerAddress: 2, Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
			func(int) string { return "192.0.2.1" }, BoundAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				let := make(busy)
				c.options.Handler = let
				var refused []Bound
				c.options.Refused = func(b Bound) { refused = append(refused, b) }
				w := serve(t, c.options)
				var in []net.Conn
				for n := range 4 {
					in = append(in, w.dial(c.from(n)))
					w.send(in[n], get)
				}
				synctest.Wait()
				if status := w.status(w.dial(c.from(4))); status != http.StatusServiceUnavailable {
					t.Errorf("the fifth: %d", status)
				}
				if n := w.server.Open(); n != 4 || !slices.Equal(refused, []Bound{c.refused}) {
					t.Errorf("%d open, refused %v", n, refused)
				}
				close(let)
				for _, conn := range in {
					if status := w.status(conn); status != 200 {
						t.Errorf("one of those before: %d", status)
					}
				}
				synctest.Wait() // until they are idle: an answer is read before that
				late := w.dial(c.from(4))
				w.send(late, get)
				if status := w.status(late); status != 200 {
					t.Errorf("after them: %d", status)
				}
				if !gone(in[0]) {
					t.Error("the one that was idle for longest is still there")
				}
			})
		})
	}
}

// Who fills one address with connections that say nothing keeps nobody else
// out, nor himself.
func TestConnectionsWithoutARequestMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, Options{Connections: 10, PerAddress: 5, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
		for range 50 {
			w.dial("192.0.2.1")
		}
		synctest.Wait()
		if n := w.server.Open(); n != 5 {
			t.Errorf("%d open", n)
		}
		for n := range 20 {
			w.dial(fmt.Sprint("192.0.3.", n))
		}
		c := w.dial("192.0.2.9")
		w.send(c, get)
		if status := w.status(c); status != 200 {
			t.Error(status)
		}
		if n := w.server.Open(); n > 10 {
			t.Errorf("%d open", n)
		}
	})
}

func TestAddressOf(t *testing.T) {
	for given, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
	} {
		a := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(given), 9))
		if got := addressOf(a).String(); got != want {
			t.Errorf("%s is counted for %s", given, got)
		}
	}
}
