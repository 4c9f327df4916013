package webhook

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// Templates that cost too much have their endpoint wait; one without templates
// is sent whatever the share, and so is every other customer's.
func TestTemplatesOverTheirShareWait(t *testing.T) {
	sent := 0
	srv := serve(t, func(http.ResponseWriter, *http.Request) { sent++ })
	shares := transport.NewShares(0.05, nil)
	now := newSender(t).now()
	sender := newSender(t, func(o *Options) { o.Shares, o.Now = shares, func() time.Time { return now } })
	named := func(id, customer string) func(*transport.Endpoint) {
		return func(ep *transport.Endpoint) { ep.ID, ep.Customer = id, customer }
	}
	own := newTarget(t, sender, srv.URL, templated, named("own", "acme"))
	want(t, own.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	for range 3 {
		shares.Spent(now, "acme", "own", time.Millisecond, true)
	}
	a := own.Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Throttled, transport.ReasonFilterCost)
	if away, is := shares.Away(now, "acme", "own"); !is || a.RetryAfter != away.Until.Sub(now) {
		t.Errorf("waits %v", a.RetryAfter)
	}
	shares.Spent(now, "acme", "dear", time.Second, false)
	other := newTarget(t, sender, srv.URL, templated, named("other", "acme"))
	a = other.Send(context.Background(), newEvent(), 1)
	if want(t, a, transport.Throttled, transport.ReasonFilterCost); a.RetryAfter != postponedFor {
		t.Errorf("waits %v", a.RetryAfter)
	}
	plain := newTarget(t, sender, srv.URL, named("plain", "acme"))
	want(t, plain.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	stranger := newTarget(t, sender, srv.URL, templated, named("stranger", "other"))
	want(t, stranger.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	if sent != 3 {
		t.Errorf("%d requests", sent)
	}
}
