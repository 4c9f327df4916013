package webhook

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// ending answers one request of a connection and ends it in some way behind
// the second one, which it has read.
func ending(seen chan<- string, end func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewReader(c)
		for i := range 2 {
			req, err := readRequest(in)
			if err != nil {
				return
			}
			seen <- req.Header.Get("Webhook-Id")
			if i == 1 {
				end(c)
				return
			}
			_, _ = io.WriteString(c, fine)
		}
	}
}

func reset(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }

// A kept connection that ends before a byte of the answer costs no attempt: the
// request goes again, once, on a fresh one, and the answer says so.
func TestAKeptConnectionThatEndsIsNoVerdict(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"closed": func(net.Conn) {},
		"reset":  reset,
		"408": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan string, 8)
			target := newTarget(t, newSender(t), serveRaw(t, ending(seen, end)))
			for i, resent := range []bool{false, true} {
				a := target.Send(context.Background(), newEvent(), i+1)
				want(t, a, transport.Delivered, "")
				if a.Resent != resent {
					t.Errorf("attempt %d: resent %v", i+1, a.Resent)
				}
			}
			for range 3 {
				if id := <-seen; id != "evt-1" {
					t.Errorf("the id was %q", id)
				}
			}
			if len(seen) != 0 {
				t.Error("it was sent more than twice")
			}
		})
	}
}

// What is said on a fresh connection, or behind a byte of an answer, or without
// a goodbye, is the receiver's word.
func TestWhatIsAVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(net.Conn)
		class  transport.Class
		reason string
	}{
		"a byte": {func(c net.Conn) { _, _ = io.WriteString(c, "H") }, transport.Failed, transport.ReasonConnect},
		"408, and it stays": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, transport.Failed, transport.ReasonStatus},
	} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan string, 8)
			target := newTarget(t, newSender(t), serveRaw(t, ending(seen, c.end)))
			want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
			a := target.Send(context.Background(), newEvent(), 2)
			want(t, a, c.class, c.reason)
			if a.Resent {
				t.Error("it was sent twice")
			}
		})
	}
	var requests atomic.Int32
	target := newTarget(t, newSender(t), serveRaw(t, func(c net.Conn) {
		if _, err := readRequest(bufio.NewReader(c)); err == nil {
			requests.Add(1)
		}
	}))
	want(t, target.Send(context.Background(), newEvent(), 1), transport.Failed, transport.ReasonConnect)
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests on fresh connections for one attempt", n)
	}
}

// It is sent again once: a receiver that ends each connection has its failure.
func TestItIsSentAgainOnce(t *testing.T) {
	var connections atomic.Int32
	target := newTarget(t, newSender(t), serveRaw(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		if _, err := readRequest(in); err != nil || connections.Add(1) > 1 {
			return
		}
		_, _ = io.WriteString(c, fine)
		_, _ = readRequest(in)
	}))
	want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	a := target.Send(context.Background(), newEvent(), 2)
	want(t, a, transport.Failed, transport.ReasonConnect)
	if n := connections.Load(); n != 2 || !a.Resent {
		t.Errorf("%d connections, resent %v", n, a.Resent)
	}
}

// A receiver that keeps connections for a time, and says so, is not sent
// anything at the end of that.
func TestKeepAliveIsHonoured(t *testing.T) {
	var connections atomic.Int32
	target := newTarget(t, newSender(t), serveRaw(t, func(c net.Conn) {
		connections.Add(1)
		answering("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0, max=100\r\nContent-Length: 0\r\n\r\n")(c)
	}))
	for i := range 2 {
		want(t, target.Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections for two attempts at a receiver that keeps none", n)
	}
}

// Customers share no connection: who could write into one would answer for the
// other.
func TestCustomersShareNoConnection(t *testing.T) {
	of := func(customer string) func(*transport.Endpoint) {
		return func(ep *transport.Endpoint) { ep.Customer = customer }
	}
	check := func(t *testing.T, s *Sender, url string, seen func() (customer, connection string), change ...func(*transport.Endpoint)) {
		owner := map[string]string{}
		targets := map[string]*Target{}
		for _, customer := range []string{"acme", "other", "third"} {
			targets[customer] = newTarget(t, s, url, append(change, of(customer), func(ep *transport.Endpoint) {
				ep.Headers = map[string]string{"X-Customer": customer}
			})...)
		}
		for range 5 {
			for customer, target := range targets {
				want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
				of, connection := seen()
				if of != customer || owner[connection] != "" && owner[connection] != customer {
					t.Errorf("%s uses the connection of %s", customer, owner[connection])
				}
				owner[connection] = customer
			}
		}
		if len(owner) != len(targets) {
			t.Errorf("%d connections for %d customers", len(owner), len(targets))
		}
	}
	ca := newAuthority(t)
	for _, http2 := range []bool{false, true} {
		srv, seen := tellingServer(t, ca, http2)
		check(t, newSender(t), srv, seen, trusting(ca.pem))
	}
	plain, seen := tellingServer(t, nil, false)
	check(t, newSender(t), plain, seen)
	proxy, _ := serveProxy(t, plain)
	check(t, newSender(t, func(o *Options) { o.Proxy = proxy }), plain, seen)
}

// Many at once go by few connections where the receiver answers at once.
func TestManyAtOnceGoByFewConnections(t *testing.T) {
	var connections atomic.Int32
	url := serveRaw(t, func(c net.Conn) {
		connections.Add(1)
		answering(fine)(c)
	})
	target := newTarget(t, newSender(t), url)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			for i := range 10 {
				want(t, target.Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
			}
		})
	}
	all.Wait()
	t.Logf("%d connections for 200 attempts at a time", connections.Load())
	if n := connections.Load(); n > 200 {
		t.Errorf("%d connections for 200 attempts at a time", n)
	}
	_ = time.Second
}
