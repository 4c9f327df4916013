package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// mark is in all that belongs to the other customer and in no request: who
// finds it in an answer to acme has found a leak.
const mark = "belongs-to-the-other-one"

// specWorld is a server with things of two customers, and what a caller of acme
// can know of them: their ids.
type specWorld struct {
	*node
	server *Server
	spec   *spec
	dice   *rand.Rand
	tokens map[string]string // by what they are
	ids    []string
	log    bytes.Buffer
}

func newSpecWorld(t testing.TB, seed uint64) *specWorld {
	t.Helper()
	w := &specWorld{node: &node{}, dice: rand.New(rand.NewPCG(seed, 1))}
	server, err := New(Options{Registry: w, Events: w, Letters: w, Auditor: w, Tester: w, Deliveries: w, EventLog: w,
		Replays: w, Revocations: w, Answers: w, Customers: w, Alerts: w, Runs: w.node, Detections: w, Mailboxes: w, TokenSecret: testSecret,
		Version: "test", Logger: slog.New(slog.NewTextHandler(&w.log, nil)), Now: func() time.Time { return testNow }})
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	server.EndStreams() // those that are let in end at once
	w.tokens = map[string]string{"none": "", "stranger": token(t, "acme", "stranger"), "admin": token(t, "acme", RoleAdmin),
		"operator": token(t, "", RoleOperator), "forged": token(t, "acme", RoleAdmin) + "x",
		"all": token(t, "acme", RoleCreateEndpoint, RoleEditEndpoint, RoleDeleteEndpoint, RoleListEndpoints, RoleTestEndpoint,
			RolePublishEvents, RoleReplay, RoleCreateAlert, RoleEditAlert, RoleGetAlerts, RoleRunAlerts)}
	w.fill(t)
	w.spec = readSpec(t, w.send("GET", "/openapi.json", "", nil, nil).Body.String())
	return w
}

// fill puts one of everything there for each of the two customers.
func (w *specWorld) fill(t testing.TB) {
	t.Helper()
	*w.node = node{endpoints: map[string]*transport.Endpoint{}, letters: map[uint64]*transport.DeadLetter{}, eventLog: map[uint64]*transport.Event{},
		customers: map[string]*transport.Customer{}, alertNode: alertNode{alerts: map[string]keptAlert{}}}
	w.log.Reset()
	w.ids = []string{"absent", "_", "0", "-1", "18446744073709551616", strings.Repeat("9", 300), "..%2f..%2fetc", "%00", "é", "a.b", "*", ">"}
	for i, customer := range []string{"acme", "other"} {
		text, n := "ours", uint64(i+5)
		if customer == "other" {
			text = mark
		}
		ep := &transport.Endpoint{ID: fmt.Sprintf("019b7d5a-0000-7000-8000-00000000000%d", i), Customer: customer, Name: text, URL: "https://example.com/" + text,
			Enabled: true, Profile: transport.ProfileGenLogs, State: "active", From: testNow, CreatedAt: testNow, UpdatedAt: testNow, Delivery: transport.Delivery{Retries: true}}
		ep.Secrets.Current = "a secret that " + text
		ep.ApplyDefaults()
		if err := ep.Validate(false); err != nil {
			t.Fatal(err)
		}
		w.endpoints[ep.ID] = ep
		ev := &transport.Event{Seq: n, ID: "event-" + text, Customer: customer, Type: "a.b", Time: testNow, Data: fmt.Appendf(nil, `{"n":%q}`, text)}
		w.eventLog[n] = ev
		w.letters[n] = &transport.DeadLetter{ID: n, Customer: customer, Endpoint: ep.ID, Reason: "gone", Detail: text, At: testNow, Event: ev}
		pair := transport.Pair{Seq: n, Endpoint: ep.ID}
		w.logged = append(w.logged, transport.LoggedDelivery{Pair: pair, Customer: customer, EventID: ev.ID, EventType: ev.Type,
			State: transport.StateDelivered, Since: testNow, Changed: testNow, Class: transport.Delivered})
		w.jobs = append(w.jobs, transport.ReplayJob{ID: fmt.Sprint("r-", i), ReplayWish: transport.ReplayWish{Source: transport.ReplayDeliveries,
			Customer: customer, EventType: text}, State: transport.ReplayRunning, CreatedAt: testNow, UpdatedAt: testNow})
		w.runs = append(w.runs, transport.Run{ID: fmt.Sprint("run-", i), Customer: customer, Type: []string{transport.RunSummary, "hot"}[i], State: "open"},
			transport.Run{ID: fmt.Sprint("other-run-", i), Customer: customer, Type: []string{"hot", transport.RunSummary}[i], State: "open"})
		w.customers[customer] = &transport.Customer{ID: customer, CustomerID: int64(n), Name: text}
		alert := &matching.Alert{ID: fmt.Sprintf("019b7d5a-0000-4000-8000-00000000000%d", i), Customer: customer, AlertName: text, Email: "a@example.com",
			AlertType: matching.AlertHot, LicensePlate: "ABC123", IsActive: true, Match: "all", CreatedAt: testNow, UpdatedAt: testNow}
		w.alerts[alert.ID] = keptAlert{alert, 1}
		w.ids = append(w.ids, ep.ID, fmt.Sprint(n), transport.DeliveryID(pair), fmt.Sprint("r-", i), fmt.Sprint("run-", i), customer, alert.ID)
	}
	w.revision = 10
}

