package api

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestCreateAnswersWithTheWholeEndpoint(t *testing.T) {
	b := start(t, nil)
	got := b.call(token(t, "acme", RoleAdmin), "POST", "/v1/endpoints",
		`{"name":"Front desk","url":"https://example.com/a","profile":"genea","secret":"a secret of enough bytes","headers":{"X-Key":"k"},"delivery":{"jitter":0.1,"retries":false}}`)
	id := read[ShownEndpoint](b, got).ID
	b.want(got, 201, `{"id":"`+id+`","customer":"acme","name":"Front desk","description":"","url":"https://example.com/a","enabled":true,`+
		`"profile":"genea","version":"v2","format":"genea","events":["access.>","door.>","control_point.>","monitor_point.>","interface_panel.>","schedule.>","remote_operation.>","audit.>"],`+
		`"headers":{"X-Key":"***"},"signature":{"scheme":"sequr","header":"","algorithm":"","encoding":"","prefix":""},`+
		`"delivery":{"retries":false,"schedule":["10s","10s","10s"],"jitter":0.1,"timeout":"15s","success":"200","concurrency":8,"rate":0,"burst":0,"ordered":false,"max_age":"","max_waiting":1000000},`+
		`"tls":{},"state":"active","state_reason":"","waiting":0,"from":"2026-01-02T03:04:05Z","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","secret":"a secret of enough bytes"}`)
	if kept := b.endpoints[id]; kept.Secrets.Current != "a secret of enough bytes" || kept.Headers["X-Key"] != "k" {
		t.Errorf("kept %+v", kept)
	}
}

func TestSecretsAreMadeByScheme(t *testing.T) {
	b := start(t, nil)
	for profile, want := range map[string]string{"standard": "whsec_", "genlogs": "", "custom": ""} {
		ep := b.made("acme", `{"url":"https://example.com/`+profile+`","profile":"`+profile+`"}`)
		if !strings.HasPrefix(ep.Secret, want) || len(ep.Secret) < 44 {
			t.Errorf("%s got a secret of %d", profile, len(ep.Secret))
		}
	}
	if ep := b.made("acme", `{"url":"https://example.com","signature":{"scheme":"none"}}`); ep.Secret != "" {
		t.Error("none got a secret")
	}
}

func TestAZeroThatWasGivenStays(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com","enabled":false,"delivery":{"jitter":0,"retries":false,"schedule":[]}}`)
	if ep.Delivery.Jitter != 0 || ep.Delivery.Retries || ep.Enabled || len(ep.Delivery.Schedule) != 0 {
		t.Errorf("%+v", ep)
	}
	ep = b.made("acme", `{"url":"https://example.com","enabled":null,"delivery":{"jitter":null}}`)
	if math.Abs(ep.Delivery.Jitter-0.2) > 0 || !ep.Delivery.Retries || !ep.Enabled {
		t.Errorf("%+v", ep)
	}
}

