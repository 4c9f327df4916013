package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestPublishingOneEvent(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	b.want(b.call(publisher, "POST", "/v1/events", ` {"type":"access.granted","id":"e-1","time":"2026-01-01T10:00:00+01:00","data":{"a": 1.0}} `), 202, `{"id":"e-1","seq":1}`)
	b.want(b.call(publisher, "POST", "/v1/events", `{"type":"access.granted","data":null}`), 202, `{"id":"EVENTS-1","seq":2}`)
	first, second := b.events[0], b.events[1]
	if first.ID != "e-1" || !first.IDGiven || first.Customer != "acme" || first.Type != "access.granted" ||
		string(first.Data) != `{"a": 1.0}` || !first.Time.Equal(time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", first)
	}
	if second.IDGiven || second.ID != "" || !second.Time.IsZero() {
		t.Errorf("%+v", second)
	}
}

func TestPublishingMany(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	b.want(b.call(publisher, "POST", "/v1/events", `[{"type":"a","id":"1","data":1},{"type":"b","id":"2","data":2}]`), 202,
		`{"events":[{"id":"1","seq":1},{"id":"2","seq":2}]}`)
	lines := "{\"type\":\"c\",\"id\":\"3\",\"data\":3}\r\n\n{\"type\":\"d\",\"id\":\"4\",\"data\":4}"
	for _, kind := range []string{"application/x-ndjson", "application/jsonl; charset=utf-8"} {
		b.events = nil
		b.want(b.call(publisher, "POST", "/v1/events", lines, "Content-Type", kind), 202, `{"events":[{"id":"3","seq":1},{"id":"4","seq":2}]}`)
	}
	thousand := strings.Repeat(`{"type":"a","data":1},`, 999) + `{"type":"a","data":1}`
	b.wantStatus(b.call(publisher, "POST", "/v1/events", "["+thousand+"]"), 202)
	over := `{"message":"body: over 1000 events; send them in several requests","error_type":"PayloadTooLargeError","error_code":"PAYLOAD_TOO_LARGE","details":{"field":"body","limit":1000}}`
	b.want(b.call(publisher, "POST", "/v1/events", "["+thousand+`,{"type":"a","data":1}]`), 413, over)
	b.want(b.call(publisher, "POST", "/v1/events", strings.Repeat("{\"type\":\"a\",\"data\":1}\n", 1001), "Content-Type", "application/x-ndjson"), 413, over)
}

func TestEventsThatAreRefused(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	for _, c := range []struct{ body, field, message string }{
		{``, "body", "empty; send an event"},
		{` `, "body", "empty; send an event"},
		{`[]`, "body", "an empty array"},
		{`"a"`, "body", "not a JSON object"},
		{`null`, "body", "not a JSON object"},
		{`{"type":"a","data":1`, "body", "it ends too early"},
		{`{"type":"a","data":nope}`, "body", "syntax error at byte 21"},
		{`{"type":"a","data":1}}`, "body", "goes on after its JSON"},
		{`{"type":"a","data":1}{"type":"b","data":1}`, "body", "goes on after its JSON"},
		{`[{"type":"a","data":1}`, "body", "it ends too early"},
		{`[{"type":"a","data":1}] x`, "body", "goes on after its array"},
		{`{"type":"a","data":1,"priority":2}`, "priority", "unknown field"},
		{`{"type":"a","data":1,"Data":2}`, "Data", "unknown field"},
		{`{"Type":"a","data":1}`, "Type", "unknown field"},
		{`{"type":"a","id":"1","data":1,"Id":"2"}`, "Id", "unknown field"},
		{`{"specversion":"1.0","id":"1","source":"s","data":1}`, "type", "missing"},
		{`{"type":7,"data":1}`, "type", "expected a string"},
		{`{"type":"a","data":1,"time":"noon"}`, "time", "expected a time"},
		{`{"data":1}`, "type", "empty"},
		{`{"type":"a..b","data":1}`, "type", "has an empty word"},
		{`{"type":"a.*","data":1}`, "type", "wildcard"},
		{`{"type":"ops.endpoint.failing","data":1}`, "type", "Postrider alone"},
		{`{"type":"a"}`, "data", "missing"},
		{`{"type":"a","data":1,"id":"` + strings.Repeat("i", 257) + `"}`, "id", "at most 256"},
		{`{"type":"a","data":1,"id":"a\nb"}`, "id", "control character"},
		{"{\"type\":\"a\",\"data\":\"\xff\"}", "body", "not valid UTF-8"},
		{`[{"type":"a","data":1},{"type":"a b","data":1}]`, "[1].type", "space"},
		{`[{"type":"a","data":1},{"type":"a","data":1,"x":1}]`, "[1].x", "unknown field"},
	} {
		got := b.call(publisher, "POST", "/v1/events", c.body)
		if got.status != 400 || !strings.Contains(got.body, `"field":"`+c.field+`"`) || !strings.Contains(got.body, c.message) ||
			!strings.HasPrefix(got.body, `{"message":"`+c.field+": ") {
			t.Errorf("%.60s: %d %s", c.body, got.status, got.body)
		}
	}
	got := b.call(publisher, "POST", "/v1/events", "{\"type\":\"a\",\"data\":1}\n\n{\"type\":\"a\"}\n", "Content-Type", "application/x-ndjson")
	b.want(got, 400, `{"message":"line 3.data: missing; give the event's document","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"line 3.data"}}`)
	if len(b.events) > 0 {
		t.Errorf("%d events were taken", len(b.events))
	}
}