func (w *specWorld) send(method, target, token string, header http.Header, body []byte) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "/", bytes.NewReader(body))
	u, err := url.Parse(target)
	if err != nil {
		u = &url.URL{Path: "/v1/" + target}
	}
	request.URL, request.RequestURI = u, target
	maps.Copy(request.Header, header)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, request)
	return answer
}

// TestEveryOperationOfTheDocument makes requests of all kinds, well and ill
// formed, for every operation of the OpenAPI document: none is answered 5xx,
// none shows another customer's things, and every answer is as described.
func TestEveryOperationOfTheDocument(t *testing.T) {
	w := newSpecWorld(t, 1)
	reached := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(w.spec.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(w.spec.Paths[path])) {
			op := w.spec.Paths[path][method]
			for range 120 {
				w.fill(t)
				w.try(t, strings.ToUpper(method), path, op)
			}
			reached[op.OperationID] = w.wellDone(t, strings.ToUpper(method), path, op)
		}
	}
	for id, done := range reached {
		if !done {
			t.Errorf("%s was never done with success", id)
		}
	}
	if len(reached) < 40 {
		t.Errorf("only %d operations", len(reached))
	}
}

// FuzzTheDocument is the same for as long as one likes.
func FuzzTheDocument(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := newSpecWorld(t, seed)
		paths := slices.Sorted(maps.Keys(w.spec.Paths))
		for range 50 {
			path := paths[w.dice.IntN(len(paths))]
			for method, op := range w.spec.Paths[path] {
				w.fill(t)
				w.try(t, strings.ToUpper(method), path, op)
			}
		}
	})
}

// try makes one request by chance and checks its answer.
func (w *specWorld) try(t testing.TB, method, path string, op *specOperation) {
	t.Helper()
	who := pick(w.dice, slices.Sorted(maps.Keys(w.tokens)))
	target, header := w.target(path, op)
	body := w.body(op)
	answer := w.send(method, target, w.tokens[who], header, body)
	what := fmt.Sprintf("%s %s as %s with %v %.300s", method, target, who, header, body)
	w.check(t, what, op, answer)
	switch {
	case who == "none" || who == "forged":
		if answer.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", what, answer.Code, answer.Body)
		}
	case who == "stranger" && header.Get(idempotencyHeader) != "" && answer.Code >= 400: // the key and the body come before the roles
	case who == "stranger" && op.Description != "Any token of the customer." && answer.Code != http.StatusForbidden:
		t.Errorf("%s: %d %s, and the document names roles: %s", what, answer.Code, answer.Body, op.Description)
	}
	if all := answer.Body.String() + fmt.Sprint(answer.Header()); who != "operator" && strings.Contains(all, mark) {
		t.Errorf("%s: another customer's things: %s", what, all)
	}
}

