package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// fakeAPI answers as the API does, from canned answers, and keeps a line for
// each request.
type fakeAPI struct {
	server *httptest.Server
	mu     sync.Mutex
	log    strings.Builder
}

const fakeEndpoint = `{"id":"e1","customer":"acme","name":"Front desk","url":"https://example.com/hook","enabled":true,"profile":"standard","format":"standard",
"events":["access.>"],"headers":{"X-Team":"[masked]"},"signature":{"scheme":"standard"},
"delivery":{"retries":true,"schedule":["5s","5m0s"],"timeout":"15s","success":"2xx","concurrency":8},"state":"active","state_reason":"","waiting":3,
"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"%s}`

func newFakeAPI() *fakeAPI {
	f := &fakeAPI{}
	mux := http.NewServeMux()
	answer := func(pattern string, status int, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { write(w, status, body) })
	}
	mux.HandleFunc("POST /v1/endpoints", func(w http.ResponseWriter, r *http.Request) {
		more := `,"secret":"whsec_c2VjcmV0"`
		if body, _ := io.ReadAll(r.Body); bytes.Contains(body, []byte(`"from"`)) {
			more += `,"replay":"r-9"`
		}
		write(w, 201, fmt.Sprintf(fakeEndpoint, more))
	})
	answer("GET /v1/endpoints/{id}", 200, fmt.Sprintf(fakeEndpoint, ""))
	answer("GET /v1/endpoints/ed25519", 200, fmt.Sprintf(fakeEndpoint, `,"public_key":"whpk_cHVibGlj"`))
	answer("GET /v1/endpoints/missing", 404, `{"message":"Endpoint missing not found","error_type":"EndpointNotFoundError","error_code":"ENDPOINT_NOT_FOUND"}`)
	answer("PATCH /v1/endpoints/{id}", 202, fmt.Sprintf(fakeEndpoint, ""))
	answer("PATCH /v1/endpoints/wrong", 400, `{"message":"delivery.timeout: 90s is too long; give 1s to 60s","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"delivery.timeout"}}`)
	answer("DELETE /v1/endpoints/{id}", 204, "")
	answer("DELETE /v1/endpoints/forbidden", 403, `{"detail":"User lacks required roles: ['admin']"}`)
	answer("GET /v1/endpoints/{id}/secret", 200, `{"secret":"whsec_c2VjcmV0"}`)
	answer("POST /v1/endpoints/{id}/rotate", 200, `{"secret":"whsec_bmV3"}`)
	answer("POST /v1/endpoints/{id}/pause", 200, fmt.Sprintf(fakeEndpoint, ""))
	answer("POST /v1/endpoints/{id}/resume", 200, fmt.Sprintf(fakeEndpoint, ""))
	answer("POST /v1/endpoints/{id}/test", 200, `{"success":true,"answer":{"status":204,"class":"delivered","reason":"","detail":""},"timings":{"total_ms":3.2}}`)
	answer("POST /v1/endpoints/dry/test", 200, `{"success":true,"dry_run":true,"request":{"method":"POST","url":"https://example.com/hook","event_type":"a","headers":{"Webhook-Id":"t-1","X-Key":"***"},"body":"{\"n\":1}"},"answer":{"status":0},"timings":{}}`)
	answer("POST /v1/endpoints/skipped/test", 200, `{"success":false,"dry_run":true,"request":{"method":"POST"},"answer":{"class":"skip","reason":"version_does_not_cover_hardware"},"timings":{}}`)
	answer("PATCH /v1/endpoints/warned", 200, fmt.Sprintf(fakeEndpoint, `,"filter":"event.id == 1","body":{"a":1},"warnings":["set it to 2xx"]`))
	answer("POST /v1/endpoints/broken/test", 200, `{"success":false,"answer":{"status":500,"class":"failed","reason":"status","detail":"the endpoint answered 500"},"timings":{"total_ms":3}}`)
	answer("POST /v1/endpoints/test", 200, `{"success":false,"request":{"method":"POST","url":"https://example.com/new","event_type":"alert.test","headers":{"Webhook-Id":"t-1"},"body":"{\"n\":1}"},`+
		`"answer":{"status":301,"class":"failed","reason":"redirect","detail":"points to https://www.example.com","body":"<b>moved\u001b[31m</b>"},"timings":{"dns_ms":1.25,"connect_ms":2,"tls_ms":3,"first_byte_ms":4,"total_ms":10.25}}`)
	answer("POST /v1/events", 202, `{"events":[{"id":"17","seq":1}]}`)
	answer("GET /v1/deadletters/{id}", 200, `{"id":17,"reason":"retries_exhausted","tries":[{"status":500}]}`)
	answer("POST /v1/deadletters/{id}/replay", 202, `{"id":17,"replay":5,"status":"accepted"}`)
	answer("POST /v1/deadletters/99/replay", 404, `{"message":"Dead letter 99 not found","error_type":"DeadLetterNotFoundError","error_code":"DEAD_LETTER_NOT_FOUND"}`)
	mux.HandleFunc("GET /v1/endpoints", f.pages(`{"id":"e1","customer":"acme","enabled":true,"name":"a\u001b[31m\nb","url":"https://a.example","profile":"standard","events":["access.>","door.>"],"state":"active"}`,
		`{"id":"e2","customer":"acme","enabled":true,"url":"https://b.example","profile":"genea","events":[">"],"state":"active"}`))
	mux.HandleFunc("GET /v1/deadletters", f.pages(`{"id":17,"at":"2026-01-02T03:04:05Z","customer":"acme","endpoint":"e1","reason":"retries_exhausted","detail":"500"}`,
		`{"id":16,"at":"2026-01-02T03:04:04Z","customer":"","endpoint":"","reason":"bad_subject","detail":"x"}`))
	mux.HandleFunc("GET /v1/deliveries", f.pages(`{"id":"17-e1","created_at":"2026-01-02T03:04:05.678Z","customer":"acme","endpoint":"e1","event":{"id":"ev 1","type":"access.granted"},"state":"delivered","status":200,"attempt_count":1}`,
		`{"id":"16-e1.5","created_at":"2026-01-02T03:04:04Z","customer":"acme","endpoint":"e1","event":{"id":"ev-2","type":"door"},"state":"retrying","reason":"timeout","attempt_count":2}`))
	answer("GET /v1/deliveries/{id}", 200, `{"id":"17-e1","created_at":"2026-01-02T03:04:05Z","next_attempt_at":"2026-01-02T03:05:05Z","customer":"acme","endpoint":"e1","event":{"id":"ev-1","type":"access.granted"},"state":"retrying","reason":"status","status":503,"attempt_count":2,`+
		`"attempts":[{"number":2,"at":"2026-01-02T03:04:06Z","took_ms":12.34,"status":503,"class":"throttled","reason":"status","detail":"the endpoint answered 503","answer":"busy\u001b[31m"}],"body":"{\"a\":1}"}`)
	answer("GET /v1/deliveries/gone", 200, `{"id":"gone","event":{},"state":"skipped","attempts":[],"body_note":"the event is no longer kept"}`)
	answer("GET /v1/deliveries/99-x", 404, `{"message":"Delivery 99-x not found","error_type":"DeliveryNotFoundError","error_code":"DELIVERY_NOT_FOUND"}`)
	mux.HandleFunc("GET /v1/audit", f.audit)
	f.alerts(mux)
	f.replays(mux)
	f.server = httptest.NewServer(f.record(mux))
	return f
}

