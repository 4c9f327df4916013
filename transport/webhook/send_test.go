package webhook

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

// TestWhatTheReceiverGets looks at the very bytes on the connection.
func TestWhatTheReceiverGets(t *testing.T) {
	type request struct {
		head http.Header
		line string
		body []byte
	}
	got := make(chan request, 1)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Header.Set("Content-Length", fmt.Sprint(r.ContentLength))
		got <- request{r.Header, r.Method + " " + r.RequestURI, body}
	})
	at := time.Unix(1795283999, 5)
	s := newSender(t, func(o *Options) { o.Now = func() time.Time { return at } })
	ev := newEvent()
	ev.Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

	target := newTarget(t, s, srv.URL+"/hook?a=b", func(ep *transport.Endpoint) {
		ep.Profile, ep.CustomerID = "genlogs", 123
		ep.Headers = map[string]string{"dd-api-key": "k"}
	})
	a := target.Send(context.Background(), ev, 1)
	want(t, a, transport.Delivered, "")
	r := <-got
	names := slices.Sorted(maps.Keys(r.head))
	if line := "POST /hook?a=b"; r.line != line {
		t.Errorf("%q, want %q", r.line, line)
	}
	expected := []string{"Content-Length", "Content-Type", "Dd-Api-Key", "Traceparent", "User-Agent", "Webhook-Id",
		"X-Genlogs-Event", "X-Genlogs-Signature", "X-Genlogs-Timestamp"}
	if !slices.Equal(names, expected) {
		t.Errorf("headers %v\nwant    %v", names, expected)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Dd-Api-Key": "k", "Traceparent": ev.Traceparent, "User-Agent": "GenLogs-Webhook/1.0",
		"Webhook-Id": "evt-1", "X-Genlogs-Event": "access.granted", "X-Genlogs-Timestamp": "1795283999",
	} {
		if r.head.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, r.head.Get(name), value)
		}
	}
	if err := signature.Verify(signature.Config{Scheme: "genlogs"}, secret, r.head, r.body, at); err != nil {
		t.Error(err)
	}
	made, err := target.render(ev)
	if err != nil || !bytes.Equal(made.body, r.body) || !json.Valid(r.body) {
		t.Errorf("body %s, rendered %s, %v", r.body, made.body, err)
	}
}

func TestEachAttemptIsSignedAnewWithTheSameID(t *testing.T) {
	got := make(chan http.Header, 2)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	var seconds atomic.Int64
	s := newSender(t, func(o *Options) { o.Now = func() time.Time { return time.Unix(1795283000+seconds.Add(60), 0) } })
	target := newTarget(t, s, srv.URL, func(ep *transport.Endpoint) { ep.Signature.Scheme = "standard" })
	for number := range 2 {
		want(t, target.Send(context.Background(), newEvent(), number+1), transport.Delivered, "")
	}
	first, second := <-got, <-got
	if first.Get("Webhook-Id") != "evt-1" || second.Get("Webhook-Id") != "evt-1" {
		t.Error("the id changed")
	}
	if first.Get("Webhook-Timestamp") == second.Get("Webhook-Timestamp") || first.Get("Webhook-Signature") == second.Get("Webhook-Signature") {
		t.Error("the second attempt was not signed at its own time")
	}
	if ua := first.Get("User-Agent"); ua != "Postrider/test" {
		t.Errorf("User-Agent %q", ua)
	}
}