// check holds an answer against the document.
func (w *specWorld) check(t testing.TB, what string, op *specOperation, answer *httptest.ResponseRecorder) {
	t.Helper()
	if answer.Code >= 500 {
		t.Errorf("%s: %d %s\n%s", what, answer.Code, answer.Body, w.log.String())
	}
	described, there := op.Responses[fmt.Sprint(answer.Code)]
	if !there {
		if described = op.Responses["default"]; answer.Code < 400 {
			t.Errorf("%s: %d is not in the document", what, answer.Code)
		}
	}
	if answer.Body.Len() == 0 {
		if len(described.Content) > 0 {
			t.Errorf("%s: %d without a body", what, answer.Code)
		}
		return
	}
	if _, stream := described.Content["text/event-stream"]; stream {
		if !strings.HasPrefix(answer.Body.String(), "event: open\n") || answer.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %d is no stream: %s", what, answer.Code, answer.Body)
		}
		return // its body stays for the search for leaks
	}
	var v any
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil {
		t.Errorf("%s: %d, no JSON: %v", what, answer.Code, err)
		return
	}
	content, there := described.Content["application/json"]
	if !there || answer.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: %d with a body of %q, described as %v", what, answer.Code, answer.Header().Get("Content-Type"), described.Content)
		return
	}
	if wrong := w.spec.misfit(v, content.Schema, "body"); wrong != "" {
		t.Errorf("%s: %d, %s", what, answer.Code, wrong)
	}
	again, err := json.Marshal(v) // for the search for leaks
	if err != nil {
		t.Error(err)
	}
	answer.Body.Write(again)
}

// wellDone makes requests as an operator and as admin with nothing wrong in
// them, until one succeeds.
func (w *specWorld) wellDone(t testing.TB, method, path string, op *specOperation) bool {
	t.Helper()
	for _, id := range w.ids {
		for _, body := range []string{good[op.OperationID], `{}`} {
			w.fill(t)
			target := strings.Replace(path, "{id}", id, 1)
			if method == "DELETE" && path == "/v1/deadletters" {
				target += "?reason=gone"
			}
			answer := w.send(method, target, w.tokens["operator"], nil, []byte(body))
			if w.check(t, method+" "+target+" "+body, op, answer); answer.Code < 300 {
				return true
			}
		}
	}
	return false
}

// good are bodies of operations that need one.
var good = map[string]string{
	"publish-events": `{"customer":"acme","type":"a.b","data":1}`, "create-endpoint": `{"customer":"acme","url":"https://example.com/new"}`,
	"test-unsaved-endpoint": `{"endpoint":{"customer":"acme","url":"https://example.com/new"}}`,
	"preview-endpoint":      `{"endpoint":{"customer":"acme","url":"https://example.com/new"}}`,
	"create-webhook":        `{"customer":"acme","webhook_url":"https://example.com/new"}`, "create-customer": `{"id":"new"}`,
	"test-webhook": `{"customer":"acme","webhook_url":"https://example.com/new","secret":"a secret of enough bytes"}`, "run-alerts": `{"customer":"acme"}`,
	"create-alert":  `{"customer":"acme","alert_name":"a","email":"a@example.com","trailer_number":"T-1"}`,
	"preview-alert": `{"customer":"acme","alert_name":"a","email":"a@example.com","trailer_number":"T-1"}`,
	"start-replay":  `{"endpoint":"01980000-0000-7000-8000-000000000000"}`, "replay-deadletters": `{"endpoint":"01980000-0000-7000-8000-000000000000"}`, "revoke-token": `{"jti":"a"}`,
}

func pick[T any](dice *rand.Rand, from []T) T { return from[dice.IntN(len(from))] }

// target is the operation's path with ids and parameters by chance.
func (w *specWorld) target(path string, op *specOperation) (string, http.Header) {
	query, header := url.Values{}, http.Header{}
	for _, p := range op.Parameters {
		value := w.text(p.Schema)
		switch {
		case p.In == "path":
			path = strings.Replace(path, "{"+p.Name+"}", pick(w.dice, w.ids), 1)
		case w.dice.IntN(3) > 0:
		case p.In == "query":
			query.Set(p.Name, value)
		case p.In == "header":
			header.Set(p.Name, strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return -1
				}
				return r
			}, value))
		}
	}
	if w.dice.IntN(20) == 0 {
		query.Set(w.word(), w.word())
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, header
}