// write gives an answer; a client that went away has nobody to tell.
func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// record logs a request and refuses a wrong token.
func (f *fakeAPI) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			write(w, 400, "{}")
			return
		}
		f.mu.Lock()
		fmt.Fprintf(&f.log, "%s %s %s\n", r.Method, r.URL.RequestURI(), body)
		f.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.Header.Get("Authorization") != "Bearer script-token" {
			write(w, 401, `{"detail":"Token not valid: it must be signed by this node's key with HS256"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (f *fakeAPI) takeLog() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.log.Reset()
	return f.log.String()
}

// pages answers a row a page.
func (f *fakeAPI) pages(rows ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at, next := 0, `,"next_cursor":"2"`
		if r.URL.Query().Get("cursor") == "2" {
			at, next = 1, `,"next_cursor":""`
		}
		write(w, 200, `{"items":[`+rows[at]+`]`+next+`}`)
	}
}

func (f *fakeAPI) audit(w http.ResponseWriter, r *http.Request) {
	missing := 0
	if r.URL.Query().Get("from") != "" {
		missing = 1
	}
	body, _ := json.Marshal(map[string]any{"cut": 12000, "events": 10000, "duplicates": 1, "unrouted": 0, "ok": missing == 0,
		"endpoints": []map[string]any{{"endpoint": "e1", "customer": "acme", "owed": 9999, "delivered": 9990, "dead_lettered": 5, "skipped": 1, "waiting": 3 - missing, "missing": missing, "repeated": 2}}})
	write(w, 200, string(body))
}
