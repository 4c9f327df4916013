package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/webhook/http1"
)

// sendHTTP2 is one attempt by HTTP/2; spoken is false, and nothing was sent,
// where the receiver turns out to speak HTTP/1.1.
func (t *Target) sendHTTP2(ctx context.Context, ev *transport.Event, r rendered, deadline time.Time) (a transport.Answer, spoken bool) {
	within, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for resent := false; ; resent = true {
		c, reused, err := t.route.http2.take(within)
		if errors.Is(err, errHTTP1) {
			return a, false
		}
		if err != nil {
			return failure(ctx, err, within.Err() != nil, false), true
		}
		a, again := t.stream(ctx, within, cancel, c, reused, ev, r)
		if again && !resent {
			t.route.http2.dropUpTo(c)
			continue
		}
		a.Resent = resent
		return a, true
	}
}

// stream makes the attempt on c; again tells that c is the reason why it came
// to nothing.
func (t *Target) stream(ctx, within context.Context, cancel context.CancelFunc, c *http2Conn, reused bool, ev *transport.Event, r rendered) (a transport.Answer, again bool) {
	expired := func() bool { return errors.Is(within.Err(), context.DeadlineExceeded) }
	began := time.Now()
	resp, err := c.RoundTrip(t.build(within, ev, t.sender.now(), r))
	took := time.Since(began)
	if err != nil {
		again = ctx.Err() == nil && !expired() && (untaken(err) || reused && took < soon && connectionEnded(err))
		a = failure(ctx, err, expired(), true)
	} else {
		again = reused && took < soon && resp.StatusCode == http.StatusMisdirectedRequest
		body := &patientBody{from: resp.Body}
		patience := time.AfterFunc(http1.Patience, func() { body.over.Store(true); cancel() })
		a = t.answer(resp.StatusCode, resp.Header, "", body, expired)
		patience.Stop()
		_ = resp.Body.Close()
		a.FirstByte = took
	}
	if !reused {
		a.DNS, a.Connect, a.TLS = c.timing.DNS, c.timing.Connect, c.timing.TLS
	}
	return a, again
}

// patientBody tells that its time was up where that is why reading failed.
type patientBody struct {
	from io.Reader
	over atomic.Bool
}

// Read implements io.Reader.
func (b *patientBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err != nil && err != io.EOF && b.over.Load() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// build makes the request by hand: a copy of the prepared one, with a header
// that no one else holds.
func (t *Target) build(ctx context.Context, ev *transport.Event, at time.Time, r rendered) *http.Request {
	req := t.request.WithContext(ctx)
	req.Header = t.header(ev, at, r)
	if len(r.body) == 0 {
		req.Body = http.NoBody
		return req
	}
	req.ContentLength = int64(len(r.body))
	req.Body = io.NopCloser(bytes.NewReader(r.body))
	return req
}

// untaken tells that the receiver says it has not looked at the request.
func untaken(err error) bool {
	var stream streamError
	return errors.As(err, &stream) && stream.Code == refusedStream ||
		strings.Contains(err.Error(), "graceful shutdown GOAWAY") || strings.Contains(err.Error(), "client conn not usable")
}

// streamError is what net/http's own, which it does not export, lets itself be
// read into.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

const refusedStream = 7

// Error implements error.
func (e streamError) Error() string { return "the stream was reset" }

// connectionEnded tells that no answer came because the connection ended.
func connectionEnded(err error) bool {
	var stream streamError
	return !errors.As(err, &stream) && !timedOut(err) && connectDetail(err) != ""
}