// TestWhatIsRefused is the error of each kind of input, byte for byte.
func TestWhatIsRefused(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	for _, c := range []struct{ body, message, details string }{
		{`{"url":"https://example.com","colour":1}`, "colour: unknown field; check its spelling, or leave it out", `{"field":"colour"}`},
		{`{"URL":"https://example.com"}`, "URL: unknown field; check its spelling, or leave it out", `{"field":"URL"}`},
		{`{"delivery":{"retry":true}}`, "delivery.retry: unknown field; check its spelling, or leave it out", `{"field":"delivery.retry"}`},
		{`{"delivery":{"timeout":"soon"}}`, "delivery.timeout: expected a duration such as 10s, 5m or 2h", `{"field":"delivery.timeout"}`},
		{`{"delivery":{"timeout":15}}`, "delivery.timeout: expected a duration such as 10s, 5m or 2h", `{"field":"delivery.timeout"}`},
		{`{"delivery":{"concurrency":1.5}}`, "delivery.concurrency: expected a whole number", `{"field":"delivery.concurrency"}`},
		{`{"delivery":{"concurrency":0}}`, "delivery.concurrency: out of range; give 1 to 256", `{"field":"delivery.concurrency"}`},
		{`{"delivery":{"timeout":"0s"}}`, "delivery.timeout: out of range; give 1s to 60s", `{"field":"delivery.timeout"}`},
		{`{"delivery":{"concurrency":1e99}}`, "delivery.concurrency: expected a whole number", `{"field":"delivery.concurrency"}`},
		{`{"delivery":{"jitter":1e999}}`, "delivery.jitter: expected a number that is not that large", `{"field":"delivery.jitter"}`},
		{`{"delivery":[]}`, "delivery: expected an object", `{"field":"delivery"}`},
		{`{"events":"a.>"}`, "events: expected a list", `{"field":"events"}`},
		{`{"events":["a",2]}`, "events[1]: expected a string", `{"field":"events[1]"}`},
		{`{"headers":{"X-A":1}}`, "headers.X-A: expected a string", `{"field":"headers.X-A"}`},
		{`{"enabled":"yes"}`, "enabled: expected true or false", `{"field":"enabled"}`},
		{`{"from":"yesterday"}`, "from: expected a time such as 2026-01-31T12:00:00Z", `{"field":"from"}`},
		{`{"id":"mine"}`, "id: is set by Postrider; leave it out", `{"field":"id"}`},
		{`{"state":"paused"}`, "state: is set by Postrider; leave it out", `{"field":"state"}`},
		{`{"url":"http://example.com"}`, "url: http is not encrypted; give an https URL (http is for development nodes, serve --dev)", `{"field":"url","url":"http://example.com"}`},
		{`{"url":"https://10.0.0.1"}`, "url: is no public address (private); give a public one, or have the operator list it in egress.allow_cidrs", `{"field":"url","url":"https://10.0.0.1"}`},
		{`{"url":"https://example.com","secret":"abc"}`, "secret: 3 bytes long; give 16 or more, or leave it out to have one made", `{"field":"secret"}`},
		{`{"url":"https://example.com","secret":"whsec_notbase64!!!"}`, "secret: what follows whsec_ must be base64 (standard alphabet, padded with =), without blanks or line ends", `{"field":"secret"}`},
		{`{"url":"https://example.com","signature":{"scheme":"hmac","header":"Content-Type"}}`, "signature.header: is set by the connection or by the sender itself: choose another, such as X-Signature", `{"field":"signature.header"}`},
		{`{"url":"https://example.com","filter":"event.idd == 'a'"}`, "filter: at 1:6: undefined field 'idd'", `{"field":"filter"}`},
		{`{"url":"https://example.com","body":{"a":["x ${event.}"]}}`, "body.a[0]: at 1:11: no viable alternative at input '.'", `{"field":"body.a[0]"}`},
		{`{"url":"https://example.com","body":[1],"body_mode":"merge"}`, "body: is no object, so that it has no keys to merge; give {…}, or body_mode replace", `{"field":"body"}`},
		{`{"url":"https://example.com","headers":{"X-A":"k${1 +}"}}`, "headers.X-A: at 1:7: is no valid expression there", `{"field":"headers.X-A"}`},
		{`{"url":"https://example.com","delivery":{"rate":-5}}`, "delivery.rate: out of range; give 0.001 to 100000 deliveries a second, or 0 for no limit", `{"delivery.rate":"-5","field":"delivery.rate"}`},
		{`{"url":"https://example.com","headers":{"X-A":"a\nb"}}`, "headers.X-A: has a control character; give one line of text", `{"field":"headers.X-A"}`},
		{`[]`, "body: not a JSON object; send {…}", `{"field":"body"}`},
		{`{"url":`, "body: not JSON: it ends too early", `{"field":"body"}`},
		{`{url}`, "body: not JSON: syntax error at byte 2", `{"field":"body"}`},
		{`{} {}`, "body: goes on after its JSON; send one object", `{"field":"body"}`},
		{"{\"name\":\"\xff\"}", "body: not valid UTF-8", `{"field":"body"}`},
		{``, "body: not JSON: it ends too early", `{"field":"body"}`},
	} {
		b.want(b.call(admin, "POST", "/v1/endpoints", c.body), 400,
			`{"message":"`+c.message+`","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":`+c.details+`}`)
	}
	b.want(b.call(admin, "POST", "/v1/endpoints", `{"name":"`+strings.Repeat("a", usualBody.bytes)+`"}`), 413,
		`{"message":"body: over 1048576 bytes; send less at a time","error_type":"PayloadTooLargeError","error_code":"PAYLOAD_TOO_LARGE","details":{"field":"body","limit":1048576}}`)
	if len(b.endpoints) > 0 {
		t.Errorf("%d endpoints were kept", len(b.endpoints))
	}
}

