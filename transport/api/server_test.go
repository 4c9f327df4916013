package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
	}), goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

func TestPathsAndMethodsThatAreNotThere(t *testing.T) {
	b := start(t, nil)
	for _, path := range []string{"/", "/v1", "/v1/endpoint", "/v1/endpoints/", "/v1/endpoints/a/b/c", "/openapi.yaml", "/metrics", "/schemas/Error.json"} {
		b.want(b.call("", "GET", path, ""), 404,
			`{"message":"No such path; GET /docs lists them","error_type":"NotFoundError","error_code":"NOT_FOUND"}`)
	}
	got := b.call("", "PUT", "/v1/endpoints", "")
	b.want(got, 405, `{"message":"Method PUT is not for this path; the Allow header lists those that are","error_type":"MethodNotAllowedError","error_code":"METHOD_NOT_ALLOWED"}`)
	if got.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", got.header.Get("Allow"))
	}
}

func TestAPanicIsA500(t *testing.T) {
	b := start(t, func(o *Options) { o.Tester, o.Egress = panics{}, func() []string { panic("the secret of a panic") } })
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	const internal = `{"message":"Internal error: the node's log says more; try again, and report it if it stays","error_type":"InternalError","error_code":"INTERNAL_ERROR"}`
	b.want(b.call(token(t, "acme", RoleAdmin), "POST", "/v1/endpoints/"+ep.ID+"/test", ""), 500, internal)
	b.want(b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/egress", ""), 500, internal)
	if log := b.log.String(); !strings.Contains(log, "request panicked") || strings.Contains(log, "the secret of a panic") {
		t.Error(log)
	}
}

type panics struct{}

func (panics) Preview(*transport.Endpoint, *transport.Event, time.Time) (*Preview, transport.Answer) {
	panic("the secret of a panic")
}

func (panics) Test(context.Context, *transport.Endpoint, *transport.Event) transport.Answer {
	panic("the secret of a panic")
}

func TestHealth(t *testing.T) {
	b := start(t, func(o *Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a_metric 1") })
	})
	b.want(b.call("", "GET", "/healthz", ""), 200, `{"status":"ok"}`)
	b.want(b.call("", "GET", "/readyz", ""), 200, `{"status":"ready"}`)
	b.want(b.call("", "GET", "/metrics", ""), 200, `a_metric 1`)
	b.lacks = []Lack{{Part: "nats", Detail: "not connected to nats://x"}, {Part: "registry", Detail: "not read yet"}}
	b.want(b.call("", "GET", "/readyz", ""), 503,
		`{"message":"Not ready, missing: nats, registry","error_type":"NotReadyError","error_code":"NOT_READY","details":{"missing":[{"part":"nats","detail":"not connected to nats://x"},{"part":"registry","detail":"not read yet"}]}}`)
	b.want(b.call("", "GET", "/healthz", ""), 200, `{"status":"ok"}`)
	b.lacks = []Lack{{Part: "redis", Detail: "not reached", Bearable: true}}
	got := b.call("", "GET", "/readyz", "")
	if got.status != 200 || !strings.Contains(got.body, "redis") {
		t.Errorf("without Redis: %d %s", got.status, got.body)
	}
}

func TestInfoAndEgress(t *testing.T) {
	b := start(t, func(o *Options) {
		o.Info = func() Info {
			return Info{StartedAt: testNow, NATS: InfoNATS{Embedded: true, Listen: "127.0.0.1:4222", Sync: "always"}}
		}
		o.Egress = func() []string { return []string{"192.0.2.7"} }
	})
	anyone := token(t, "acme", RoleGetAlerts)
	b.want(b.call(anyone, "GET", "/v1/info", ""), 200,
		`{"version":"test","mode":"production","started_at":"2026-01-02T03:04:05Z","nats":{"embedded":true,"listen":"127.0.0.1:4222","sync":"always"}}`)
	b.want(b.call(anyone, "GET", "/v1/egress", ""), 200, `{"addresses":["192.0.2.7"]}`)
}

func TestAudit(t *testing.T) {
	b := start(t, nil)
	want, err := json.Marshal(ShownAudit{Audit: transport.Audit{Cut: 9, Events: 9, Endpoints: []transport.EndpointAudit{}, OK: true}, At: testNow})
	if err != nil {
		t.Fatal(err)
	}
	anyone := token(t, "acme", RoleGetAlerts)
	b.want(b.call(anyone, "GET", "/v1/audit?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", ""), 200,
		string(want))
	b.want(b.call(anyone, "GET", "/v1/audit?from=monday", ""), 400,
		`{"message":"from: expected a time such as 2026-01-31T12:00:00Z","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"from","from":"monday"}}`)
	b.wantStatus(b.call(anyone, "GET", "/v1/audit?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", ""), 400)
	b.call(token(t, "", RoleOperator), "GET", "/v1/audit", "")
	if fmt.Sprint(b.audited) != "[acme ]" {
		t.Errorf("audited %q", b.audited)
	}
}

// An audit reads the whole journal: whom one of before will do gets that, with
// the worst lines alone, and those who come while it is made wait for it.
func TestAnAuditOfBefore(t *testing.T) {
	now := testNow
	b := start(t, func(o *Options) { o.Now = func() time.Time { return now } })
	b.audit = &transport.Audit{OK: true, Endpoints: []transport.EndpointAudit{{Endpoint: "a", Owed: 5, Delivered: 5}, {Endpoint: "b", Owed: 3, Waiting: 3}, {Endpoint: "c", Owed: 2, Missing: 1, DeadLettered: 1}}}
	anyone, operator := token(t, "acme", RoleGetAlerts), token(t, "", RoleOperator)
	ask := func(who, query string) *ShownAudit {
		t.Helper()
		got := read[ShownAudit](b, b.call(who, "GET", "/v1/audit?"+query, ""))
		return &got
	}
	first := ask(anyone, "max_age=5m&lines=2")
	if len(first.Endpoints) != 2 || first.Endpoints[0].Endpoint != "c" || first.Endpoints[1].Endpoint != "b" || first.Total != (AuditTotal{Endpoints: 3, Owed: 10, Delivered: 5, DeadLettered: 1, Waiting: 3, Missing: 1}) || !first.At.Equal(testNow) {
		t.Errorf("%+v", first)
	}
	now = now.Add(4 * time.Minute)
	if again := ask(anyone, "max_age=5m"); len(again.Endpoints) != 3 || again.Endpoints[0].Endpoint != "a" || !again.At.Equal(testNow) {
		t.Errorf("%+v", again)
	}
	ask(operator, "max_age=5m&lines=0") // of all: another one
	ask(anyone, "")                     // a new one
	now = now.Add(2 * time.Minute)
	if late := ask(anyone, "max_age=5m"); !late.At.Equal(now) {
		t.Errorf("%+v", late)
	}
	if fmt.Sprint(b.audited) != "[acme  acme acme]" {
		t.Errorf("audited %q", b.audited)
	}
	for query, field := range map[string]string{"max_age=x": "max_age", "max_age=-1s": "max_age", "max_age=5m&from=2026-01-01T00:00:00Z": "max_age", "lines=-1": "lines"} {
		if got := b.call(anyone, "GET", "/v1/audit?"+query, ""); got.status != 400 || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	for id := uint64(1); id <= 5; id++ {
		b.letters[id] = &transport.DeadLetter{ID: id, Customer: "acme", Endpoint: ep.ID, Reason: "retries_exhausted", At: testNow,
			Tries:      []transport.Try{{At: testNow, Took: time.Second, Status: 500, Class: transport.Failed, Reason: "status"}},
			LastAnswer: []byte("no\xff"), Event: &transport.Event{ID: "e", Type: "a.b", Time: testNow, Data: []byte(`{"a":1}`)}}
	}
	b.letters[6] = &transport.DeadLetter{ID: 6, Customer: "acme", Reason: "not_json", At: testNow, Subject: "events.acme.a",
		Event: &transport.Event{ID: "EVENTS-9", Type: "a", Data: []byte("nope\xff")}}
	anyone := token(t, "acme", RoleReplay)
	list := b.call(anyone, "GET", "/v1/deadletters?limit=2", "")
	b.want(list, 200, `{"items":[{"id":6,"customer":"acme","endpoint":"","reason":"not_json","detail":"","at":"2026-01-02T03:04:05Z","replay":0,"subject":"events.acme.a","event":{"id":"EVENTS-9","type":"a"}},`+
		`{"id":5,"customer":"acme","endpoint":"`+ep.ID+`","reason":"retries_exhausted","detail":"","at":"2026-01-02T03:04:05Z","replay":0,"event":{"id":"e","type":"a.b","time":"2026-01-02T03:04:05Z"}}],"next_cursor":"`+listOfLetters.cursorAt("5")+`"}`)
	if next := read[LetterList](b, b.call(anyone, "GET", "/v1/deadletters?limit=2&cursor="+listOfLetters.cursorAt("5"), "")); next.Items[0].ID != 4 {
		t.Errorf("%+v", next)
	}
	b.wantStatus(b.call(anyone, "GET", "/v1/deadletters?cursor=YWJj", ""), 400)
	b.want(b.call(anyone, "GET", "/v1/deadletters/5", ""), 200, `{"id":5,"customer":"acme","endpoint":"`+ep.ID+`","reason":"retries_exhausted","detail":"","at":"2026-01-02T03:04:05Z","replay":0,`+
		`"event":{"id":"e","type":"a.b","time":"2026-01-02T03:04:05Z","data":{"a":1}},"attempts":[{"at":"2026-01-02T03:04:05Z","took_ms":1000,"status":500,"class":"failed","reason":"status"}],"last_answer":"no�"}`)
	if l := read[Letter](b, b.call(anyone, "GET", "/v1/deadletters/6", "")); l.Event.Text != "nope�" || l.Event.Data != nil {
		t.Errorf("%+v", l)
	}
	b.want(b.call(anyone, "POST", "/v1/deadletters/5/replay", ""), 202, `{"id":5,"replay":3,"status":"accepted"}`)
	for id, word := range map[string]string{"6": "could not be read", "4": "was removed"} {
		if id == "4" {
			b.wantStatus(b.call(token(t, "acme", RoleAdmin), "DELETE", "/v1/endpoints/"+ep.ID, ""), 204)
		}
		got := b.call(anyone, "POST", "/v1/deadletters/"+id+"/replay", "")
		if got.status != 409 || !strings.Contains(got.body, word) {
			t.Errorf("%s: %d %s", id, got.status, got.body)
		}
	}
	if fmt.Sprint(b.replayed) != "[5]" {
		t.Errorf("replayed %v", b.replayed)
	}
}

func TestTheDocumentsNameEveryRoute(t *testing.T) {
	b := start(t, nil)
	spec := b.call("", "GET", "/openapi.json", "")
	var o struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal([]byte(spec.body), &o); err != nil {
		t.Fatal(err)
	}
	docs := b.call("", "GET", "/docs", "")
	if !strings.HasPrefix(o.OpenAPI, "3.1") || docs.status != 200 {
		t.Errorf("OpenAPI %s, docs %d", o.OpenAPI, docs.status)
	}
	for _, route := range []string{"post /v1/endpoints", "get /v1/endpoints", "get /v1/endpoints/{id}", "patch /v1/endpoints/{id}",
		"delete /v1/endpoints/{id}", "get /v1/endpoints/{id}/secret", "post /v1/endpoints/{id}/rotate", "post /v1/endpoints/{id}/test",
		"post /v1/events", "get /v1/deadletters", "get /v1/deadletters/{id}", "post /v1/deadletters/{id}/replay", "get /v1/deliveries", "get /v1/deliveries/{id}", "get /v1/recipes", "get /v1/audit", "get /v1/info", "get /v1/egress", "get /v1/event-types",
		"post /alerts", "get /alerts", "get /alerts/{id}", "patch /alerts/{id}", "delete /alerts/{id}", "post /alerts/preview", "post /alerts/run",
		"post /alerts/webhook", "get /alerts/webhook", "get /alerts/webhook/{id}", "patch /alerts/webhook/{id}", "delete /alerts/webhook/{id}",
		"post /alerts/webhook/test", "get /v1/runs", "get /v1/runs/{id}", "post /v1/customers", "get /v1/customers", "get /v1/customers/{id}", "patch /v1/customers/{id}"} {
		method, path, _ := strings.Cut(route, " ")
		if o.Paths[path][method].OperationID == "" {
			t.Errorf("%s is not in the OpenAPI document", route)
		}
		if !strings.Contains(docs.body, strings.ToUpper(method)+" "+path+"<") {
			t.Errorf("%s is not on the page", route)
		}
	}
	for _, outside := range []string{"<script", "src=", "http://", "https://", "@import"} {
		if strings.Contains(docs.body, outside) {
			t.Errorf("the page has %s", outside)
		}
	}
}