// text is a parameter's value: often right, sometimes anything.
func (w *specWorld) text(schema map[string]any) string {
	if w.dice.IntN(3) == 0 {
		return w.word()
	}
	switch v := w.value(schema, 0).(type) {
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func (w *specWorld) word() string {
	return pick(w.dice, append(w.ids, "", "acme", "other", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "true", "1", "-1", "1e400",
		"null", "a.>", "access.granted", "503", "waiting", "dead_lettered", "https://example.com/", "http://127.0.0.1/", strings.Repeat("a", 3000), "\x00", "\u2028", "${event.id}", "event.id == '1'", "{{a}}", "'", `"`, "<b>", "%s%n"))
}

// value is made by a schema: mostly as it asks, with huge and odd values, and
// now and then of another kind.
func (w *specWorld) value(schema map[string]any, depth int) any {
	schema = w.spec.resolved(schema)
	if w.dice.IntN(12) == 0 || depth > 6 {
		return pick(w.dice, []any{nil, true, "x", -1, 1.5, 1e300, json.Number("123456789012345678901234567890"), []any{}, []any{[]any{}}, map[string]any{}, map[string]any{"a": nil}})
	}
	if options, ok := schema["oneOf"].([]any); ok {
		return w.value(pick(w.dice, options).(map[string]any), depth)
	}
	if enum, ok := schema["enum"].([]any); ok && w.dice.IntN(4) > 0 {
		return pick(w.dice, enum)
	}
	kinds := kindsOf(schema)
	if len(kinds) == 0 {
		return map[string]any{"any": w.word()}
	}
	switch kinds[0] {
	case "boolean":
		return w.dice.IntN(2) == 0
	case "integer":
		return pick(w.dice, []any{0, 1, 5, 100, 500, -1, 1 << 40, json.Number("9223372036854775808"), 0.5})
	case "number":
		return pick(w.dice, []any{0, 0.5, 1, 50, -0.1, 1e9, 1e300})
	case "array":
		items, _ := schema["items"].(map[string]any)
		list := []any{}
		for range w.dice.IntN(4) {
			list = append(list, w.value(items, depth+1))
		}
		return list
	case "object":
		return w.object(schema, depth)
	}
	if schema["format"] == "date-time" {
		return pick(w.dice, []any{"2026-01-02T00:00:00Z", "2025-01-01T00:00:00Z", "2027-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday"})
	}
	return w.word()
}

func (w *specWorld) object(schema map[string]any, depth int) any {
	object := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		if w.dice.IntN(3) == 0 {
			object[name] = w.value(property.(map[string]any), depth+1)
		}
	}
	if more, ok := schema["additionalProperties"].(map[string]any); ok {
		object[w.word()] = w.value(more, depth+1)
	}
	if w.dice.IntN(25) == 0 {
		object[w.word()] = w.word()
	}
	return object
}

// body is a request's body by chance: by the schema, broken, or over the limit.
func (w *specWorld) body(op *specOperation) []byte {
	content, there := op.RequestBody.Content["application/json"]
	if !there {
		return nil
	}
	switch w.dice.IntN(30) {
	case 0:
		return nil
	case 1:
		return []byte(pick(w.dice, []string{"{", "[]", "null", "1", "{}{}", "\xff", `{"a":1,"a":2}`, strings.Repeat("[", 20_000), `{"` + strings.Repeat("a", 100_000) + `":1}`}))
	case 2:
		return bytes.Repeat([]byte(" "), usualBody.bytes+1)
	}
	var raw bytes.Buffer
	if good, there := good[op.OperationID]; there && w.dice.IntN(4) == 0 {
		return []byte(strings.ReplaceAll(good, `"customer":"acme",`, ""))
	}
	if err := encode(&raw, w.value(content.Schema, 0)); err != nil {
		return nil
	}
	return raw.Bytes()
}
