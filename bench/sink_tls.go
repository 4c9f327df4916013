package bench

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// How receivers are reached: by HTTP/1.1, by HTTP/1.1 over TLS 1.3, by HTTP/2
// over TLS 1.3.
const (
	schemeHTTP  = "http"
	schemeHTTPS = "https"
	schemeH2    = "h2"
)

// Schemes are all ways in which receivers are reached.
func Schemes() []string { return []string{schemeHTTP, schemeHTTPS, schemeH2} }

func checkScheme(scheme string) error {
	if !slices.Contains(Schemes(), scheme) {
		return wrong("scheme", scheme, "must be "+strings.Join(Schemes(), ", "))
	}
	return nil
}

// urlScheme is what stands before ://.
func urlScheme(scheme string) string {
	if scheme == schemeHTTPS || scheme == schemeH2 {
		return "https"
	}
	return "http"
}

// sinkTLS is what a receiver of that scheme speaks; nil: no TLS.
func sinkTLS(scheme, certFile, keyFile string) (*tls.Config, error) {
	if scheme == schemeHTTP {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	protocol := "http/1.1"
	if scheme == schemeH2 {
		protocol = "h2"
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{protocol}}, nil
}

// serveH2 answers by net/http's HTTP/2 until the listener is closed; its
// connections are then for hangUp.
func (s *sink) serveH2(l net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	server := &http.Server{
		Handler: s, TLSConfig: s.tls, Protocols: &protocols, ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0), // peers that hang up in a handshake
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				if !s.enter(c) {
					_ = c.Close()
				}
			case http.StateClosed:
				s.leave(c)
			}
		},
	}
	err := server.ServeTLS(l, "", "")
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

var h2Bodies = sync.Pool{New: func() any { return new([]byte) }}

// ServeHTTP is one request by HTTP/2.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := s.tallies[s.served.Add(1)%tallies]
	if r.Method != http.MethodPost || r.ContentLength < 0 || r.ContentLength > maxSinkBody {
		t.refuse()
		http.Error(w, "POST with a Content-Length, please", http.StatusBadRequest)
		return
	}
	kept := h2Bodies.Get().(*[]byte)
	defer h2Bodies.Put(kept)
	if cap(*kept) < int(r.ContentLength) {
		*kept = make([]byte, r.ContentLength)
	}
	body := (*kept)[:r.ContentLength]
	if _, err := io.ReadFull(r.Body, body); err != nil {
		t.refuse()
		return
	}
	switch behaviour(s.behaviour.Load()) {
	case well:
		now := time.Now()
		s.delivery(t, now, []byte(r.URL.Path), []byte(r.Header.Get("Webhook-Id")), body)
		if s.verifies() {
			t.checked(s.verifier.Verify(r.Header, body, now) == nil)
		}
		if s.delay > 0 {
			time.Sleep(s.delay) // the goroutine's, not a thread's
		}
	case hanging:
		t.refuse()
		<-r.Context().Done()
	default:
		t.refuse()
		w.WriteHeader(http.StatusInternalServerError)
	}
}
