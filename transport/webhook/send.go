package webhook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
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
	if a, is := t.postponed(); is {
		return t.took(a, start)
	}
	r, err := t.render(ev)
	if err != nil {
		return t.took(unrendered(err), start)
	}
	a = t.send(ctx, ev, r, start)
	a.BodySum, a.Revision, a.Settings = sha256.Sum256(r.body), t.revision, t.settings
	t.hide(&a, r)
	return t.took(a, start)
}

// hide masks the endpoint's own values in what the receiver said: before it is
// journaled, logged or shown, so that a receiver that says what it was sent
// gives them to nobody.
func (t *Target) hide(a *transport.Answer, r rendered) {
	t.hideBy(t.veil, a)
	if len(r.headers) > 0 {
		var values []string
		for _, given := range r.headers {
			values = append(values, given...)
		}
		t.hideBy(transport.NewVeil(values...), a)
	}
}

func (t *Target) hideBy(v transport.Veil, a *transport.Answer) {
	if len(a.Body) > 0 {
		a.Body = v.Mask(a.Body)
		a.Body = a.Body[:min(len(a.Body), transport.MaxAnswerKept)]
	}
	if a.Detail != "" {
		a.Detail = bounded(string(v.Mask([]byte(a.Detail))))
	}
}

func (t *Target) send(ctx context.Context, ev *transport.Event, r rendered, start time.Time) transport.Answer {
	if !sendable(ev.ID) || !sendable(ev.Type) {
		return refusal(transport.ReasonUnrenderable, "the event's id or type has characters that a header cannot carry")
	}
	deadline := start.Add(t.timeout)
	// A receiver may be several machines that speak differently.
	for range maxChanges {
		var a transport.Answer
		var spoken bool
		if t.route.isHTTP2() {
			a, spoken = t.sendHTTP2(ctx, ev, r, deadline)
		} else {
			a, spoken = t.sendHTTP1(ctx, ev, r, deadline)
		}
		if spoken {
			return a
		}
	}
	return failed(transport.ReasonProtocol, "the receiver chose now HTTP/1.1, now HTTP/2, at each handshake anew")
}

// maxChanges bounds how often an attempt turns to the other protocol.
const maxChanges = 8

// answer classifies what came: the status decides, whatever follows it. fault
// is what was wrong with the head; what was wrong with the body is noted too.
func (t *Target) answer(status int, h http.Header, fault string, body io.Reader, expired func() bool) (a transport.Answer) {
	a = classify(status, h, t.success, t.sender.now())
	if a.Reason == transport.ReasonRedirect {
		a.Detail = redirectDetail(status, h, t.request.URL)
	}
	var err error
	if a.Body, err = readAnswer(body); err != nil && fault == "" {
		switch {
		case expired():
			fault = "it was cut at the time limit"
		case timedOut(err):
			fault = "it did not end within a second, and was cut"
		default:
			fault = "it broke off"
		}
	}
	if fault != "" {
		a.Detail = noted(a.Detail, "of the answer: "+fault)
	}
	a.Detail = bounded(a.Detail)
	return a
}

func noted(detail, note string) string {
	if detail == "" {
		return note
	}
	return detail + "; " + note
}

var buffers = sync.Pool{New: func() any { return new([transport.MaxAnswerKept]byte) }}

// readAnswer keeps the beginning and reads on up to the limit, so that the
// connection of a small answer can be used again. There is no error where the
// answer ended, or is longer than the limit.
func readAnswer(body io.Reader) (kept []byte, err error) {
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
	for err == nil && n <= transport.MaxAnswerRead {
		var m int
		m, err = body.Read(buf[:])
		n += m
	}
	if err == io.EOF {
		err = nil
	}
	return kept, err
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
