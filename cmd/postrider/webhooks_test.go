package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// documentedURL is the URL of the examples in GenLogs' document.
const documentedURL = "https://your-api.example.com/webhooks/genlogs-alerts"

// callAs is call with a token of its own for acme.
func (n *testNode) callAs(role, method, path, body string) (int, string) {
	n.t.Helper()
	token := strings.TrimSpace(n.must("", "token", "--customer", "acme", "--role", role))
	req, err := http.NewRequest(method, "http://"+n.http+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// What GenLogs' document says of webhooks, asked of a running node: the
// answers byte for byte, but for blanks between their parts.
func TestGenLogsDocumentOnANode(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "genlogs", 200)
	n.start()
	const create = "create-alert-webhook-endpoint"
	hook := `{"webhook_url":"` + documentedURL + `","secret":"your-webhook-secret-key","description":"d","enabled":true}`
	if status, body := n.callAs(create, "POST", "/alerts/webhook", hook); status != 201 || !strings.Contains(body, `"customer_id":1,`) {
		t.Fatalf("create: %d %s", status, body)
	}
	const absent = "/alerts/webhook/123e4567-e89b-12d3-a456-426614174000"
	for _, c := range []struct {
		role, method, path, body string
		status                   int
		answer                   string
	}{
		{create, "POST", "/alerts/webhook", hook, 400, `{
  "message": "Webhook URL already registered for this customer",
  "error_type": "WebhookValidationError",
  "error_code": "WEBHOOK_VALIDATION_ERROR",
  "details": {
    "field": "webhook_url",
    "webhook_url": "https://your-api.example.com/webhooks/genlogs-alerts"
  }
}`},
		{"edit-alert-webhook-endpoint", "PATCH", absent, `{"enabled":false}`, 404, `{
  "message": "Webhook settings 123e4567-e89b-12d3-a456-426614174000 not found",
  "error_type": "WebhookNotFoundError",
  "error_code": "WEBHOOK_NOT_FOUND"
}`},
		{"external-api-get-webhook-list", "POST", "/alerts/webhook", hook, 403, `{
  "detail": "User lacks required roles: ['admin', 'create-alert-webhook-endpoint']"
}`},
		{"test-alert-webhook-endpoint", "POST", "/alerts/webhook/test", `{"webhook_url":"` + box.URL + `","secret":"` + waySecret + `"}`, 200,
			`{"success": true, "status": 200, "message": "The webhook answered 200"}`},
	} {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(c.answer)); err != nil {
			t.Fatal(err)
		}
		if status, answer := n.callAs(c.role, c.method, c.path, c.body); status != c.status || answer != want.String() {
			t.Errorf("%s %s\ngot  %d %s\nwant %d %s", c.method, c.path, status, answer, c.status, want.String())
		}
	}
	box.wantsTest(t)
}

// wantsTest checks the alert.test that was sent, signature, headers and keys.
func (i *inbox) wantsTest(t *testing.T) {
	t.Helper()
	i.verified(t)
	if ids, all := i.count(); ids != 1 || all != 1 {
		t.Fatalf("%d tests came", all)
	}
	for id, body := range i.bodies {
		var doc map[string]any
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Fatal(err)
		}
		if keys := slices.Sorted(maps.Keys(doc)); fmt.Sprint(keys) != "[customer_id data event timestamp webhook_id]" || doc["event"] != "alert.test" || doc["customer_id"] != 1.0 {
			t.Errorf("body %s", body)
		}
		h := i.headers[id]
		if h.Get("Content-Type") != "application/json" || h.Get("User-Agent") != "GenLogs-Webhook/1.0" || h.Get("X-GenLogs-Event") != "alert.test" ||
			!strings.HasPrefix(h.Get("X-GenLogs-Signature"), "sha512=") || h.Get("X-GenLogs-Timestamp") == "" {
			t.Errorf("headers %v", h)
		}
	}
}

// Fifty at once for one URL: one gets it, all others the documented 400.
func TestFiftyRequestsForOneWebhookURL(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	type answer struct {
		status int
		body   string
	}
	answers := make(chan answer, 50)
	var all sync.WaitGroup
	for range cap(answers) {
		all.Go(func() {
			status, body := n.call("POST", "/alerts/webhook", `{"customer":"acme","webhook_url":"`+documentedURL+`"}`, nil)
			answers <- answer{status, body}
		})
	}
	all.Wait()
	close(answers)
	made := 0
	for a := range answers {
		if a.status == http.StatusCreated {
			made++
		} else if want := `{"message":"Webhook URL already registered for this customer","error_type":"WebhookValidationError","error_code":"WEBHOOK_VALIDATION_ERROR","details":{"field":"webhook_url","webhook_url":"` + documentedURL + `"}}`; a.status != 400 || a.body != want {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if made != 1 {
		t.Errorf("%d were made", made)
	}
}
