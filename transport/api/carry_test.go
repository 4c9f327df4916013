package api

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// Masked values are asked for again when the URL leads to another host.
func TestMaskedValuesAreNotCarriedToAnotherHost(t *testing.T) {
	const made = `{"url":"https://one.example.com/hook","profile":"genlogs","headers":{"X-Key":"k-0123456789","X-Team":"doors"}}`
	refused := func(field string) string {
		return `{"message":"` + field + `: is not shown and would go to another host with this change of url; give its value again, or null to leave it out",` +
			`"error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"` + field + `"}}`
	}
	for _, c := range []struct{ patch, field string }{
		{`{"url":"https://two.example.com/hook"}`, "headers.X-Key"},
		{`{"url":"https://one.example.com:8443/hook"}`, "headers.X-Key"},
		{`{"url":"https://one.example.com.evil.example/hook"}`, "headers.X-Key"},
		{`{"url":"https://two.example.com/hook","headers":{"X-Key":"***","X-Team":"***"}}`, "headers.X-Key"}, // as it is shown
		{`{"url":"https://two.example.com/hook","headers":{"X-Key":"another"}}`, "headers.X-Team"},
		{`{"url":"https://two.example.com/hook","headers":{"x-key":"another","X-Team":null}}`, "headers.X-Key"},
		{`{"url":"https://two.example.com/hook","headers":{"X-Key":"another","X-Team":null}}`, ""},
		{`{"url":"https://two.example.com/hook","headers":null}`, ""},
		{`{"url":"https://one.example.com/elsewhere?a=b"}`, ""},
		{`{"url":"https://ONE.example.com.:443/hook"}`, ""},
		{`{"name":"n"}`, ""},
	} {
		for _, path := range []string{"", "?dry_run=true"} {
			b := start(t, nil)
			ep := b.made("acme", made)
			got := b.call(token(t, "acme", RoleEditEndpoint), "PATCH", "/v1/endpoints/"+ep.ID+path, c.patch)
			if c.field == "" {
				b.wantStatus(got, 200)
				continue
			}
			b.want(got, 400, refused(c.field))
			if b.endpoints[ep.ID].URL != ep.URL {
				t.Errorf("%s: the URL is %s", c.patch, b.endpoints[ep.ID].URL)
			}
		}
	}
	b := start(t, nil)
	ep := b.made("acme", made)
	got := b.call(token(t, "acme", RoleEditEndpoint), "PATCH", "/alerts/webhook/"+ep.ID, `{"webhook_url":"https://two.example.com/hook"}`)
	if got.status != 400 || !strings.Contains(got.body, `"field":"headers.X-Key"`) {
		t.Errorf("by the other face: %d %s", got.status, got.body)
	}
	secured := *b.endpoints[ep.ID]
	secured.Headers, secured.TLS = nil, transport.TLS{ClientCertificate: "c", ClientKey: "k"}
	b.endpoints[ep.ID] = &secured
	b.want(b.call(token(t, "acme", RoleEditEndpoint), "PATCH", "/v1/endpoints/"+ep.ID, `{"url":"https://two.example.com/hook"}`), 400, refused("tls.client_key"))
	b.wantStatus(b.call(token(t, "acme", RoleEditEndpoint), "PATCH", "/v1/endpoints/"+ep.ID, `{"url":"https://two.example.com/hook","tls":null}`), 200)
}

// An answer that gives back what it was sent shows nobody the endpoint's own
// values, in whatever place it is shown.
func TestAnswersDoNotShowOwnValues(t *testing.T) {
	echo := []byte(`{"X-Key":"k-0123456789","secret":"a secret of enough bytes","card":"4111"}`)
	b := start(t, func(o *Options) {
		o.Redact = func(doc []byte) []byte { return []byte(strings.ReplaceAll(string(doc), "4111", "[masked]")) }
	})
	ep := b.made("acme", `{"url":"https://one.example.com/hook","headers":{"X-Key":"k-0123456789"},"profile":"genlogs","secret":"a secret of enough bytes"}`)
	b.answer = transport.Answer{Class: transport.Delivered, Status: 200, Body: echo}
	b.letters[5] = &transport.DeadLetter{ID: 5, Customer: "acme", Endpoint: ep.ID, LastAnswer: echo, Event: &transport.Event{Data: []byte(`{"card":"4111"}`)}}
	b.letters[6] = &transport.DeadLetter{ID: 6, Customer: "acme", Endpoint: ep.ID, Event: &transport.Event{Data: []byte(`no JSON, 4111`)}}
	pair := transport.Pair{Seq: 7, Endpoint: ep.ID}
	b.logged = []transport.LoggedDelivery{{Pair: pair, Customer: "acme", State: transport.StateDelivered,
		Records: []*transport.Record{{Kind: transport.Tried, Answer: transport.Answer{Body: echo}}}}}
	b.eventLog = map[uint64]*transport.Event{7: {Seq: 7, Customer: "acme", Data: []byte(`{"card":"4111"}`)}}
	reader := token(t, "acme", RoleTestEndpoint)
	for _, c := range [][2]string{{"POST", "/v1/endpoints/" + ep.ID + "/test"}, {"GET", "/v1/deliveries/" + transport.DeliveryID(pair)},
		{"GET", "/v1/deadletters/5"}, {"GET", "/v1/deadletters/6"}} {
		got := b.call(reader, c[0], c[1], "")
		for _, secret := range []string{"k-0123456789", "a secret of enough", "4111"} {
			if got.status != 200 || strings.Contains(got.body, secret) {
				t.Errorf("%s %s: %d %s", c[0], c[1], got.status, got.body)
			}
		}
	}
}
