package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/postrider/postrider/transport"
)

// tellingServer tells of each request whose it is and by which connection it came.
func tellingServer(t *testing.T, ca *authority, h2 bool) (url string, seen func() (customer, connection string)) {
	t.Helper()
	type one struct{ customer, connection string }
	all := make(chan one, 16)
	h := func(_ http.ResponseWriter, r *http.Request) { all <- one{r.Header.Get("X-Customer"), r.RemoteAddr} }
	seen = func() (string, string) { o := <-all; return o.customer, o.connection }
	if ca == nil {
		return serve(t, h).URL, seen
	}
	return ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) { s.EnableHTTP2 = h2 }, h).URL, seen
}

// frames is a receiver of HTTP/2 that does what it is told with each request:
// the connection's number and the request's on it, from 1.
type frames struct {
	*http2.Framer
	conn net.Conn
	mu   sync.Mutex
}

func (f *frames) head(stream uint32, end bool, fields ...string) {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: end})
}

func (f *frames) ok(stream uint32) { f.head(stream, true, ":status", "200") }

func serveFrames(t *testing.T, ca *authority, do func(f *frames, connection, request int, stream uint32)) (url string, connections *atomic.Int32) {
	t.Helper()
	cert, key := ca.issue(t, "127.0.0.1", later)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int32)
	raw := serveRaw(t, func(c net.Conn) {
		secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}})
		defer secured.Close()
		if _, err := io.ReadFull(secured, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		number := int(connections.Add(1))
		f := &frames{Framer: http2.NewFramer(secured, secured), conn: c}
		_ = f.WriteSettings()
		requests := 0
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			ended := false
			switch frame := frame.(type) {
			case *http2.SettingsFrame:
				if !frame.IsAck() {
					_ = f.WriteSettingsAck()
				}
			case *http2.PingFrame:
				if !frame.IsAck() {
					_ = f.WritePing(true, frame.Data)
				}
			case *http2.DataFrame:
				ended = frame.StreamEnded()
			case *http2.HeadersFrame:
				ended = frame.StreamEnded()
			}
			if ended {
				requests++
				do(f, number, requests, frame.Header().StreamID)
			}
		}
	})
	return strings.Replace(raw, "http:", "https:", 1), connections
}

// What says that a request was not taken, or ends a kept connection before the
// answer, is not the receiver's word: the request goes again on another one.
func TestHTTP2RequestsThatWereNotTakenGoAgain(t *testing.T) {
	ca := newAuthority(t)
	for name, refuse := range map[string]func(f *frames, stream uint32){
		"421":            func(f *frames, stream uint32) { f.head(stream, true, ":status", "421") },
		"REFUSED_STREAM": func(f *frames, stream uint32) { _ = f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) },
		"GOAWAY":         func(f *frames, stream uint32) { _ = f.WriteGoAway(stream-2, http2.ErrCodeNo, nil) },
		"closed":         func(f *frames, _ uint32) { _ = f.conn.Close() },
		"reset":          func(f *frames, _ uint32) { reset(f.conn); _ = f.conn.Close() },
		"GOAWAY, closed": func(f *frames, stream uint32) { _ = f.WriteGoAway(stream, http2.ErrCodeNo, nil); _ = f.conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			url, connections := serveFrames(t, ca, func(f *frames, connection, request int, stream uint32) {
				if connection == 1 && request == 2 {
					refuse(f, stream)
				} else {
					f.ok(stream)
				}
			})
			target := newTarget(t, newSender(t), url, trusting(ca.pem))
			for i, resent := range []bool{false, true, false} {
				a := target.Send(context.Background(), newEvent(), i+1)
				want(t, a, transport.Delivered, "")
				if a.Resent != resent {
					t.Errorf("attempt %d: resent %v", i+1, a.Resent)
				}
			}
			if n := connections.Load(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// On a fresh connection, and a second time, it is the receiver's word.
func TestHTTP2IsSentAgainOnce(t *testing.T) {
	ca := newAuthority(t)
	var requests atomic.Int32
	url, _ := serveFrames(t, ca, func(f *frames, connection, request int, stream uint32) {
		requests.Add(1)
		if connection == 1 && request == 1 {
			f.ok(stream)
		} else {
			f.head(stream, true, ":status", "421")
		}
	})
	target := newTarget(t, newSender(t), url, trusting(ca.pem))
	want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	a := target.Send(context.Background(), newEvent(), 2)
	want(t, a, transport.Failed, transport.ReasonStatus)
	if n := requests.Load(); n != 3 || !a.Resent || a.Status != 421 {
		t.Errorf("%d requests, %+v", n, a)
	}
}

// The status counts, whatever follows it, by HTTP/2 too.
func TestHTTP2Strangers(t *testing.T) {
	ca := newAuthority(t)
	for name, c := range map[string]struct {
		answer func(f *frames, stream uint32)
		class  transport.Class
		status int
		body   string
		detail string
	}{
		"a body without end": {func(f *frames, stream uint32) {
			f.head(stream, false, ":status", "200")
			_ = f.WriteData(stream, false, []byte("so far"))
		}, transport.Delivered, 200, "so far", "did not end within a second"},
		"a body cut short": {func(f *frames, stream uint32) {
			f.head(stream, false, ":status", "410")
			_ = f.WriteData(stream, false, []byte("so"))
			_ = f.WriteRSTStream(stream, http2.ErrCodeInternal)
		}, transport.Gone, 410, "so", "broke off"},
		"eight hints": {func(f *frames, stream uint32) {
			for range 8 {
				f.head(stream, false, ":status", "103", "link", "x")
			}
			f.head(stream, true, ":status", "410")
		}, transport.Gone, 410, "", ""},
		"a wait": {func(f *frames, stream uint32) {
			f.head(stream, false, ":status", "429", "retry-after", "30")
			_ = f.WriteRSTStream(stream, http2.ErrCodeCancel)
		}, transport.Throttled, 429, "", "broke off"},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := serveFrames(t, ca, func(f *frames, _, _ int, stream uint32) { c.answer(f, stream) })
			target := newTarget(t, newSender(t), url, trusting(ca.pem))
			target.timeout = time.Hour
			a := target.Send(context.Background(), newEvent(), 1)
			if a.Class != c.class || a.Status != c.status || string(a.Body) != c.body || !strings.Contains(a.Detail, c.detail) {
				t.Errorf("%+v %q", a, a.Body)
			}
		})
	}
}

// One dial is enough for all that go at once, before and after it is known
// that the receiver speaks HTTP/2.
func TestOneDialForAnHTTP2Host(t *testing.T) {
	ca := newAuthority(t)
	var connections atomic.Int32
	srv := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
	}, func(http.ResponseWriter, *http.Request) {})
	target := newTarget(t, newSender(t), srv.URL, trusting(ca.pem), limit(time.Hour)) // a slow machine's dial is given up by none
	for range 2 {
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() { want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "") })
		}
		all.Wait()
		if n := connections.Load(); n != 1 {
			t.Errorf("%d connections for 40 attempts at once", n)
		}
		target.route.http2.each(func(c *http2Conn) { _ = c.Close() })
		connections.Store(0)
	}
}