func TestPhasesAreTimedAndConnectionsKept(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 10<<10)) })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	s := newSender(t, resolving(map[string][][]netip.Addr{"here.example": {addrs("127.0.0.1")}}))
	target := newTarget(t, s, "http://here.example:"+port)
	first := target.Send(context.Background(), newEvent(), 1)
	want(t, first, transport.Delivered, "")
	if first.DNS <= 0 || first.Connect <= 0 || first.TLS != 0 || first.FirstByte <= 0 || first.Took < first.DNS+first.Connect+first.FirstByte {
		t.Errorf("first: %+v", first)
	}
	if len(first.Body) != transport.MaxAnswerKept {
		t.Errorf("%d bytes kept", len(first.Body))
	}
	second := target.Send(context.Background(), newEvent(), 2)
	if second.DNS != 0 || second.Connect != 0 || second.FirstByte <= 0 {
		t.Errorf("on a kept connection: %+v", second)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	var written atomic.Int64
	done := make(chan struct{})
	url := serveRaw(t, func(c net.Conn) {
		defer close(done)
		if _, err := readRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n")
		piece := bytes.Repeat([]byte("x"), 32<<10)
		for {
			n, err := c.Write(piece)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	a := newTarget(t, newSender(t), url).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Failed, transport.ReasonStatus)
	<-done // we closed the connection
	if a.Status != 500 || len(a.Body) != transport.MaxAnswerKept {
		t.Errorf("%d, %d bytes kept", a.Status, len(a.Body))
	}
	if written.Load() > 16<<20 {
		t.Errorf("the receiver could write %d bytes", written.Load())
	}
}

func TestAHeadWithoutEndIsCut(t *testing.T) {
	url := serveRaw(t, func(c net.Conn) {
		if _, err := readRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-More: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	a := newTarget(t, newSender(t), url).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Delivered, "")
	if a.Detail != "of the answer: its head does not end" {
		t.Errorf("detail %q", a.Detail)
	}
}

// TestReceiversThatMisbehave: each ends in a class, in time.
func TestReceiversThatMisbehave(t *testing.T) {
	drip := func(c net.Conn, head string) {
		if _, err := readRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, head)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
		}
	}
	answer := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			if _, err := readRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, text)
			}
		}
	}
	for name, c := range map[string]struct {
		talk   func(net.Conn)
		class  transport.Class
		reason string
		detail string
	}{
		"silent":            {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, transport.Failed, "timeout", "no answer within"},
		"dripping status":   {func(c net.Conn) { drip(c, "HTTP/1.1 200 ") }, transport.Failed, "timeout", "no answer within"},
		"dripping head":     {func(c net.Conn) { drip(c, "HTTP/1.1 500 No\r\nX-A: ") }, transport.Failed, "status", "its head does not end"},
		"dripping body":     {func(c net.Conn) { drip(c, "HTTP/1.1 500 No\r\n\r\n") }, transport.Failed, "status", "cut at the time limit"},
		"dripping 200":      {func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\n\r\n") }, transport.Delivered, "", "cut at the time limit"},
		"garbage":           {answer("SSH-2.0-OpenSSH_9.9\r\n"), transport.Failed, "protocol", "no HTTP"},
		"binary":            {answer("\x00\x01\x02\xff\r\n\r\n"), transport.Failed, "protocol", "no HTTP"},
		"closes at once":    {func(net.Conn) {}, transport.Failed, "connect", ""},
		"closes after read": {answer(""), transport.Failed, "connect", "closed the connection"},
		"closes in status":  {answer("HTTP/1.1 200 OK"), transport.Failed, "connect", ""},
		"closes in head":    {answer("HTTP/1.1 500 No\r\nX-A: b"), transport.Failed, "status", "its head does not end"},
		"closes in body":    {answer("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nshort"), transport.Failed, "status", "broke off"},
		"switches":          {answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), transport.Failed, "status", "101"},
		"bad length":        {answer("HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n"), transport.Delivered, "", "no number"},
		"early answer": {func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_, _ = io.WriteString(c, fine)
			_, _ = io.Copy(io.Discard, c)
		}, transport.Delivered, "", ""},
		"redirect":  {answer("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"), transport.Failed, "redirect", "points to http://169.254.169.254; redirects are not followed"},
		"slashed":   {answer("HTTP/1.1 308 No\r\nLocation: /path-token/?query-token\r\nContent-Length: 0\r\n\r\n"), transport.Failed, "redirect", "points to the same URL with a slash at its end"},
		"sign-in":   {answer("HTTP/1.1 302 No\r\nLocation: /login?token\r\nContent-Length: 0\r\n\r\n"), transport.Failed, "redirect", "another path on the same host"},
		"nowhere":   {answer("HTTP/1.1 301 No\r\nContent-Length: 0\r\n\r\n"), transport.Failed, "redirect", "points nowhere"},
		"no URL":    {answer("HTTP/1.1 301 No\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"), transport.Failed, "redirect", "what is no URL"},
		"throttled": {answer("HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"), transport.Throttled, "status", "429"},
		"gone":      {answer("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), transport.Gone, "gone", ""},
	} {
		t.Run(name, func(t *testing.T) {
			url := serveRaw(t, c.talk)
			a := newTarget(t, newSender(t), url+"/path-token?query-token", limit(200*time.Millisecond)).Send(context.Background(), newEvent(), 1)
			want(t, a, c.class, c.reason)
			if !strings.Contains(a.Detail, c.detail) || strings.Contains(a.Detail, "token") {
				t.Errorf("detail %q, want %q in it", a.Detail, c.detail)
			}
			if a.Took > 3*time.Second || a.Took <= 0 {
				t.Errorf("took %v", a.Took)
			}
		})
	}
}

