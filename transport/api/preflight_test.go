package api

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

func TestAnUnsavedEndpointIsTried(t *testing.T) {
	b := start(t, nil)
	tester := token(t, "acme", RoleTestEndpoint)
	const path = "/v1/endpoints/test"
	b.answer = transport.Answer{Class: transport.Failed, Reason: "tls", Detail: "the certificate expired"}
	got := read[TestResult](b, b.call(tester, "POST", path, `{"endpoint":{"url":"https://example.com/a","secret":"0123456789abcdef"},"type":"door.opened","data":{"n":1.0}}`))
	if got.Success || got.Answer.Detail != "the certificate expired" || got.Request.URL != "https://example.com/a" || got.Request.EventType != "door.opened" || string(b.tested[0].Data) != `{"n":1.0}` {
		t.Errorf("%+v", got)
	}
	if got := read[TestResult](b, b.call(tester, "POST", path, `{"endpoint":{"url":"https://example.com/a"},"dry_run":true}`)); !got.Success || !got.DryRun || len(b.tested) != 1 {
		t.Errorf("%+v", got)
	}
	for body, message := range map[string]string{
		``: "endpoint: missing", `{"endpoint":null}`: "endpoint: missing", `{"endpoint":{}}`: "url: missing", `{"endpoint":{"url":"http://example.com"}}`: "url: ",
		`{"endpoint":{"url":"https://example.com","urls":1}}`: "urls: unknown field", `{"url":"https://example.com"}`: "url: unknown field",
		`{"endpoint":{"url":"https://example.com"},"type":"a b"}`: "type", `{"endpoint":{"url":"https://example.com","secret":"short"}}`: "secret: 5 bytes long",
		`{"endpoint":{"url":"https://example.com","filter":"event."}}`: "filter",
	} {
		if got := b.call(tester, "POST", path, body); got.status != 400 || !strings.Contains(got.body, message) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	b.wantStatus(b.call(tester, "POST", path, `{"endpoint":{"url":"https://example.com","profile":"genea"}}`), 403)
	if len(b.endpoints) > 0 || len(b.events) > 0 {
		t.Error("something was kept")
	}
}
