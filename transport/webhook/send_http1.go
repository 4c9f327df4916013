package webhook

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/webhook/http1"
)

// soon is how long after its request a kept connection may break without that
// being the receiver's word: it had closed it while nothing was under way.
const soon = time.Second

// sendHTTP1 is one attempt by HTTP/1.1, on this goroutine; spoken is false, and
// nothing was sent, where the receiver turns out to speak HTTP/2.
func (t *Target) sendHTTP1(ctx context.Context, ev *transport.Event, r rendered, deadline time.Time) (a transport.Answer, spoken bool) {
	take, resent := t.route.http1.Take, false
	for {
		c, err := take(ctx, deadline)
		if errors.Is(err, errHTTP2) {
			return a, false
		}
		if err != nil {
			return failure(ctx, err, !time.Now().Before(deadline), false), true
		}
		a, again := t.exchange(ctx, c, deadline, ev, r)
		switch again {
		case never:
			a.Resent = resent
			return a, true
		case unsent:
			continue
		}
		take, resent = t.route.http1.Fresh, true
	}
}

// again says whether a request goes by another connection within its attempt.
type again uint8

const (
	never again = iota
	// unsent: not a byte of it was written.
	unsent
	// broken: a kept connection ended without a byte of an answer.
	broken
)

// exchange makes the attempt on c, which it keeps or discards.
func (t *Target) exchange(ctx context.Context, c *http1.Conn, deadline time.Time, ev *transport.Event, r rendered) (a transport.Answer, next again) {
	host, began := t.route.http1, time.Now()
	expired := func() bool { return !time.Now().Before(deadline) }
	unguard := context.AfterFunc(ctx, c.Abort)
	composed := requests.Get().(*[]byte)
	*composed = t.compose((*composed)[:0], ev, r)
	request := http1.Request{Bytes: *composed}
	if len(r.body) > maxInOne {
		request.Body = r.body
	}
	resp, err := c.Exchange(request)
	mayRepeat := c.Reused && ctx.Err() == nil && !expired()
	atOnce := mayRepeat && time.Since(began) < soon
	switch {
	case err == nil:
		a = t.answer(resp.Status, resp.Header, resp.Fault, resp.Body, expired)
		// Some servers say goodbye to an idle connection in these words.
		if atOnce && resp.Status == http.StatusRequestTimeout && resp.Closes() {
			next = broken
		}
	case errors.Is(err, http1.ErrUntouched) && mayRepeat:
		next = unsent
	case c.Broken && atOnce:
		next = broken
	default:
		a = failure(ctx, err, expired(), true)
	}
	a.FirstByte = resp.FirstByte
	if !c.Reused {
		a.DNS, a.Connect, a.TLS = c.Timing.DNS, c.Timing.Connect, c.Timing.TLS
	}
	if unguard() && err == nil {
		host.Keep(c) // from here on it is another attempt's
	} else {
		host.Discard(c)
	}
	requests.Put(composed)
	return a, next
}