func TestGenLogsURLsAreUniquePerCustomer(t *testing.T) {
	b := start(t, nil)
	const hook = `{"url":"https://example.com/a","profile":"genlogs"}`
	ep := b.made("acme", hook)
	const message = `{"message":"Webhook URL already registered for this customer","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"url","url":"https://example.com/a"}}`
	b.want(b.call(token(t, "acme", RoleAdmin), "POST", "/v1/endpoints", hook), 400, message)
	b.made("other", hook)
	b.made("acme", `{"url":"https://example.com/a"}`)
	second := b.made("acme", `{"url":"https://example.com/b","profile":"genlogs"}`)
	admin := token(t, "acme", RoleAdmin)
	b.want(b.call(admin, "PATCH", "/v1/endpoints/"+second.ID, `{"url":"https://example.com/a"}`), 400, message)
	b.wantStatus(b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, `{"url":"https://example.com/a","name":"same"}`), 200)
}

func TestPatchIsAMergePatch(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	ep := b.made("acme", `{"url":"https://example.com/a","headers":{"X-A":"1","X-B":"2"},"delivery":{"timeout":"30s","concurrency":3}}`)
	path := "/v1/endpoints/" + ep.ID
	got := b.call(admin, "PATCH", path, `{"name":"n","headers":{"X-A":"***","X-B":null,"X-C":"3"},"delivery":{"timeout":null,"jitter":0},"secret":null}`)
	b.wantStatus(got, 200)
	kept := b.endpoints[ep.ID]
	if fmt.Sprint(kept.Headers) != "map[X-A:1 X-C:3]" || kept.Delivery.Timeout != transport.Duration(15*time.Second) ||
		kept.Delivery.Concurrency != 3 || kept.Delivery.Jitter != 0 || kept.Name != "n" || kept.URL != ep.URL || kept.Secrets.Current != ep.Secret {
		t.Errorf("kept %+v", kept)
	}
	b.wantStatus(b.call(admin, "PATCH", path, b.call(admin, "GET", path, "").body), 200) // what is shown may be sent back
	if fmt.Sprint(b.endpoints[ep.ID].Headers) != "map[X-A:1 X-C:3]" {
		t.Errorf("kept %v", b.endpoints[ep.ID].Headers)
	}
	for body, field := range map[string]string{
		`{"id":"x"}`: "id", `{"customer":"other"}`: "customer", `{"state":"paused"}`: "state", `{"created_at":"2020-01-01T00:00:00Z"}`: "created_at",
		`{"secret":"a secret of enough bytes"}`: "secret", `{"headers":{"X-Z":"***"}}`: "headers.X-Z", `{"nme":"x"}`: "nme",
		`{"headers":[]}`: "headers", `{"id":{}}`: "id", `{"state":[1]}`: "state",
	} {
		got := b.call(admin, "PATCH", path, body)
		if got.status != 400 || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

func TestADisabledEndpointComesBackWhenEnabled(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/a"}`)
	b.endpoints[ep.ID].State, b.endpoints[ep.ID].StateReason = "disabled", "410 Gone"
	admin := token(t, "acme", RoleAdmin)
	if got := read[ShownEndpoint](b, b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, `{"name":"x"}`)); got.State != "disabled" {
		t.Errorf("a new name made it %s", got.State)
	}
	if got := read[ShownEndpoint](b, b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, `{"enabled":true}`)); got.State != "active" || got.StateReason != "" {
		t.Errorf("%+v", got)
	}
}

