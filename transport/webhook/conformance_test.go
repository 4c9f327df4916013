package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestManyAttemptsShareTheConnections(t *testing.T) {
	var connections atomic.Int32
	url := serveRaw(t, func(c net.Conn) {
		connections.Add(1)
		answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(c)
	})
	target := newTarget(t, newSender(t), url)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range 50 {
				a := target.Send(context.Background(), newEvent(), i+1)
				if a.Class != transport.Delivered || a.FirstByte <= 0 {
					t.Errorf("%+v", a)
				}
			}
		})
	}
	all.Wait()
	if n := connections.Load(); n > 16 {
		t.Errorf("%d connections for 16 attempts at a time", n)
	}
}

// answering serves one canned answer to each request of a connection.
func answering(text string) func(net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewReader(c)
		for {
			if _, err := readRequest(in); err != nil {
				return
			}
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// strange is a receiver that answers each request with a text, and what an
// attempt makes of it.
type strange struct {
	text   string
	class  transport.Class
	status int
	body   string
	detail string
	// keeps: the next attempt goes by the same connection.
	keeps bool
}

const (
	delivered = transport.Delivered
	notDone   = transport.Failed
	gone      = transport.Gone
	later429  = transport.Throttled
)

// strangers are what receivers are known to answer. Whatever follows a status
// line, the status counts; a connection is kept only where nothing is in doubt.
var strangers = map[string]strange{
	"length":                {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "", true},
	"nothing":               {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", delivered, 200, "", "", true},
	"no words":              {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "", true},
	"bare line ends":        {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", delivered, 200, "hi", "", true},
	"chunks":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", delivered, 200, "hi", "", true},
	"chunks and trailer":    {"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nTrailer: X\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", delivered, 200, "hi", "", true},
	"no content":            {"HTTP/1.1 204 No Content\r\n\r\n", delivered, 204, "", "", true},
	"no content, 0 long":    {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", delivered, 204, "", "", true},
	"one length twice":      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "", true},
	"a long line":           {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "", true},
	"old, and kept":         {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "", true},
	"hints":                 {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", delivered, 200, "", "", true},
	"eight hints":           {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 8) + "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", gone, 410, "", "", true},
	"asks to close":         {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "", false},
	"old":                   {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "", false},
	"says more":             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 500 Oops\r\n\r\n", delivered, 200, "hi", "", false},
	"an empty line more":    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\r\n", delivered, 200, "hi", "", false},
	"204 with a length":     {"HTTP/1.1 204 No Content\r\nContent-Length: 38\r\n\r\n", delivered, 204, "", "a 204 announces a body", false},
	"204 with chunks":       {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", delivered, 204, "", "a 204 announces a body", false},
	"304 with a length":     {"HTTP/1.1 304 Not Modified\r\nContent-Length: 38\r\n\r\n", notDone, 304, "", "a 304 announces a body", false},
	"a hint with a length":  {"HTTP/1.1 103 Early Hints\r\nContent-Length: 38\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", delivered, 200, "", "a 103 announces a body", false},
	"two lengths":           {"HTTP/1.1 410 Gone\r\nContent-Length: 9\r\nContent-Length: 2\r\n\r\nhi", gone, 410, "hi", "two lengths", false},
	"two in one":            {"HTTP/1.1 410 Gone\r\nContent-Length: 2, 9\r\n\r\nhi", gone, 410, "hi", "lists its length", false},
	"an empty length":       {"HTTP/1.1 410 Gone\r\nContent-Length:\r\nConnection: close\r\n\r\n", gone, 410, "", "is no number", false},
	"a signed length":       {"HTTP/1.1 410 Gone\r\nContent-Length: +2\r\n\r\n", gone, 410, "", "is no number", false},
	"length and chunks":     {"HTTP/1.1 410 Gone\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", gone, 410, "hi", "two ways", false},
	"chunked twice":         {"HTTP/1.1 410 Gone\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", gone, 410, "hi", "encoded twice", false},
	"chunked, chunked":      {"HTTP/1.1 410 Gone\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", gone, 410, "hi", "not chunked alone", false},
	"chunks of old":         {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", delivered, 200, "hi", "two ways", false},
	"a line without colon":  {"HTTP/1.1 410 Gone\r\nnonsense\r\nContent-Length: 2\r\n\r\nhi", gone, 410, "hi", "without a name", false},
	"a blank and a colon":   {"HTTP/1.1 200 OK\r\nContent-Length : 2\r\nConnection: close\r\n\r\n", delivered, 200, "", "blank before a colon", false},
	"a folded line":         {"HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 2\r\n\r\nhi", delivered, 200, "hi", "folded", false},
	"broken chunks":         {"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi", later429, 429, "", "broke off", false},
	"a head without end":    {"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nX: " + strings.Repeat("x", 100<<10), later429, 429, "", "does not end", false},
	"a wait, then nonsense": {"HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nnonsense\r\nContent-Length: 0\r\n\r\n", later429, 503, "", "without a name", false},
}

// ways are how a receiver is reached by HTTP/1.1.
var ways = map[string]func(t *testing.T, talk func(net.Conn)) *Target{
	"plain": func(t *testing.T, talk func(net.Conn)) *Target {
		return newTarget(t, newSender(t), serveRaw(t, talk))
	},
	"TLS": func(t *testing.T, talk func(net.Conn)) *Target {
		ca := newAuthority(t)
		cert, key := ca.issue(t, "127.0.0.1", later)
		pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		url := serveRaw(t, func(c net.Conn) {
			secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
			defer secured.Close()
			talk(secured)
		})
		return newTarget(t, newSender(t), strings.Replace(url, "http:", "https:", 1), trusting(ca.pem))
	},
	"proxy": func(t *testing.T, talk func(net.Conn)) *Target {
		url := serveRaw(t, talk)
		proxy, _ := serveProxy(t, url)
		return newTarget(t, newSender(t, func(o *Options) { o.Proxy = proxy }), url)
	},
}

func TestStrangers(t *testing.T) {
	for way, reach := range ways {
		for name, c := range strangers {
			t.Run(way+"/"+name, func(t *testing.T) {
				t.Parallel()
				var connections atomic.Int32
				target := reach(t, func(conn net.Conn) {
					connections.Add(1)
					answering(c.text)(conn)
				})
				for i := range 2 {
					a := target.Send(context.Background(), newEvent(), i+1)
					if a.Class != c.class || a.Status != c.status || string(a.Body) != c.body || a.Resent {
						t.Errorf("%s %d %q; want %s %d %q", a.Class, a.Status, a.Body, c.class, c.status, c.body)
					}
					if !strings.Contains(a.Detail, c.detail) || c.class == delivered && c.detail == "" && a.Detail != "" {
						t.Errorf("detail %q, want %q in it", a.Detail, c.detail)
					}
					if waits := a.RetryAfter == 30*time.Second; waits != (c.class == later429) {
						t.Errorf("Retry-After %v", a.RetryAfter)
					}
				}
				if kept := connections.Load() == 1; kept != c.keeps {
					t.Errorf("%d connections for two attempts", connections.Load())
				}
			})
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"only hints":     strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100),
		"garbage":        "no HTTP at all\r\n\r\n",
		"no number":      "HTTP/1.1 abc OK\r\n\r\n",
		"a small number": "HTTP/1.1 099 OK\r\n\r\n",
		"a long number":  "HTTP/1.1 2000 OK\r\n\r\n",
		"no blank":       "HTTP/1.1200 OK\r\n\r\n",
		"endless status": "HTTP/1.1 200 " + strings.Repeat("x", 100<<10),
	} {
		t.Run(name, func(t *testing.T) {
			target := newTarget(t, newSender(t), serveRaw(t, answering(text)), limit(5*time.Second))
			want(t, target.Send(context.Background(), newEvent(), 1), transport.Failed, transport.ReasonProtocol)
		})
	}
}

// What is late for an answer must not become another's: a 204 that announced a
// body sends one that looks like an answer a moment later.
func TestALateBodyIsNobodysAnswer(t *testing.T) {
	for way, reach := range ways {
		t.Run(way, func(t *testing.T) {
			target := reach(t, func(c net.Conn) {
				in := bufio.NewReader(c)
				for first := true; ; first = false {
					if _, err := readRequest(in); err != nil {
						return
					}
					if !first {
						_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
						continue
					}
					_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nContent-Length: 38\r\n\r\n")
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			})
			for i := range 4 {
				a := target.Send(context.Background(), newEvent(), i+1)
				if a.Status != 204 {
					t.Errorf("attempt %d: %d, which is another's", i+1, a.Status)
				}
			}
		})
	}
}

// A body that does not end holds nobody up: the status counts, what came is
// kept, and the attempt is over after a second.
func TestABodyWithoutEnd(t *testing.T) {
	for way, reach := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			target := reach(t, func(c net.Conn) {
				if _, err := readRequest(bufio.NewReader(c)); err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nso far")
				_, _ = io.Copy(io.Discard, c)
			})
			target.timeout = time.Hour
			a := target.Send(context.Background(), newEvent(), 1)
			want(t, a, transport.Delivered, "")
			if string(a.Body) != "so far" || !strings.Contains(a.Detail, "did not end within a second") {
				t.Errorf("%q, %q", a.Body, a.Detail)
			}
		})
	}
}

// A receiver may refuse a large body before it has read it, and close.
func TestAnEarlyRefusalOfALargeBody(t *testing.T) {
	for _, way := range []string{"plain", "TLS"} { // the proxy of the tests closes too soon itself
		reach := ways[way]
		for _, size := range []int{20 << 10, 300 << 10, 8 << 20} {
			for _, reads := range []int{1, 40 << 10} {
				t.Run(fmt.Sprintf("%s/%d/%d", way, size, reads), func(t *testing.T) {
					target := reach(t, func(c net.Conn) {
						_, _ = io.ReadFull(c, make([]byte, min(reads, size)))
						_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
					})
					ev := newEvent()
					ev.Data = []byte(`{"text":"` + strings.Repeat("x", size) + `"}`)
					for i := range 5 {
						if a := target.Send(context.Background(), ev, i+1); a.Status != 413 {
							t.Errorf("attempt %d: %+v", i+1, a)
						}
					}
				})
			}
		}
	}
}

// A success before the whole of a large body was read takes the rest as well.
func TestAnEarlySuccessGetsTheWholeBody(t *testing.T) {
	const size = 8 << 20
	for way, reach := range ways {
		t.Run(way, func(t *testing.T) {
			read := make(chan int64, 1)
			target := reach(t, func(c net.Conn) {
				in := bufio.NewReader(c)
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, fine)
				n, _ := io.Copy(io.Discard, req.Body)
				read <- n
				_, _ = in.ReadByte()
			})
			ev := newEvent()
			ev.Data = []byte(`{"text":"` + strings.Repeat("x", size) + `"}`)
			want(t, target.Send(context.Background(), ev, 1), transport.Delivered, "")
			if n := <-read; n < size {
				t.Errorf("the receiver read %d bytes", n)
			}
		})
	}
}

func TestAReceiverThatClosedMeanwhileCostsNothing(t *testing.T) {
	served := make(chan struct{}, 8)
	url := serveRaw(t, func(c net.Conn) {
		if _, err := readRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		_ = c.Close()
		served <- struct{}{}
	})
	target := newTarget(t, newSender(t), url)
	for i := range 5 {
		want(t, target.Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
		<-served // the connection is closed now; the next attempt sees it
	}
}

// An answer with more behind it, in one TLS record: what is decrypted already
// cannot be seen on the socket, and must not become the next attempt's answer.
func TestMoreThanTheAnswerInOneRecordIsNotTheNextAnswer(t *testing.T) {
	ca := newAuthority(t)
	var requests atomic.Int32
	// The buffer ends within the body, and what is left of it is read past the
	// buffer, to the very end.
	head := "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"
	body := strings.Repeat("x", 2*2048-len(head)+12)
	head = strings.Replace(head, "4000", strconv.Itoa(len(body)), 1)
	oneRecord := func(s *httptest.Server) { s.TLS.DynamicRecordSizingDisabled = true }
	srv := ca.serveTLS(t, "127.0.0.1", later, oneRecord, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		requests.Add(1)
		_, _ = io.WriteString(c, head+body+"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
		_, _ = c.Read(make([]byte, 1<<10)) // until the sender closes
		_ = c.Close()
	})
	target := newTarget(t, newSender(t), srv.URL, trusting(ca.pem), limit(5*time.Second))
	for i := range 3 {
		want(t, target.Send(context.Background(), newEvent(), i+1), transport.Delivered, "")
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests arrived for 3 attempts", n)
	}
}