// Which phase used the time up is told.
func TestTheTimeRunsOutInAPhase(t *testing.T) {
	silent := serveRaw(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	s := newSender(t, func(o *Options) { o.Resolver = stuckResolver{} })
	for url, detail := range map[string]string{
		silent: "connected, and waited for the answer",
		strings.Replace(silent, "http:", "https:", 1): "the handshake did not end",
		"http://stuck.example":                        "no address from the name server",
	} {
		a := newTarget(t, s, url, limit(100*time.Millisecond)).Send(context.Background(), newEvent(), 1)
		want(t, a, transport.Failed, transport.ReasonTimeout)
		if !strings.Contains(a.Detail, detail) {
			t.Errorf("%s: %q, want %q in it", url, a.Detail, detail)
		}
	}
}

// stuckResolver never answers.
type stuckResolver struct{}

func (stuckResolver) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// An endpoint that takes 200 alone is told so.
func TestAStatusOutsideOfThePolicy(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	a := newTarget(t, newSender(t), srv.URL, func(ep *transport.Endpoint) { ep.Delivery.Success = "200" }).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Failed, transport.ReasonStatus)
	if a.Detail != "the receiver answered 202, and 200 alone is success here; set delivery.success to 2xx, or answer 200" {
		t.Errorf("%q", a.Detail)
	}
}

func TestNobodyThere(t *testing.T) {
	a := newTarget(t, newSender(t), "http://127.0.0.1:"+closedPort(t)).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Failed, transport.ReasonConnect)
	if a.Detail != "the connection was refused" {
		t.Errorf("detail %q", a.Detail)
	}
	s := newSender(t, resolving(nil))
	want(t, newTarget(t, s, "http://nowhere.example").Send(context.Background(), newEvent(), 1), transport.Failed, transport.ReasonDNS)
}

func TestBreakingOffIsNoAttempt(t *testing.T) {
	arrived := make(chan struct{})
	url := serveRaw(t, func(c net.Conn) {
		_, _ = readRequest(bufio.NewReader(c))
		close(arrived)
		_, _ = io.Copy(io.Discard, c)
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	target := newTarget(t, newSender(t), url)
	want(t, target.Send(ctx, newEvent(), 1), transport.Aborted, transport.ReasonAborted)
	want(t, target.Send(ctx, newEvent(), 1), transport.Aborted, transport.ReasonAborted)
}

func TestWhatHasNoFormIsNotSent(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	s := newSender(t)
	genea := newTarget(t, s, srv.URL, func(ep *transport.Endpoint) { ep.Profile, ep.Version = "genea", "v2" })
	vertx, broken, injected := newEvent(), newEvent(), newEvent()
	vertx.Data, broken.Data, injected.ID = []byte(`{"hardware":"vertx"}`), []byte(`{"a`), "evt\r\nX-Admin: yes"
	want(t, genea.Send(context.Background(), vertx, 1), transport.Skip, transport.ReasonHardware)
	want(t, genea.Send(context.Background(), broken, 1), transport.Refused, transport.ReasonUnrenderable)
	want(t, genea.Send(context.Background(), injected, 1), transport.Refused, transport.ReasonUnrenderable)
	want(t, genea.Send(context.Background(), nil, 1), transport.Refused, transport.ReasonPanic)
}

// TestAHangingEndpointOccupiesNothing: while hundreds of attempts hang, another
// endpoint is served as ever.
func TestAHangingEndpointOccupiesNothing(t *testing.T) {
	const hanging = 300
	arrived := make(chan struct{}, hanging)
	stuck := serveRaw(t, func(c net.Conn) {
		_, _ = readRequest(bufio.NewReader(c))
		arrived <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
	})
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	s := newSender(t)
	ctx, cancel := context.WithCancel(context.Background())
	bad, good := newTarget(t, s, stuck), newTarget(t, s, srv.URL)
	var all sync.WaitGroup
	for range hanging {
		all.Go(func() { want(t, bad.Send(ctx, newEvent(), 1), transport.Aborted, transport.ReasonAborted) })
	}
	for range hanging {
		<-arrived
	}
	for range 50 {
		a := good.Send(context.Background(), newEvent(), 1)
		want(t, a, transport.Delivered, "")
		if a.Took > time.Second {
			t.Errorf("took %v beside hanging ones", a.Took)
		}
	}
	cancel()
	all.Wait()
}