func TestTwoEditorsDoNotOverwriteEachOther(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	ep := b.made("acme", `{"url":"https://example.com/a"}`)
	path := "/v1/endpoints/" + ep.ID
	tag := b.call(admin, "GET", path, "").header.Get("ETag")
	b.wantStatus(b.call(admin, "PATCH", path, `{"name":"1"}`, "If-Match", tag), 200)
	for _, method := range []string{"PATCH", "DELETE"} {
		b.want(b.call(admin, method, path, `{"name":"2"}`, "If-Match", tag), 412,
			`{"message":"Changed since you read it: read it again and repeat your change","error_type":"PreconditionFailedError","error_code":"PRECONDITION_FAILED"}`)
	}
	b.wantStatus(b.call(admin, "PATCH", path, `{"name":"3"}`, "If-Match", `"0", "2"`), 200)
	b.failure = fmt.Errorf("endpoint: %w", transport.ErrConflict)
	b.want(b.call(admin, "PATCH", path, `{"name":"4"}`), 409,
		`{"message":"Changed by someone else meanwhile: read it again and repeat your change","error_type":"ConflictError","error_code":"CONFLICT"}`)
}

func TestAChangeThatTakesLongIsAccepted(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	ep := b.made("acme", `{"url":"https://example.com/a"}`)
	b.late = true
	b.wantStatus(b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com/b"}`), 202)
	b.wantStatus(b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, `{"name":"a"}`), 202)
	b.wantStatus(b.call(admin, "POST", "/v1/endpoints/"+ep.ID+"/rotate", ``), 202)
	b.wantStatus(b.call(admin, "DELETE", "/v1/endpoints/"+ep.ID, ``), 202)
}

