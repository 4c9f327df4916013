package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

// checker takes deliveries on a loopback port and checks each signature:
// the other side of the demo and the sample.
type checker struct {
	server *http.Server
	url    string
	scheme string
	secret string
	// got is told of each delivery; the answer is 200 if it holds, else 401.
	got func(received)
}

// received is one delivery as a checker sees it.
type received struct {
	id, scheme string
	body       []byte
	verified   error // nil: the signature holds
	at         time.Time
}

func newChecker(scheme, secret string, got func(received)) (*checker, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a receiver: %w", err)
	}
	r := &checker{url: "http://" + l.Addr().String() + "/hook", scheme: scheme, secret: secret, got: got}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(l) }() // ends with close; a broken one shows as deliveries that fail
	return r, nil
}

// ServeHTTP checks one delivery.
func (r *checker) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, transport.MaxHTTPEvent*2))
	if err != nil {
		http.Error(w, "cannot read the body", http.StatusBadRequest)
		return
	}
	now := time.Now()
	err = signature.Verify(signature.Config{Scheme: r.scheme}, r.secret, req.Header, body, now)
	r.got(received{id: req.Header.Get("webhook-id"), scheme: r.scheme, body: body, verified: err, at: now})
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (r *checker) close(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = r.server.Close()
	}
	return err
}
