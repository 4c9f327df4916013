package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// The errors as GenLogs' document has them.
const (
	documented400 = `{
  "message": "Webhook URL already registered for this customer",
  "error_type": "WebhookValidationError",
  "error_code": "WEBHOOK_VALIDATION_ERROR",
  "details": {
    "field": "webhook_url",
    "webhook_url": "https://your-api.example.com/webhooks/genlogs-alerts"
  }
}`
	documented404 = `{
  "message": "Webhook settings 123e4567-e89b-12d3-a456-426614174000 not found",
  "error_type": "WebhookNotFoundError",
  "error_code": "WEBHOOK_NOT_FOUND"
}`
	documented403 = `{
  "detail": "User lacks required roles: ['admin', 'create-alert-webhook-endpoint']"
}`
)

func compact(t *testing.T, doc string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(doc)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestGenLogsDocument replays the requests that GenLogs' document tells of,
// and compares the answers with the documented ones, key for key.
func TestGenLogsDocument(t *testing.T) {
	b := start(t, nil)
	creator := token(t, "acme", RoleCreateEndpoint)
	const hook = `{"webhook_url":"https://your-api.example.com/webhooks/genlogs-alerts","secret":"your-webhook-secret-key"}`
	b.wantStatus(b.call(creator, "POST", "/alerts/webhook", hook), 201)
	b.want(b.call(creator, "POST", "/alerts/webhook", hook), 400, compact(t, documented400))
	const path = "/alerts/webhook/123e4567-e89b-12d3-a456-426614174000"
	for _, c := range []struct{ method, body, role string }{{"PATCH", `{"enabled":false}`, RoleEditEndpoint}, {"GET", "", RoleListEndpoints}, {"DELETE", "", RoleDeleteEndpoint}} {
		b.want(b.call(token(t, "acme", c.role), c.method, path, c.body), 404, compact(t, documented404))
	}
	b.want(b.call(token(t, "acme", "viewer"), "POST", "/alerts/webhook", hook), 403, compact(t, documented403))
}

func TestAWebhookIsAnEndpointOfTheProfileGenlogs(t *testing.T) {
	b := start(t, nil)
	b.customers["acme"] = &transport.Customer{ID: "acme", CustomerID: 123}
	admin := token(t, "acme", RoleAdmin)
	got := b.call(admin, "POST", "/alerts/webhook", `{"webhook_url":"https://example.com/a","description":"Front desk"}`)
	hook := read[Webhook](b, got)
	fields := `{"id":"` + hook.ID + `","customer_id":123,"webhook_url":"https://example.com/a","description":"Front desk","enabled":true,` +
		`"created_at":"2026-01-02T03:04:05.000000+00:00","updated_at":"2026-01-02T03:04:05.000000+00:00"`
	b.want(got, 201, fields+`,"secret":"`+hook.Secret+`"}`)
	if len(hook.Secret) < 32 {
		t.Errorf("a secret of %d", len(hook.Secret))
	}
	path := "/alerts/webhook/" + hook.ID
	b.want(b.call(admin, "GET", path, ""), 200, fields+`}`)
	b.want(b.call(admin, "GET", "/alerts/webhook", ""), 200, `{"items":[`+fields+`}]}`)
	kept := b.endpoints[hook.ID]
	if kept.Profile != "genlogs" || kept.Format != "genlogs" || kept.Signature.Scheme != "genlogs" || fmt.Sprint(kept.Events) != "[alert.>]" || !kept.Delivery.Retries {
		t.Errorf("%+v", kept)
	}
	b.made("acme", `{"url":"https://example.com/b"}`)
	same := b.made("acme", `{"url":"https://example.com/c","profile":"genlogs"}`)
	if got := read[WebhookList](b, b.call(admin, "GET", "/alerts/webhook", "")).Items; len(got) != 2 || got[1].ID != same.ID {
		t.Errorf("%+v", got)
	}
	page := read[WebhookList](b, b.call(admin, "GET", "/alerts/webhook?limit=1", ""))
	if next := read[WebhookList](b, b.call(admin, "GET", "/alerts/webhook?limit=1&cursor="+page.NextCursor, "")); next.Items[0].ID != same.ID || next.NextCursor != "" {
		t.Errorf("%+v", next)
	}
	b.wantStatus(b.call(token(t, "other", RoleAdmin), "GET", path, ""), 404)
	b.wantStatus(b.call(admin, "DELETE", path, ""), 204)
	b.wantStatus(b.call(admin, "GET", "/v1/endpoints/"+hook.ID, ""), 404)
}

func TestAWebhookIsChanged(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	const old, secret = "the first known secret", "the second known secret"
	created := b.call(admin, "POST", "/alerts/webhook", `{"webhook_url":"https://example.com/a","secret":"`+old+`"}`)
	path := "/alerts/webhook/" + read[Webhook](b, created).ID
	b.wantStatus(b.call(admin, "POST", "/alerts/webhook", `{"webhook_url":"https://example.com/b"}`), 201)
	edited := b.call(token(t, "acme", RoleEditEndpoint), "PATCH", path, `{"webhook_url":"https://example.com/c","description":"d","enabled":false,"secret":"`+secret+`"}`)
	b.wantStatus(edited, 200)
	kept := b.endpoints[read[Webhook](b, edited).ID]
	if kept.URL != "https://example.com/c" || kept.Enabled || kept.Description != "d" || kept.Secrets.Current != secret || kept.Secrets.Previous != old ||
		!kept.Secrets.PreviousUntil.Equal(testNow.Add(24*time.Hour)) || strings.Contains(edited.body, secret) {
		t.Errorf("%+v answered %s", kept, edited.body)
	}
	b.wantStatus(b.call(admin, "PATCH", path, edited.body), 200) // what is shown may be sent back
	b.wantStatus(b.call(admin, "PATCH", path, `{"enabled":true}`, "If-Match", created.header.Get("ETag")), 412)
	disabled := *b.endpoints[kept.ID]
	disabled.Enabled, disabled.State = true, transport.StateDisabled
	b.endpoints[kept.ID] = &disabled
	if got := read[Webhook](b, b.call(admin, "GET", path, "")); got.Enabled {
		t.Error("one that was disabled is shown as enabled")
	}
	b.wantStatus(b.call(admin, "PATCH", path, `{"enabled":true}`), 200)
	if got := b.endpoints[kept.ID].State; got != transport.StateActive {
		t.Errorf("after enabling: %s", got)
	}
	for body, message := range map[string]string{
		`{"webhook_url":"https://example.com/b"}`: "Webhook URL already registered for this customer",
		`{"webhook_url":"http://example.com"}`:    "webhook_url: http is not encrypted; give an https URL (http is for development nodes, serve --dev)",
		`{"webhook_url":null}`:                    "webhook_url: missing; give the https URL that events are to be posted to",
		`{"webhook_url":"https://10.0.0.1/"}`:     "webhook_url: is no public address (private); give a public one, or have the operator list it in egress.allow_cidrs",
		`{"webhook_url":1}`:                       "webhook_url: expected a string",
		`{"secret":"short"}`:                      "secret: must have at least 16 bytes: let one be made, or choose a longer one",
		`{"url":"https://example.com"}`:           "url: unknown field; check its spelling, or leave it out",
		`{"customer_id":7}`:                       "customer_id: cannot be changed; leave it out",
		`{"id":"x"}`:                              "id: cannot be changed; leave it out",
		`[]`:                                      "body: not a JSON object; send {…}",
	} {
		got := b.call(admin, "PATCH", path, body)
		if got.status != 400 || !strings.HasPrefix(got.body, `{"message":"`+message+`","error_type":"WebhookValidationError","error_code":"WEBHOOK_VALIDATION_ERROR","details":{"field":"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

// The registry's own refusal, of a race that the check before it did not see.
func TestALostRaceForAURL(t *testing.T) {
	b := start(t, nil)
	b.failure = fmt.Errorf("endpoint: %w", &transport.FieldError{Field: "webhook_url", Value: "https://example.com", Message: "Webhook URL already registered for this customer"})
	admin := token(t, "acme", RoleAdmin)
	b.want(b.call(admin, "POST", "/alerts/webhook", `{"webhook_url":"https://example.com"}`), 400,
		`{"message":"Webhook URL already registered for this customer","error_type":"WebhookValidationError","error_code":"WEBHOOK_VALIDATION_ERROR","details":{"field":"webhook_url","webhook_url":"https://example.com"}}`)
	b.want(b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com","profile":"genlogs"}`), 400,
		`{"message":"Webhook URL already registered for this customer","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"url","url":"https://example.com"}}`)
}

func TestAWebhookIsTested(t *testing.T) {
	b := start(t, nil)
	b.customers["acme"] = &transport.Customer{ID: "acme", CustomerID: 123}
	tester := token(t, "acme", RoleTestEndpoint)
	const body = `{"webhook_url":"https://example.com/a","secret":"a secret of enough bytes"}`
	for _, c := range []struct {
		answer transport.Answer
		want   string
	}{
		{transport.Answer{Class: transport.Delivered, Status: 204}, `{"success":true,"status":204,"message":"The webhook answered 204"}`},
		{transport.Answer{Class: transport.Failed, Status: 500, Reason: "status", Detail: "the endpoint answered 500"}, `{"success":false,"status":500,"message":"The test event was not delivered: the endpoint answered 500"}`},
		{transport.Answer{Class: transport.Refused, Reason: "address_refused"}, `{"success":false,"status":0,"message":"The test event was not delivered: address_refused"}`},
	} {
		b.answer = c.answer
		b.want(b.call(tester, "POST", "/alerts/webhook/test", body), 200, c.want)
	}
	if ev := b.tested[0]; ev.Type != "alert.test" || ev.Customer != "acme" || len(b.endpoints) != 0 {
		t.Errorf("sent %+v, kept %d", ev, len(b.endpoints))
	}
	for body, field := range map[string]string{`{}`: "secret", `{"secret":"a secret of enough bytes"}`: "webhook_url", `{"webhook_url":"https://example.com"}`: "secret",
		`{"webhook_url":"https://127.0.0.1","secret":"a secret of enough bytes"}`: "webhook_url", `{"webhook_url":"https://example.com","secret":"short"}`: "secret"} {
		got := b.call(tester, "POST", "/alerts/webhook/test", body)
		if got.status != 400 || !strings.Contains(got.body, `"error_type":"WebhookValidationError"`) || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	b.want(b.call(token(t, "acme", RoleGetAlerts), "POST", "/alerts/webhook/test", body), 403, `{"detail":"User lacks required roles: ['admin', 'test-alert-webhook-endpoint']"}`)
}