func TestPagesHoldEachEndpointOnce(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	want := map[string]bool{}
	for range 7 {
		want[b.made("acme", `{"url":"https://example.com/a"}`).ID] = true
	}
	cursor, pages := "", 0
	for ; pages == 0 || cursor != ""; pages++ {
		list := read[EndpointList](b, b.call(admin, "GET", "/v1/endpoints?limit=3&cursor="+cursor, ""))
		for _, ep := range list.Items {
			if !want[ep.ID] {
				t.Errorf("%s came twice", ep.ID)
			}
			delete(want, ep.ID)
		}
		cursor = list.NextCursor
	}
	if len(want) > 0 || pages != 3 {
		t.Errorf("%d are missing after %d pages", len(want), pages)
	}
	for query, message := range map[string]string{"limit=0": "limit: expected number >= 1", "limit=501": "limit: expected number <= 500",
		"limit=a": "limit: invalid integer", "cursor=!": "cursor: not one of ours", "limits=1": "limits: unknown query parameter"} {
		if got := b.call(admin, "GET", "/v1/endpoints?"+query, ""); got.status != 400 || !strings.Contains(got.body, message) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

// TestTheKeyThatVerifiesIsShown: a public key is no secret, and what receivers
// of an ed25519 endpoint need; a rotation makes another of its kind.
func TestTheKeyThatVerifiesIsShown(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	const secret, public = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	made := b.made("acme", `{"url":"https://example.com/a","secret":"`+secret+`"}`)
	path := "/v1/endpoints/" + made.ID
	shown := b.call(admin, "GET", path, "")
	if key := read[ShownEndpoint](b, shown).PublicKey; made.PublicKey != public || key != public {
		t.Errorf("made with %q, shown with %q, want %q", made.PublicKey, key, public)
	}
	b.wantStatus(b.call(admin, "PATCH", path, shown.body), 200) // as it was shown
	next := read[Secret](b, b.call(admin, "POST", path+"/rotate", `{}`))
	if !strings.HasPrefix(next.Secret, "whsk_") || !strings.HasPrefix(next.PublicKey, "whpk_") || next.PublicKey == public {
		t.Errorf("rotated to a key %.5s… with the public key %q", next.Secret, next.PublicKey)
	}
	if got := read[ShownEndpoint](b, b.call(admin, "GET", path, "")).PublicKey; got != next.PublicKey {
		t.Errorf("shown with %q, want %q", got, next.PublicKey)
	}
	for _, other := range []string{`{"url":"https://example.com/b"}`, `{"url":"https://example.com/c","profile":"genea","secret":"whsk_ is no prefix here"}`} {
		if got := b.made("acme", other); got.PublicKey != "" {
			t.Errorf("%s: public key %q", other, got.PublicKey)
		}
	}
}

func TestRotation(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	ep := b.made("acme", `{"url":"https://example.com/a","profile":"genlogs"}`)
	path := "/v1/endpoints/" + ep.ID
	b.want(b.call(admin, "POST", path+"/rotate", `{"secret":"another secret of bytes","overlap":"1h"}`), 200,
		`{"id":"`+ep.ID+`","secret":"another secret of bytes","previous_until":"2026-01-02T04:04:05Z"}`)
	kept := b.endpoints[ep.ID].Secrets
	if kept.Previous != ep.Secret || kept.Current != "another secret of bytes" || !kept.PreviousUntil.Equal(testNow.Add(time.Hour)) {
		t.Error("the secrets are not kept as answered")
	}
	got := b.call(admin, "GET", path+"/secret", "")
	b.want(got, 200, `{"id":"`+ep.ID+`","secret":"another secret of bytes","previous_until":"2026-01-02T04:04:05Z"}`)
	if got.header.Get("Cache-Control") != "no-store" {
		t.Error("a secret may be cached")
	}
	b.want(b.call(admin, "POST", path+"/rotate", `{"secret":"a third secret of bytes","overlap":"0s"}`), 200,
		`{"id":"`+ep.ID+`","secret":"a third secret of bytes"}`)
	for body, message := range map[string]string{
		`{"secret":"short"}`: "secret: must have at least 16 bytes", `{"overlap":"721h"}`: "overlap: out of range",
		`{"overlap":"-1s"}`: "overlap: out of range", `{"secret":"a third secret of bytes"}`: "secret: is the one in use",
		`{"overlaps":1}`: "overlaps: unknown field", `{"secret":"` + strings.Repeat("a", 1025) + `"}`: "secret: 1025 bytes long"} {
		if got := b.call(admin, "POST", path+"/rotate", body); got.status != 400 || !strings.Contains(got.body, message) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	none := b.made("acme", `{"url":"https://example.com/n","signature":{"scheme":"none"}}`)
	b.wantStatus(b.call(admin, "POST", "/v1/endpoints/"+none.ID+"/rotate", ``), 409)
}

func TestATestIsShownWhole(t *testing.T) {
	b := start(t, nil)
	b.answer = transport.Answer{Class: transport.Delivered, Status: 204, Body: []byte("ok\xff"), Took: 1500 * time.Microsecond, DNS: 2 * time.Millisecond}
	ep := b.made("acme", `{"url":"https://example.com/a"}`)
	path := "/v1/endpoints/" + ep.ID + "/test"
	admin := token(t, "acme", RoleAdmin)
	got := b.call(admin, "POST", path, `{"type":"door.opened","data":{"a":1}}`)
	b.want(got, 200, `{"success":true,"request":{"method":"POST","url":"https://example.com/a","event_id":"`+b.tested[0].ID+`","event_type":"door.opened","data":{"a":1},"headers":{"Webhook-Id":"id","X-Key":"***"},"body":"{\"sent\":true}"},`+
		`"answer":{"status":204,"class":"delivered","reason":"","detail":"","body":"ok�"},"timings":{"total_ms":1.5,"dns_ms":2,"connect_ms":0,"tls_ms":0,"first_byte_ms":0}}`)
	b.answer = transport.Answer{Class: transport.Failed, Reason: "timeout", Detail: "no answer within 15s"}
	if result := read[TestResult](b, b.call(admin, "POST", path, ``)); result.Success || result.Answer.Reason != "timeout" || result.Request.EventType != "postrider.test" {
		t.Errorf("%+v", result)
	}
	b.wantStatus(b.call(admin, "POST", path, `{"type":"a b"}`), 400)
	genea := b.made("acme", `{"url":"https://example.com/g","profile":"genea"}`)
	result := read[TestResult](b, b.call(admin, "POST", "/v1/endpoints/"+genea.ID+"/test", ``))
	if result.Request.EventType != "access.granted" || !strings.Contains(string(result.Request.Data), `"event_action":"SEQUR_ACCESS_GRANTED"`) {
		t.Errorf("%+v", result.Request)
	}
	if len(b.events) > 0 {
		t.Error("a test was published")
	}
}

// Changes are tried before they are saved, as they would be with what is saved,
// by who may save them; nothing is kept.
func TestUnsavedChangesAreTested(t *testing.T) {
	b := start(t, nil)
	b.answer = transport.Answer{Class: transport.Delivered, Status: 200}
	ep := b.made("acme", `{"url":"https://example.com/a","headers":{"X-Key":"k-0123456789"},"secret":"a secret of enough bytes"}`)
	was, _ := b.Endpoint(ep.ID)
	path := "/v1/endpoints/" + ep.ID + "/test"
	admin := token(t, "acme", RoleAdmin)
	got := read[TestResult](b, b.call(admin, "POST", path, `{"endpoint":{"url":"https://example.com/b","headers":{"X-Key":"***"}},"type":"door.opened"}`))
	tried := b.triedAt[len(b.triedAt)-1]
	if !got.Success || tried.URL != "https://example.com/b" || tried.Headers["X-Key"] != "k-0123456789" ||
		tried.Secrets.Current != "a secret of enough bytes" || tried.ID != ep.ID || got.Request.EventType != "door.opened" {
		t.Errorf("%+v of %+v", got, tried)
	}
	if now, _ := b.Endpoint(ep.ID); now.URL != "https://example.com/a" || now.Revision != was.Revision {
		t.Errorf("it was kept: %+v", now)
	}
	// Another host asks for the masked values anew, as saving does.
	if got := b.call(admin, "POST", path, `{"endpoint":{"url":"https://other.example.com/b"}}`); got.status != 400 || !strings.Contains(got.body, "X-Key") {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.wantStatus(b.call(admin, "POST", path, `{"endpoint":{"url":"http://example.com/b"}}`), 400)
	b.wantStatus(b.call(admin, "POST", path, `{"endpoint":{"colour":"red"}}`), 400)
	b.wantStatus(b.call(token(t, "acme", RoleTestEndpoint), "POST", path, `{"endpoint":{"url":"https://example.com/b"}}`), 403)
	b.wantStatus(b.call(token(t, "acme", RoleTestEndpoint), "POST", path, `{"endpoint":null}`), 200)
	b.wantStatus(b.call(token(t, "acme", RoleTestEndpoint, RoleEditEndpoint), "POST", path, `{"endpoint":{"url":"https://example.com/b"}}`), 200)
	if n := len(b.triedAt); n != 3 {
		t.Errorf("%d tests were made", n)
	}
}

func TestDevelopmentAllowsLoopback(t *testing.T) {
	b := start(t, func(o *Options) { o.Dev = true })
	b.made("acme", `{"url":"http://127.0.0.1:9000/"}`)
	if mode := read[Info](b, b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/info", "")).Mode; mode != "development" {
		t.Error(mode)
	}
}
