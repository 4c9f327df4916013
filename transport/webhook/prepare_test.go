package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/webhook/dial"
)

func TestWhatCannotBePrepared(t *testing.T) {
	header := func(name, value string) func(*transport.Endpoint) {
		return func(ep *transport.Endpoint) { ep.Headers = map[string]string{name: value} }
	}
	url := func(u string) func(*transport.Endpoint) { return func(ep *transport.Endpoint) { ep.URL = u } }
	s, production := newSender(t), newSender(t, func(o *Options) { o.Dev = false })
	for _, c := range []struct {
		field  string
		change func(*transport.Endpoint)
	}{
		{"url", url("")}, {"url", url("ftp://x.example")}, {"url", url("https://u:p@x.example")}, {"url", url("https://x.example/#a")},
		{"url", url("https://x.example:0")}, {"url", url("https://x.example:70000")}, {"url", url("https:///a")},
		{"url", url("https://[fe80::1%25eth0]/")}, {"url", url("https://x.example/\r\nX-A: b")}, {"url", url("https://x.example/" + strings.Repeat("a", 2083))},
		{"headers.X-A", header("X-A", "b\r\nX-Admin: yes")}, {"headers.X-A", header("X-A", "b\x00")}, {"headers", header("X A", "b")},
		{"headers", header("X-A\r\nX-B", "b")}, {"headers", header("", "b")},
		{"headers.Host", header("Host", "b")}, {"headers.content-length", header("content-length", "1")},
		{"headers.Transfer-Encoding", header("Transfer-Encoding", "chunked")}, {"headers.Connection", header("Connection", "close")},
		{"headers.TE", header("TE", "trailers")}, {"headers.Expect", header("Expect", "100-continue")},
		{"headers.Proxy-Authorization", header("Proxy-Authorization", "b")}, {"headers.Accept-Encoding", header("Accept-Encoding", "gzip")},
		{"headers.webhook-id", header("webhook-id", "b")}, {"headers.X-GenLogs-Signature", header("X-GenLogs-Signature", "b")},
		{"delivery.success", func(ep *transport.Endpoint) { ep.Delivery.Success = "3xx" }},
		{"signature.scheme", func(ep *transport.Endpoint) { ep.Signature.Scheme = "md5" }},
		{"secret", func(ep *transport.Endpoint) { ep.Secrets.Current = "abc" }},
		{"version", func(ep *transport.Endpoint) { ep.Profile, ep.Version = "genea", "v4" }},
		{"body.a", func(ep *transport.Endpoint) { ep.Body = []byte(`{"a":"${event.idd}"}`) }},
		{"headers.X-A", header("X-A", "${event.idd}")},
	} {
		_, err := s.Prepare(newEndpoint("https://x.example", c.change))
		wantField(t, err, c.field)
	}
	_, err := production.Prepare(newEndpoint("http://x.example"))
	wantField(t, err, "url")
	if len(s.settings) != 0 || len(s.routes) != 0 {
		t.Error("what was refused left a pool behind")
	}
}

func TestAClosedSenderPreparesNothing(t *testing.T) {
	srv := serve(t, func(http.ResponseWriter, *http.Request) {})
	s := newSender(t)
	target := newTarget(t, s, srv.URL)
	want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	s.Close()
	s.Close()
	if _, err := s.Prepare(newEndpoint(srv.URL)); err == nil {
		t.Error("prepared after Close")
	}
	target.Close()
}

// TestNothingSecretIsTold looks for each secret in everything that an attempt
// and a refusal tell.
func TestNothingSecretIsTold(t *testing.T) {
	const token, value = "T0KEN", "HEADER-VALUE"
	answers := []func(http.ResponseWriter, *http.Request){
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/"+token, 302) },
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	s := newSender(t)
	urls := []string{"http://127.0.0.1:" + closedPort(t), "http://nowhere.invalid", "http://169.254.169.254", "https://127.0.0.1:" + closedPort(t)}
	for _, answer := range answers {
		urls = append(urls, serve(t, answer).URL)
	}
	for _, u := range urls {
		target := newTarget(t, s, u+"/"+token+"?key="+token, func(ep *transport.Endpoint) {
			ep.Headers = map[string]string{"X-Key": value}
		})
		a := target.Send(context.Background(), newEvent(), 1)
		a.Body = nil // what the receiver says is its own
		for _, hidden := range []string{token, value, secret} {
			if strings.Contains(fmt.Sprintf("%+v", a), hidden) {
				t.Errorf("%s: %+v tells %s", u, a, hidden)
			}
		}
	}
	_, err := s.Prepare(newEndpoint("https://x.example", func(ep *transport.Endpoint) {
		ep.Headers = map[string]string{"X-Key": value + "\n"}
	}))
	if err == nil || strings.Contains(err.Error(), value) {
		t.Errorf("%v", err)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	target := newTarget(t, newSender(t), "http://127.0.0.1:1")
	target.renderer = nil
	a := target.Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Refused, transport.ReasonPanic)
}

func TestClassesOfErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		class  transport.Class
		reason string
	}{
		{fmt.Errorf("dial: %w", &dial.ProxyError{Status: 407}), transport.Refused, transport.ReasonProxy},
		{fmt.Errorf("dial: %w", &dial.ProxyError{Err: errors.New("x")}), transport.Refused, transport.ReasonProxy},
		{fmt.Errorf("dial: %w", dial.ErrNoSource), transport.Refused, transport.ReasonLocal},
		{&dial.TLSError{Err: errors.New("odd")}, transport.Failed, transport.ReasonTLS},
		{errors.New("odd"), transport.Failed, transport.ReasonProtocol},
		{context.Canceled, transport.Aborted, transport.ReasonAborted},
		{context.DeadlineExceeded, transport.Failed, transport.ReasonTimeout},
	} {
		want(t, failure(context.Background(), c.err, false, false), c.class, c.reason)
	}
}
