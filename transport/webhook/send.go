package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload"
)

// Send makes one attempt at ev, whatever its number: to the receiver all
// attempts look alike but for their timestamps. It ends at the endpoint's time
// limit, or, as Aborted, when ctx does.
func (t *Target) Send(ctx context.Context, ev *transport.Event, _ int) (a transport.Answer) {
	start := time.Now()
	defer t.recovered(&a, start)
	r, err := t.render(ev)
	if err != nil {
		return t.took(unrendered(err), start)
	}
	return t.took(t.send(ctx, ev, r, start), start)
}

func (t *Target) send(ctx context.Context, ev *transport.Event, r rendered, start time.Time) transport.Answer {
	if !sendable(ev.ID) || !sendable(ev.Type) {
		return refusal(transport.ReasonUnrenderable, "the event's id or type has characters that a header cannot carry")
	}
	if t.lines.lean() && len(r.body) <= maxLeanBody {
		if a, possible := t.sendLean(ctx, ev, r, start); possible {
			return a
		}
	}
	return t.sendRich(ctx, ev, r)
}

// sendRich is one attempt by net/http, which speaks HTTP/2 and reads while it
// writes a large body.
func (t *Target) sendRich(ctx context.Context, ev *transport.Event, r rendered) (a transport.Answer) {
	f := newFlight(ctx, t.timeout, r.body)
	defer f.end()
	resp, err := t.pool.http.RoundTrip(t.build(f, ev, t.sender.now(), r))
	if err != nil {
		a = failure(ctx, err, f.expired(), f.connected())
	} else {
		a, _ = t.answer(resp, f.expired)
		_ = resp.Body.Close()
	}
	f.times(&a)
	return a
}

// setHeaders sets what differs from attempt to attempt; the signature last, so
// that nothing overwrites it.
func (t *Target) setHeaders(h http.Header, ev *transport.Event, at time.Time, r rendered) {
	maps.Copy(h, r.headers)
	h["Webhook-Id"] = []string{ev.ID}
	if traceable(ev.Traceparent) {
		h["Traceparent"] = []string{ev.Traceparent}
	}
	t.renderer.SetHeaders(h, ev, at)
	t.signer.Sign(h, ev.ID, at, r.body)
}

// build makes the request by hand: a copy of the prepared one, with headers
// that no one else holds.
func (t *Target) build(f *flight, ev *transport.Event, at time.Time, r rendered) *http.Request {
	h := make(http.Header, len(t.fixed)+len(r.headers)+6)
	for name, values := range t.fixed {
		h[name] = values
	}
	t.setHeaders(h, ev, at, r)
	req := t.request.WithContext(f.traced())
	req.Header = h
	if len(r.body) == 0 {
		req.Body = http.NoBody
		return req
	}
	req.ContentLength = int64(len(r.body))
	req.Body = f.reader()
	// With GetBody net/http tries again on another connection where not a byte
	// was written, or HTTP/2 says that the receiver did not look at it. With an
	// Idempotency-Key it would also repeat what was written: then it gets none.
	if !t.replayable {
		req.GetBody = f.again
	}
	return req
}

// answer reads and classifies what came; whole tells whether it was read to
// its end. Once the head is there the status decides; an answer cut short
// afterwards is only noted.
func (t *Target) answer(resp *http.Response, expired func() bool) (a transport.Answer, whole bool) {
	a = classify(resp.StatusCode, resp.Header, t.success, t.sender.now())
	if a.Reason == transport.ReasonRedirect {
		a.Detail = bounded(redirectDetail(resp.StatusCode, resp.Header, t.request.URL))
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return a, false
	}
	var err error
	a.Body, whole, err = readAnswer(resp.Body)
	if err != nil {
		what := "the answer broke off"
		if expired() {
			what = "the answer was cut at the time limit"
		}
		if a.Detail != "" {
			what = a.Detail + "; " + what
		}
		a.Detail = bounded(what)
	}
	return a, whole
}

var buffers = sync.Pool{New: func() any { return new([transport.MaxAnswerKept]byte) }}

// readAnswer keeps the beginning and reads on up to the limit, so that the
// connection of a small answer can be used again; whole tells that it ended.
func readAnswer(body io.Reader) (kept []byte, whole bool, err error) {
	if body == http.NoBody {
		return nil, true, nil
	}
	buf := buffers.Get().(*[transport.MaxAnswerKept]byte)
	defer buffers.Put(buf)
	n := 0
	for n < len(buf) && err == nil {
		var m int
		m, err = body.Read(buf[n:])
		n += m
	}
	if n > 0 {
		kept = append(make([]byte, 0, n), buf[:n]...)
	}
	for err == nil && n < transport.MaxAnswerRead {
		var m int
		m, err = body.Read(buf[:min(len(buf), transport.MaxAnswerRead-n)])
		n += m
	}
	if err == io.EOF {
		return kept, true, nil
	}
	return kept, false, err
}

func (t *Target) took(a transport.Answer, start time.Time) transport.Answer {
	a.Took = time.Since(start)
	return a
}

// unrendered is the answer to an event that has no body here.
func unrendered(err error) transport.Answer {
	var skip payload.Skip
	if errors.As(err, &skip) {
		return transport.Answer{Class: transport.Skip, Reason: skip.Reason}
	}
	return refusal(transport.ReasonUnrenderable, err.Error())
}

// recovered turns a panic into an answer; its value may hold anything, so that
// only its type is told.
func (t *Target) recovered(a *transport.Answer, start time.Time) {
	if p := recover(); p != nil {
		*a = t.took(refusal(transport.ReasonPanic, fmt.Sprintf("the attempt panicked with a %T", p)), start)
	}
}

func refusal(reason, detail string) transport.Answer {
	return transport.Answer{Class: transport.Refused, Reason: reason, Detail: bounded(detail)}
}

// sendable tells whether s arrives as it is when sent as a header's value.
func sendable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return strings.TrimSpace(s) == s
}

// traceable tells whether s can be passed on as traceparent: version, trace,
// span and flags in hexadecimal (55 characters, more in later versions).
func traceable(s string) bool {
	if len(s) < 55 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if b := s[i]; (b < '0' || b > '9') && (b < 'a' || b > 'f') && b != '-' {
			return false
		}
	}
	return true
}
