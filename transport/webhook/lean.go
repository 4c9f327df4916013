package webhook

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// maxLeanBody is the largest body that goes by a line of ours: of a larger one
// a receiver may answer the head before it has read all, and net/http reads
// while it writes.
const maxLeanBody = 64 << 10

// leanLines gives the lines of a target whose attempts may go by them, nil
// where they go by net/http alone: a host it knows better what to make of, a
// connection that cannot be looked at, a header that is set twice.
func (t *Target) leanLines(u *url.URL) *lines {
	p := t.pool
	if runtime.GOOS == "windows" || p.dialer.proxy != nil && p.dialer.proxy.tls != nil ||
		strings.HasSuffix(u.Host, ":") || !ascii(u.Host) || t.overlaps() {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return p.acquireLines(lineKey{host: u.Hostname(), port: port, secure: u.Scheme == "https"})
}

// overlaps tells whether an attempt sets one of the headers that never change.
func (t *Target) overlaps() bool {
	h := http.Header{}
	t.setHeaders(h, &transport.Event{ID: "id", Type: "type"}, time.Time{}, rendered{})
	for name := range h {
		if t.fixed[name] != nil {
			return true
		}
	}
	return t.fixed["Traceparent"] != nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// leanHead is the beginning of every request: all that no attempt changes.
func leanHead(u *url.URL, fixed http.Header) []byte {
	head := append([]byte("POST "+u.RequestURI()+" HTTP/1.1\r\nHost: "), u.Host...)
	head = append(head, "\r\n"...)
	return appendHeaders(head, fixed)
}

func appendHeaders(b []byte, h http.Header) []byte {
	for name, values := range h {
		for _, value := range values {
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, value...)
			b = append(b, "\r\n"...)
		}
	}
	return b
}

// scratch is what a request is put together in.
type scratch struct {
	changing http.Header
	request  []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{changing: http.Header{}} }}

// sendLean is one attempt by a line: one write, then the answer, on this
// goroutine. It is not possible, and nothing was sent, where the receiver turns
// out to speak HTTP/2.
func (t *Target) sendLean(ctx context.Context, ev *transport.Event, r rendered, start time.Time) (a transport.Answer, possible bool) {
	deadline := start.Add(t.timeout)
	for {
		l, err := t.lines.take(ctx, deadline)
		if errors.Is(err, errHTTP2) {
			return a, false
		}
		if err != nil {
			return failure(ctx, err, !time.Now().Before(deadline), false), true
		}
		if a, sent := t.sendBy(ctx, l, deadline, ev, r); sent {
			return a, true
		}
	}
}

// sendBy makes the attempt on l, which it keeps or closes; sent is false where
// not a byte was written and another line may be taken.
func (t *Target) sendBy(ctx context.Context, l *line, deadline time.Time, ev *transport.Event, r rendered) (a transport.Answer, sent bool) {
	at := moments{connected: time.Now()}
	unguard := context.AfterFunc(ctx, l.abort)
	resp, err := t.talk(l, &at, ev, r) //nolint:bodyclose // its line is kept or closed below, read to the end or not
	expired := func() bool { return !time.Now().Before(deadline) }
	again := false
	switch {
	case err == nil:
		var whole bool
		a, whole = t.answer(resp, expired)
		again = whole && !resp.Close && l.in.Buffered() == 0
	case errors.Is(err, errUntouched) && ctx.Err() == nil && !expired():
		unguard()
		l.close()
		return a, false
	default:
		a = failure(ctx, err, expired(), true)
	}
	a.FirstByte = at.firstByte
	if !l.reused {
		a.DNS, a.Connect, a.TLS = l.raw.dns, l.raw.connect, l.raw.tls
	}
	if unguard() && again {
		t.lines.keep(l) // from here on it is another attempt's
	} else {
		l.close()
	}
	return a, true
}

// talk exchanges a request for the head of an answer.
func (t *Target) talk(l *line, at *moments, ev *transport.Event, r rendered) (*http.Response, error) {
	s := scratches.Get().(*scratch)
	t.compose(s, ev, r)
	resp, err := l.exchange(s.request, at)
	if cap(s.request) <= 2*maxLeanBody {
		scratches.Put(s)
	}
	return resp, err
}

// compose writes the request of one attempt.
func (t *Target) compose(s *scratch, ev *transport.Event, r rendered) {
	clear(s.changing)
	t.setHeaders(s.changing, ev, t.sender.now(), r)
	b := append(s.request[:0], t.head...)
	b = appendHeaders(b, s.changing)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.body)), 10)
	b = append(b, "\r\n\r\n"...)
	s.request = append(b, r.body...)
}
