package webhook

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

type request struct {
	head http.Header
	body string
}

func templated(ep *transport.Endpoint) {
	ep.Body = []byte(`{"message":"${event.data.door} at ${epoch(event.time)}","n":"${event.data}"}`)
	ep.Headers = map[string]string{"X-Door": "door ${event.data.door}", "Idempotency-Key": "${event.id}", "user-agent": "Own/${event.type}", "X-Key": "s3cret"}
}

// TestATemplatedRequest goes by HTTP/1.1 and HTTP/2.
func TestATemplatedRequest(t *testing.T) {
	got := make(chan request, 1)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Header, string(body)}
	})
	ca := newAuthority(t)
	secured := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) { s.EnableHTTP2 = true }, srv.Config.Handler.ServeHTTP)
	for _, url := range []string{srv.URL, secured.URL} {
		target := newTarget(t, newSender(t), url, templated, trusting(ca.pem))
		want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
		r := <-got
		if r.body != `{"message":"Main at 1795283000","n":{"door":"Main"}}` {
			t.Errorf("body %s", r.body)
		}
		for name, value := range map[string]string{"X-Door": "door Main", "Idempotency-Key": "evt-1", "User-Agent": "Own/access.granted", "X-Key": "s3cret"} {
			if all := r.head.Values(name); len(all) != 1 || all[0] != value {
				t.Errorf("%s: %q", name, all)
			}
		}
		if err := signature.Verify(signature.Config{Scheme: "genlogs"}, secret, r.head, []byte(r.body), newSender(t).now()); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatCannotBeRenderedIsRefused(t *testing.T) {
	target := newTarget(t, newSender(t), "http://127.0.0.1:1", templated)
	for doc, detail := range map[string]string{
		`{"n":1}`:         "body.message: the event has no such key: door",
		`{"door":"a\nb"}`: "headers.X-Door: makes a control character",
	} {
		ev := newEvent()
		ev.Data = []byte(doc)
		a := target.Send(context.Background(), ev, 1)
		want(t, a, transport.Refused, transport.ReasonUnrenderable)
		if !strings.HasPrefix(a.Detail, detail) {
			t.Errorf("%s; want %s", a.Detail, detail)
		}
		if p, shown := target.Preview(ev, time.Now()); p != nil || shown.Reason != transport.ReasonUnrenderable || shown.Detail != a.Detail {
			t.Errorf("%+v, %+v", p, shown)
		}
	}
}

func TestAPreviewIsTheRequestWithoutCredentials(t *testing.T) {
	target := newTarget(t, newSender(t), "http://127.0.0.1:1/hook?x=1", templated)
	p, _ := target.Preview(newEvent(), time.Now())
	if p == nil {
		t.Fatal("no preview")
	}
	if p.Method != "POST" || p.URL != "http://127.0.0.1:1/hook?x=1" || string(p.Body) != `{"message":"Main at 1795283000","n":{"door":"Main"}}` {
		t.Errorf("%+v", p)
	}
	for name, value := range map[string]string{"X-Door": "***", "Idempotency-Key": "***", "User-Agent": "***", "X-Key": "***",
		"Webhook-Id": "evt-1", "Host": "127.0.0.1:1", "Content-Length": "52", "Content-Type": "application/json"} {
		if p.Header.Get(name) != value {
			t.Errorf("%s: %q", name, p.Header.Get(name))
		}
	}
	if err := signature.Verify(signature.Config{Scheme: "genlogs"}, secret, p.Header, p.Body, newSender(t).now()); err != nil {
		t.Error(err)
	}
}
