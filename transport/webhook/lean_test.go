package webhook

import (
	"bufio"
	"context"
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

func TestManyAttemptsShareTheLines(t *testing.T) {
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

func TestFramesOfAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		body string
		// keeps: the next attempt goes by the same connection.
		keeps bool
	}{
		"length":             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", true},
		"chunks":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi", true},
		"chunks and trailer": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", "hi", true},
		"no content":         {"HTTP/1.1 204 No Content\r\n\r\n", "", true},
		"early hints":        {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
		"asks to close":      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "hi", false},
		"of HTTP/1.0":        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", false},
		"says more":          {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 500 Oops\r\n\r\n", "hi", false},
	} {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			url := serveRaw(t, func(conn net.Conn) {
				connections.Add(1)
				answering(c.text)(conn)
			})
			target := newTarget(t, newSender(t), url)
			for i := range 2 {
				a := target.Send(context.Background(), newEvent(), i+1)
				want(t, a, transport.Delivered, "")
				if string(a.Body) != c.body {
					t.Errorf("body %q, want %q", a.Body, c.body)
				}
			}
			if kept := connections.Load() == 1; kept != c.keeps {
				t.Errorf("%d connections for two attempts", connections.Load())
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"only hints":   strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20),
		"endless head": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxAnswer),
		"garbage":      "no HTTP at all\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			target := newTarget(t, newSender(t), serveRaw(t, answering(text)), limit(5*time.Second))
			want(t, target.Send(context.Background(), newEvent(), 1), transport.Failed, transport.ReasonProtocol)
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

func TestIdleLinesGrowOld(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	target := newTarget(t, newSender(t), srv.URL)
	want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	ls := target.lines
	ls.mu.Lock()
	ls.idle[0].idle = time.Now().Add(-idleTimeout)
	ls.mu.Unlock()
	ls.sweep()
	if ls.pop() != nil {
		t.Error("a line is kept past its time")
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
	body := strings.Repeat("x", readBuffer-len(head)+readBuffer+12)
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
