package httpserver

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const announced = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"

func TestABodyThatStopsComingEndsItsRequest(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"nobody reads it":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"nothing is said":   func(http.ResponseWriter, *http.Request) {},
		"the handler reads": func(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); w.WriteHeader(408) },
		"the handler reads some": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, 3))
			w.WriteHeader(401)
		},
	} {
		for _, sent := range []string{"", "abc"} {
			t.Run(name+" "+sent, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := serve(t, Options{Handler: handler})
					c, began := w.dial("192.0.2.1"), time.Now()
					w.send(c, announced+sent)
					w.status(c)
					if !gone(c) {
						t.Error("the connection is kept")
					}
					if took := time.Since(began); took > bodyStall+time.Second {
						t.Errorf("it was held for %s", took)
					}
				})
			})
		}
	}
}

// A body may come slowly, and its request last long after it.
func TestABodyThatComesSlowlyIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || len(body) != 20 {
				t.Errorf("%d bytes, %v", len(body), err)
			}
			select {
			case <-r.Context().Done():
				t.Error("the request was given up while its handler worked")
			case <-time.After(5 * time.Minute):
			}
		})})
		c := w.dial("192.0.2.1")
		w.send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
		for range 20 {
			time.Sleep(bodyStall - time.Second) // the peer's own pace, in the bubble's time
			w.send(c, "x")
		}
		if status := w.status(c); status != 200 {
			t.Error(status)
		}
		w.send(c, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n"+strings.Repeat("x", 20))
		if status := w.status(c); status != 200 {
			t.Errorf("the next request on the connection: %d", status)
		}
	})
}

// The handler worked for longer than a body may stop, and left it unread.
func TestTheRestOfABodyHasItsTimeWhenTheAnswerBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Minute)
			w.WriteHeader(http.StatusAccepted)
		})})
		c := w.dial("192.0.2.1")
		w.send(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
		go func() {
			time.Sleep(time.Minute + time.Second)
			w.send(c, strings.Repeat("x", 20))
		}()
		if status := w.status(c); status != http.StatusAccepted {
			t.Error(status)
		}
		w.send(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if status := w.status(c); status != http.StatusAccepted {
			t.Errorf("the next request on the connection: %d", status)
		}
	})
}

func TestAnAnswerThatNobodyReadsEndsItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := serve(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 6<<20))
			ended <- err
		})})
		w.send(w.dial("192.0.2.1"), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		began := time.Now()
		if err := <-ended; err == nil {
			t.Error("an answer that nobody read was written")
		}
		if took := time.Since(began); took != answerStall {
			t.Errorf("it was held for %s", took)
		}
		synctest.Wait()
		if n := w.server.Open(); n != 0 {
			t.Errorf("%d connections are open", n)
		}
	})
}

func TestAnAnswerThatIsReadSlowlyArrives(t *testing.T) {
	const size = 10 * writePart
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.Write(make([]byte, size)); err != nil {
				t.Error(err)
			}
		})})
		c := w.dial("192.0.2.1")
		w.send(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		read := 0
		for buffer := make([]byte, writePart); ; {
			time.Sleep(answerStall / 3)
			n, err := c.Read(buffer)
			if read += n; err != nil {
				break
			}
		}
		if read < size {
			t.Errorf("%d bytes came", read)
		}
	})
}

func TestAHeadThatDoesNotEndIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, Options{Handler: http.NotFoundHandler()})
		c, began := w.dial("192.0.2.1"), time.Now()
		w.send(c, "GET / HTTP/1.1\r\nHost: a\r\n")
		for !gone(c) { // net/http may say 408
		}
		if took := time.Since(began); took != headerTime {
			t.Errorf("it was held for %s", took)
		}
		idle := w.dial("192.0.2.1")
		w.send(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		w.status(idle)
		if began = time.Now(); !gone(idle) || time.Since(began) != idleTime {
			t.Errorf("an idle one was held for %s", time.Since(began))
		}
	})
}

func TestAHeadThatIsTooLongIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, Options{Handler: http.NotFoundHandler()})
		c := w.dial("192.0.2.1")
		go func() {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nA: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n")
		}()
		if status := w.status(c); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Error(status)
		}
	})
}