func TestLargeEvents(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	sized := func(n int) string { return `{"type":"a","data":"` + strings.Repeat("x", n-2) + `"}` }
	b.wantStatus(b.call(publisher, "POST", "/v1/events", sized(transport.MaxHTTPEvent)), 202)
	const tooLarge = `{"message":"%[1]s: over 8388608 bytes; publish a reference to the document, or split it","error_type":"PayloadTooLargeError","error_code":"PAYLOAD_TOO_LARGE","details":{"field":"%[1]s","limit":8388608}}`
	b.want(b.call(publisher, "POST", "/v1/events", sized(transport.MaxHTTPEvent+1)), 413, fmt.Sprintf(tooLarge, "data"))
	b.want(b.call(publisher, "POST", "/v1/events", sized(9<<20)), 413, fmt.Sprintf(tooLarge, "data"))
	b.want(b.call(publisher, "POST", "/v1/events", `[{"type":"a","data":1},`+sized(9<<20)+`]`), 413, fmt.Sprintf(tooLarge, "[1].data"))
	over := `{"message":"body: over 67108864 bytes; send less at a time","error_type":"PayloadTooLargeError","error_code":"PAYLOAD_TOO_LARGE","details":{"field":"body","limit":67108864}}`
	request, err := http.NewRequest("POST", b.url+"/v1/events", io.LimitReader(blanks{}, int64(eventsBody.bytes)+1)) // without a Content-Length
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Access-Token", publisher)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	b.want(answer{response.StatusCode, nil, string(text)}, 413, over)
}

// blanks never ends.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestTooManyBytesAtOnce(t *testing.T) {
	b := start(t, func(o *Options) { o.BodyBudget = 2000 }) // half of it for one customer
	publisher := token(t, "acme", RolePublishEvents)
	got := b.call(publisher, "POST", "/v1/events", `{"type":"a","data":"`+strings.Repeat("x", 1000)+`"}`)
	b.want(got, 429, `{"message":"Too many bytes are being published at once: try again in a second","error_type":"TooManyRequestsError","error_code":"TOO_MANY_REQUESTS"}`)
	if got.header.Get("Retry-After") != "1" {
		t.Error("no Retry-After")
	}
	stream := func() int {
		request, err := http.NewRequest("POST", b.url+"/v1/events", io.LimitReader(blanks{}, 2000))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Access-Token", publisher)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if status := stream(); status != 429 {
		t.Errorf("a stream of unknown length got %d", status)
	}
	for range 5 { // what was reserved is given back
		b.wantStatus(b.call(publisher, "POST", "/v1/events", `{"type":"a","data":"`+strings.Repeat("x", 900)+`"}`), 202)
	}
}

func TestBlankLinesAreNoEvents(t *testing.T) {
	b := start(t, nil)
	got := b.call(token(t, "acme", RolePublishEvents), "POST", "/v1/events", "\v\n\v", "Content-Type", "application/x-ndjson")
	b.wantStatus(got, 400)
}

func BenchmarkPublish(b *testing.B) {
	n := &node{}
	s, err := New(Options{Registry: n, Events: discarded{}, Letters: n, Auditor: n, Tester: n, TokenSecret: testSecret,
		Now: func() time.Time { return testNow }})
	if err != nil {
		b.Fatal(err)
	}
	publisher := token(b, "acme", RolePublishEvents)
	body := `{"type":"access.granted","id":"0123456789abcdef","data":{"text":"` + strings.Repeat("x", 1000) + `"}}`
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequest("POST", "/v1/events", strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+publisher)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, request)
		if w.Code != http.StatusAccepted {
			b.Fatal(w.Body)
		}
	}
}

type discarded struct{}

func (discarded) Submit(_ context.Context, events []transport.Event) ([]transport.Receipt, error) {
	return make([]transport.Receipt, len(events)), nil
}

func TestTheLogAway(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	b.failure = fmt.Errorf("publishing to EVENTS: the disk is full: %w", transport.ErrUnavailable)
	got := b.call(publisher, "POST", "/v1/events", `{"type":"a","data":1}`)
	b.want(got, 503, `{"message":"Not available for now, try again: publishing to EVENTS: the disk is full: unavailable for now","error_type":"UnavailableError","error_code":"UNAVAILABLE"}`)
	if got.header.Get("Retry-After") != "1" {
		t.Error("no Retry-After")
	}
	b.failure = errors.New("10.1.2.3:4222 said something")
	b.want(b.call(publisher, "POST", "/v1/events", `{"type":"a","data":1}`), 500,
		`{"message":"Internal error: the node's log says more; try again, and report it if it stays","error_type":"InternalError","error_code":"INTERNAL_ERROR"}`)
	if !strings.Contains(b.log.String(), "10.1.2.3:4222") {
		t.Error("the log does not say why")
	}
}
