package api

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// A list refuses what it cannot mean, by name: an empty page would say that
// there is nothing.
func TestListsRefuseWhatTheyCannotMean(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	lists := map[string]listing{"/v1/endpoints": listOfEndpoints, "/alerts/webhook": listOfWebhooks, "/alerts": listOfAlerts, "/v1/runs": listOfRuns,
		"/v1/customers": listOfCustomers, "/v1/deliveries": listOfDeliveries, "/v1/deadletters": listOfLetters, "/v1/replays": listOfReplays, "/v1/event-types": listOfTypes}
	refused := func(path, field string) {
		t.Helper()
		got := b.call(admin, "GET", path, "")
		if got.status != 400 || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s, want a 400 that names %s", path, got.status, got.body, field)
		}
	}
	for path, of := range lists {
		another := listOfEndpoints
		if of == another {
			another = listOfRuns
		}
		whole := of.cursorAt("0")
		for _, cursor := range []string{"!", "YWJj", "MQ", "x", whole[:len(whole)-1], whole + "A", another.cursorAt("0"), base64.RawURLEncoding.EncodeToString([]byte("zzzzzzzzzzzzzzzzzzzz"))} {
			refused(path+"?cursor="+cursor, "cursor")
		}
		for _, limit := range []string{"0", "-1", "501", "ten", "1.5"} {
			refused(path+"?limit="+limit, "limit")
		}
		refused(path+"?offset=5", "offset")
	}
	for _, path := range []string{"/v1/deliveries", "/v1/deadletters", "/v1/audit"} {
		for _, field := range []string{"from", "to"} {
			for _, text := range []string{"monday", "2026-13-01T00:00:00Z", "2026-01-01", "1767225600"} {
				refused(path+"?"+field+"="+text, field)
			}
		}
		refused(path+"?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to")
	}
	for query, field := range map[string]string{"/v1/deliveries?status=lost": "status", "/v1/deliveries?status=99": "status", "/v1/deliveries?endpoint=Front%20desk": "endpoint",
		"/v1/deadletters?endpoint=6f96": "endpoint", "/v1/deadletters?reason=no%20such": "reason", "/v1/endpoints?kind=fax": "kind",
		"/alerts?alert_type=cold": "alert_type", "/v1/runs?alert_type=cold": "alert_type", "/v1/event-types?category=none": "category"} {
		refused(query, field)
	}
	for body, field := range map[string]string{`{"endpoint":"Front desk"}`: "endpoint", `{"reason":"No Such"}`: "reason"} {
		got := b.call(admin, "POST", "/v1/deadletters/replay", body)
		if got.status != 400 || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

func TestAWrongURLIsShownAsItWasGiven(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	for url, given := range map[string]bool{"https://127.0.0.1:29443/x": true, "http://example.com/a?b=c": true, "ftp://example.com/": true, "https://localhost/": true,
		"nothing": true, "https://example.com/#part": true, "https://user:pass@example.com/": false, "https://user:pass@example.com/#part": false} {
		want := map[string]any{"field": "webhook_url"}
		if given {
			want["webhook_url"] = url
		}
		got := b.call(admin, "POST", "/alerts/webhook", `{"webhook_url":"`+url+`"}`)
		details, _ := json.Marshal(want)
		if e := read[Error](b, got); got.status != 400 || string(mustJSON(t, e.Details)) != string(details) {
			t.Errorf("%s: %d %s, want details %s", url, got.status, got.body, details)
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A body template keeps the order of its keys: receivers that are people, and
// services that read it as text, see what its writer wrote.
func TestABodyKeepsItsOrder(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	const body = `{"zeta":1,"alpha":{"y":"${event.id}","b":1.50},"mid":[{"q":1,"a":2}]}`
	ep := b.made("acme", `{"url":"https://example.com","body":`+body+`}`)
	patch := func(patch, want string) {
		t.Helper()
		b.wantStatus(b.call(admin, "PATCH", "/v1/endpoints/"+ep.ID, patch), 200)
		got := read[ShownEndpoint](b, b.call(admin, "GET", "/v1/endpoints/"+ep.ID, ""))
		if string(got.Body) != want {
			t.Errorf("after %s:\n got %s\nwant %s", patch, got.Body, want)
		}
	}
	patch(`{"name":"n"}`, body)
	patch(`{"body":{"new":true,"alpha":{"y":"z","also":null},"zeta":null}}`, `{"alpha":{"y":"z","b":1.50},"mid":[{"q":1,"a":2}],"new":true}`)
	patch(`{"body":[3,{"b":1,"a":2}]}`, `[3,{"b":1,"a":2}]`)
	patch(`{"body":null}`, ``)
	patch(`{"body":{"b":1,"a":{"d":null,"c":2}}}`, `{"b":1,"a":{"c":2}}`)
}

func FuzzMergeRaw(f *testing.F) {
	f.Add(`{"a":1,"b":{"c":2}}`, `{"b":{"c":null,"d":3},"a":[1]}`)
	f.Add(`[1]`, `{"a":null}`)
	f.Fuzz(func(t *testing.T, base, patch string) {
		one, err1 := parseObject([]byte(base))
		two, err2 := parseObject([]byte(patch))
		if err1 != nil || err2 != nil || strings.Count(base+patch, "{") > maxMergeDepth {
			return
		}
		got, err := parseObject(mergeRaw([]byte(base), []byte(patch), 0))
		if err != nil {
			t.Fatal(err)
		}
		want := merge(one, two)
		if string(mustJSON(t, got)) != string(mustJSON(t, want)) {
			t.Errorf("%s over %s: got %s, want %s", patch, base, mustJSON(t, got), mustJSON(t, want))
		}
	})
}
