package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

func TestAnotherCustomersThingsAreAsIfAbsent(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	b.letters[5] = &transport.DeadLetter{ID: 5, Customer: "acme"}
	other := token(t, "other", RoleAdmin)
	there := b.call(other, "GET", "/v1/endpoints/"+ep.ID, "")
	b.want(there, 404, `{"message":"Endpoint `+ep.ID+` not found","error_type":"EndpointNotFoundError","error_code":"ENDPOINT_NOT_FOUND"}`)
	absent := b.call(other, "GET", "/v1/endpoints/absent", "")
	b.want(absent, 404, strings.ReplaceAll(there.body, ep.ID, "absent"))
	b.want(b.call(other, "GET", "/v1/deadletters/5", ""), 404,
		`{"message":"Dead Letter 5 not found","error_type":"DeadLetterNotFoundError","error_code":"DEAD_LETTER_NOT_FOUND"}`)
	b.want(b.call(other, "GET", "/v1/endpoints", ""), 200, `{"items":[]}`)
	b.want(b.call(other, "GET", "/v1/deadletters", ""), 200, `{"items":[]}`)
	for _, path := range []string{"/v1/endpoints?customer=acme", "/v1/deadletters?customer=acme", "/v1/audit?customer=acme", "/v1/deliveries?customer=acme", "/v1/replays?customer=acme"} {
		b.want(b.call(other, "GET", path, ""), 403, `{"detail":"Token of customer 'other' may not act for another customer"}`)
	}
	for _, c := range [][2]string{{"/v1/endpoints", `{"customer":"acme","url":"https://example.com"}`}, {"/v1/endpoints/test", `{"endpoint":{"customer":"acme","url":"https://example.com"}}`}, {"/v1/events", `{"customer":"acme","type":"a","data":1}`},
		{"/v1/replays", `{"customer":"acme","endpoint":"01980000-0000-7000-8000-000000000000"}`}, {"/v1/deadletters/replay", `{"customer":"acme","endpoint":"01980000-0000-7000-8000-000000000000"}`}} {
		b.want(b.call(other, "POST", c[0], c[1]), 403, `{"detail":"Token of customer 'other' may not act for another customer"}`)
	}
	if len(b.events) > 0 || len(b.endpoints) != 1 {
		t.Errorf("%d events, %d endpoints", len(b.events), len(b.endpoints))
	}
	b.call(other, "GET", "/v1/audit", "")
	if b.audited[0] != "other" {
		t.Errorf("audited %q", b.audited)
	}
}

func TestOperatorsNameCustomers(t *testing.T) {
	b := start(t, nil)
	operator := token(t, "", RoleOperator)
	b.want(b.call(operator, "POST", "/v1/events", `{"type":"a","data":1}`), 400,
		`{"message":"customer: missing; a token without a customer of its own must name one","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"customer"}}`)
	b.wantStatus(b.call(operator, "POST", "/v1/events", `{"customer":"acme","type":"a","data":1}`), 202)
	b.wantStatus(b.call(operator, "POST", "/v1/endpoints", `{"customer":"acme","url":"https://example.com"}`), 201)
	b.wantStatus(b.call(operator, "POST", "/v1/endpoints", `{"customer":"other","url":"https://example.com"}`), 201)
	if n := len(read[EndpointList](b, b.call(operator, "GET", "/v1/endpoints", "")).Items); n != 2 {
		t.Errorf("an operator sees %d", n)
	}
	if n := len(read[EndpointList](b, b.call(operator, "GET", "/v1/endpoints?customer=acme", "")).Items); n != 1 {
		t.Errorf("an operator sees %d of acme", n)
	}
	if b.events[0].Customer != "acme" {
		t.Errorf("published for %q", b.events[0].Customer)
	}
}

// By every path on which an endpoint can come to speak Genea, or be touched
// once it does, whatever its profile says.
func TestGeneaEndpointsAreForAdmins(t *testing.T) {
	for _, genea := range []string{`"profile":"genea"`, `"profile":"custom","format":"genea"`, `"profile":"standard","format":"genea","version":"v3"`,
		`"profile":"custom","signature":{"scheme":"sequr"}`, `"profile":"custom","signature":{"scheme":"hmac","header":"x-sequr-signature","algorithm":"sha1","prefix":"sha1="}`,
		`"profile":"genlogs","format":"genea"`, `"profile":"genlogs","signature":{"scheme":"sequr"}`} {
		t.Run(genea, func(t *testing.T) {
			b := start(t, nil)
			every := token(t, "acme", rolesBut(RoleAdmin, RoleOperator)...)
			refused := func(method, path, body string) {
				t.Helper()
				b.want(b.call(every, method, path, body), 403, `{"detail":"User lacks required roles: ['admin']"}`)
			}
			refused("POST", "/v1/endpoints", `{"url":"https://example.com",`+genea+`}`)
			refused("POST", "/v1/endpoints/test", `{"endpoint":{"url":"https://example.com",`+genea+`}}`)
			ep := b.made("acme", `{"url":"https://example.com/1",`+genea+`}`)
			path := "/v1/endpoints/" + ep.ID
			for _, c := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"PATCH", "?dry_run=true"}, {"DELETE", ""}, {"POST", "/test"},
				{"POST", "/pause"}, {"POST", "/resume"}, {"GET", "/secret"}, {"POST", "/rotate"}} {
				refused(c[0], path+c[1], `{}`)
			}
			if ep.Profile == transport.ProfileGenLogs {
				for _, method := range []string{"GET", "PATCH", "DELETE"} {
					refused(method, "/alerts/webhook/"+ep.ID, `{}`)
				}
			}
			for _, list := range []string{"/v1/endpoints", "/alerts/webhook"} {
				b.want(b.call(every, "GET", list, ""), 200, `{"items":[]}`)
			}
			for i, profile := range []string{"standard", "genlogs", "custom"} {
				plain := b.made("acme", fmt.Sprintf(`{"url":"https://example.com/plain%d","profile":"%s"}`, i, profile))
				refused(http.MethodPatch, "/v1/endpoints/"+plain.ID, `{`+genea+`}`)
				refused(http.MethodPatch, "/v1/endpoints/"+plain.ID+"?dry_run=true", `{`+genea+`}`)
			}
			b.wantStatus(b.call(token(t, "acme", RoleAdmin), "PATCH", path, `{"name":"n"}`), 200)
		})
	}
}
