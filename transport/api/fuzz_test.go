package api

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"encoding/json"

	"github.com/postrider/postrider/transport"
)

// fuzzed is a server whose dependencies never fail: a 5xx is ours.
func fuzzed(f *testing.F) (*Server, *node) {
	n := &node{endpoints: map[string]*transport.Endpoint{}, customers: map[string]*transport.Customer{}, alertNode: alertNode{alerts: map[string]keptAlert{}}}
	s, err := New(Options{Registry: n, Events: n, Letters: n, Auditor: n, Tester: n, Customers: n, Alerts: n, Runs: n, Detections: n, TokenSecret: testSecret,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: func() time.Time { return testNow }})
	if err != nil {
		f.Fatal(err)
	}
	return s, n
}

func send(t *testing.T, s *Server, token, method, path, body, kind string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, request)
	if w.Code >= 500 {
		t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s %s: not JSON: %s", method, path, w.Body)
	}
	return w
}

func FuzzEvents(f *testing.F) {
	f.Add(`{"type":"a.b","id":"1","time":"2026-01-01T00:00:00Z","data":{"a":[1,2]}}`, "application/json")
	f.Add(`[{"type":"a","data":1},{"customer":"acme","type":"b","data":null}]`, "")
	f.Add("{\"type\":\"a\",\"data\":1}\n{\"type\":\"b\",\"data\":2}\n", "application/x-ndjson")
	f.Add(`{"Type":"a","DATA":{}}`, "application/jsonl;;")
	s, n := fuzzed(f)
	publisher := token(f, "acme", RolePublishEvents)
	f.Fuzz(func(t *testing.T, body, kind string) {
		n.events = nil
		w := send(t, s, publisher, "POST", "/v1/events", body, kind)
		if accepted := w.Code == http.StatusAccepted; accepted != (len(n.events) > 0) {
			t.Errorf("%d with %d events", w.Code, len(n.events))
		}
		for _, ev := range n.events {
			_, err := transport.EventSubject(ev.Customer, ev.Type)
			if err != nil || !json.Valid(ev.Data) || len(ev.ID) > transport.MaxIDLength || ev.Customer != "acme" {
				t.Errorf("accepted %+v (%v)", ev, err)
			}
		}
	})
}

func FuzzEndpoints(f *testing.F) {
	f.Add(`{"url":"https://example.com","headers":{"X-A":"b"},"delivery":{"schedule":["1s"],"jitter":0.1}}`)
	f.Add(`{"url":"https://example.com","profile":"genea","tls":{"ca":"x"},"signature":{"scheme":"hmac","header":"X"}}`)
	f.Add(`{"id":{},"customer":[],"state":null,"headers":null,"delivery":{"timeout":null},"enabled":true}`)
	f.Add(`{"url":"https://example.com","from":"9999-12-31T23:59:59+14:00","secret":"0123456789abcdef"}`)
	s, n := fuzzed(f)
	admin := token(f, "acme", RoleAdmin)
	f.Fuzz(func(t *testing.T, body string) {
		clear(n.endpoints)
		if w := send(t, s, admin, "POST", "/v1/endpoints", `{"url":"https://example.com","headers":{"X-A":"b"}}`, ""); w.Code != 201 {
			t.Fatal(w.Body)
		}
		for id := range n.endpoints {
			send(t, s, admin, "POST", "/v1/endpoints/"+id+"/test", body, "")
			send(t, s, admin, "PATCH", "/v1/endpoints/"+id, body, "")
			send(t, s, admin, "POST", "/v1/endpoints/"+id+"/rotate", body, "")
		}
		send(t, s, admin, "POST", "/v1/endpoints", body, "")
		n.tested = nil
		for _, ep := range n.endpoints {
			if err := ep.Validate(false); err != nil {
				t.Errorf("kept what is not valid: %v", err)
			}
		}
	})
}

// FuzzAlerts: whatever is sent, what is kept is valid, and its addresses are those of mailboxes.
func FuzzAlerts(f *testing.F) {
	f.Add(anAlert)
	f.Add(`{"alert_name":"a","email":"A@B.example","cc_emails":["c@d.example"],"license_plate":"A?*","max_differences":2,"match":"any","start_date":"2026-01-01"}`)
	f.Add(`{"id":{},"customer":[],"created_at":null,"cc_emails":null,"email":"a@b.c","alert_name":"\u0000","from":"2026-01-01T00:00:00Z","to":1}`)
	f.Add(`{"alert_type":"live","wait":true,"webhook_url":"https://example.com","secret":"0123456789abcdef","schedules":{"hot":"* * * * *"}}`)
	s, n := fuzzed(f)
	admin := token(f, "acme", RoleAdmin)
	f.Fuzz(func(t *testing.T, body string) {
		clear(n.alerts)
		clear(n.endpoints)
		clear(n.customers)
		send(t, s, admin, "POST", "/alerts", anAlert, "")
		for id := range n.alerts {
			send(t, s, admin, "PATCH", "/alerts/"+id, body, "")
		}
		for _, path := range []string{"/alerts", "/alerts/preview", "/alerts/run", "/alerts/webhook", "/alerts/webhook/test"} {
			send(t, s, admin, "POST", path, body, "")
		}
		for id := range n.endpoints {
			send(t, s, admin, "PATCH", "/alerts/webhook/"+id, body, "")
		}
		n.customers["acme"] = &transport.Customer{ID: "acme", CustomerID: 1}
		send(t, s, admin, "PATCH", "/v1/customers/acme", body, "")
		n.tested = nil
		for _, a := range n.alerts {
			email, err := transport.CheckAddress("email", a.Email)
			if invalid := a.Validate(); invalid != nil || err != nil || email != a.Email || a.Customer != "acme" {
				t.Errorf("kept %+v: %v, %v", a.Alert, invalid, err)
			}
		}
		if err := n.customers["acme"].Validate(); err != nil {
			t.Errorf("kept what is not valid: %v", err)
		}
	})
}
