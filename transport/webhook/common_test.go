package webhook

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret of enough characters"

// newSender is a development sender that is closed with the test.
func newSender(t testing.TB, change ...func(*Options)) *Sender {
	t.Helper()
	o := Options{Dev: true, UserAgent: "Postrider/test"}
	for _, c := range change {
		c(&o)
	}
	s, err := NewSender(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func newEndpoint(url string, change ...func(*transport.Endpoint)) *transport.Endpoint {
	ep := &transport.Endpoint{
		ID: "ep-1", Customer: "acme", URL: url, Profile: "standard",
		Signature: transport.Signature{Scheme: "genlogs"},
		Delivery:  transport.Delivery{Timeout: transport.Duration(5 * time.Second), Success: "2xx"},
		Secrets:   transport.Secrets{Current: secret},
	}
	for _, c := range change {
		c(ep)
	}
	return ep
}

func newTarget(t testing.TB, s *Sender, url string, change ...func(*transport.Endpoint)) *Target {
	t.Helper()
	target, err := s.Prepare(newEndpoint(url, change...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return target
}

func newEvent() *transport.Event {
	return &transport.Event{ID: "evt-1", Customer: "acme", Type: "access.granted",
		Time: time.Unix(1795283000, 0), Data: []byte(`{"door":"Main"}`)}
}

func limit(d time.Duration) func(*transport.Endpoint) {
	return func(ep *transport.Endpoint) { ep.Delivery.Timeout = transport.Duration(d) }
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// serveRaw runs talk on each connection, which is closed afterwards. It gives
// the URL; at the end of the test what still runs is cut.
func serveRaw(t testing.TB, talk func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		open = map[net.Conn]bool{}
		over bool
	)
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			if over {
				c.Close()
			}
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				talk(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		over = true
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// readRequest reads one request with its body.
func readRequest(in *bufio.Reader) (*http.Request, error) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return req, err
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// names is a resolver with fixed answers: each look-up of a name takes the
// next of its answers, the last one for ever.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	asked   map[string]int
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	answers := n.answers[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	i := min(n.asked[host], len(answers)-1)
	if n.asked == nil {
		n.asked = map[string]int{}
	}
	n.asked[host]++
	return answers[i], nil
}

func addrs(list ...string) []netip.Addr {
	all := make([]netip.Addr, len(list))
	for i, s := range list {
		all[i] = netip.MustParseAddr(s)
	}
	return all
}

func resolving(answers map[string][][]netip.Addr) func(*Options) {
	return func(o *Options) { o.Resolver = &names{answers: answers} }
}

func want(t *testing.T, a transport.Answer, class transport.Class, reason string) {
	t.Helper()
	if a.Class != class || a.Reason != reason {
		t.Errorf("%s %q (%d, %q); want %s %q", a.Class, a.Reason, a.Status, a.Detail, class, reason)
	}
	if len(a.Detail) > maxDetail || len(a.Body) > transport.MaxAnswerKept {
		t.Errorf("not bounded: %d bytes of detail, %d of body", len(a.Detail), len(a.Body))
	}
}

// wantField wants a FieldError of this field that shows no secret.
func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var wrong *transport.FieldError
	if !errors.As(err, &wrong) || wrong.Field != field || strings.Contains(err.Error(), secret) {
		t.Errorf("error %v; want one of the field %s", err, field)
	}
}