// Where all requests that one connection carries hang, another is made.
func TestAFullHTTP2ConnectionIsNotTheLast(t *testing.T) {
	ca := newAuthority(t)
	arrived := make(chan string, 64)
	srv := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 4}
	}, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Hangs") != "" {
			arrived <- r.RemoteAddr
			<-r.Context().Done()
		}
	})
	s := newSender(t)
	hangs := newTarget(t, s, srv.URL, trusting(ca.pem), limit(time.Hour), // none ends before all have arrived
		func(ep *transport.Endpoint) { ep.Headers = map[string]string{"X-Hangs": "yes"} })
	well := newTarget(t, s, srv.URL, trusting(ca.pem))
	want(t, well.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { want(t, hangs.Send(ctx, newEvent(), 1), transport.Aborted, transport.ReasonAborted) })
	}
	seen := map[string]bool{}
	for range 10 {
		seen[<-arrived] = true
	}
	if len(seen) < 3 {
		t.Errorf("%d connections for 10 that hang, four on each", len(seen))
	}
	for i := range 20 {
		want(t, well.Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
	}
	cancel()
	all.Wait()
}

// A receiver may be machines that speak differently.
func TestAReceiverThatChangesItsProtocol(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, "127.0.0.1", later)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	var made atomic.Int32
	protos := make(chan string, 16)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protos <- strconv.Itoa(r.ProtoMajor)
		w.Header().Set("Connection", "close")
	})}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		next := []string{"h2"}
		if made.Add(1)%2 == 0 {
			next = []string{"http/1.1"}
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: next}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	target := newTarget(t, newSender(t), "https://"+l.Addr().String(), trusting(ca.pem))
	for i := range 6 {
		want(t, target.Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
		<-protos
	}
}

// All hosts together keep no more connections than may be.
func TestHTTP2ConnectionsAreBoundedInNumber(t *testing.T) {
	ca := newAuthority(t)
	s := newSender(t)
	s.http2.most = 3
	for i := range 8 {
		url, _ := serveFrames(t, ca, func(f *frames, _, _ int, stream uint32) { f.ok(stream) })
		want(t, newTarget(t, s, url, trusting(ca.pem)).Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
	}
	for n := s.http2.count.Load(); n > 3; n = s.http2.count.Load() { // closing is told a moment later
		runtime.Gosched()
	}
}

// While it is not known what a receiver speaks one handshake asks; one that
// hangs holds up the others no longer than a moment.
func TestAHandshakeThatHangsHoldsNobodyUp(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, "127.0.0.1", later)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	var made atomic.Int32
	hangs := make(chan struct{})
	raw := serveRaw(t, func(c net.Conn) {
		if made.Add(1) == 1 {
			close(hangs)
			_, _ = io.Copy(io.Discard, c)
			return
		}
		secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
		defer secured.Close()
		answering(fine)(secured)
	})
	target := newTarget(t, newSender(t), strings.Replace(raw, "http:", "https:", 1), trusting(ca.pem))
	target.timeout = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { want(t, target.Send(ctx, newEvent(), 1), transport.Aborted, transport.ReasonAborted) })
	<-hangs
	want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	cancel()
	all.Wait()
}
