package api

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/postrider/postrider/transport"
)

// another profile brings its defaults for what the user did not choose, and
// for nothing else; a dry run tells so beforehand.
func TestAnotherProfileBringsItsDefaults(t *testing.T) {
	type have struct {
		Format, Scheme, Header, Success, Schedule, Version, Events string
	}
	of := func(ep *transport.Endpoint) have {
		return have{ep.Format, ep.Signature.Scheme, ep.Signature.Header, ep.Delivery.Success, fmt.Sprint(len(ep.Delivery.Schedule)), ep.Version, ep.Events[0]}
	}
	genea := have{"genea", "sequr", "", "200", "3", "v2", "access.>"}
	standard := have{"standard", "standard", "", "2xx", "7", "", ">"}
	custom := have{"raw", "hmac", "X-Signature", "2xx", "7", "", ">"}
	for _, c := range []struct {
		made, patch string
		want        have
	}{
		{`{}`, `{"profile":"genea"}`, genea},
		{`{}`, `{"profile":"genea","version":"v3"}`, have{"genea", "sequr", "", "200", "3", "v3", "access.>"}},
		{`{"profile":"genea"}`, `{"profile":"standard"}`, standard},
		{`{"profile":"genea"}`, `{"profile":null}`, standard},
		{`{"profile":"genea","version":"v3"}`, `{"profile":"custom"}`, custom},
		{`{"profile":"genea","version":"v3"}`, `{"version":"v1"}`, have{"genea", "sequr", "", "200", "3", "v1", "access.>"}},
		{`{"profile":"custom"}`, `{"profile":"genea"}`, genea},
		{`{"profile":"genlogs"}`, `{"profile":"genea"}`, genea},
		{`{"delivery":{"success":"2xx"},"events":["a.>"]}`, `{"profile":"genea"}`, have{"genea", "sequr", "", "2xx", "3", "v2", "a.>"}},
		{`{"delivery":{"schedule":["1s"]}}`, `{"profile":"genea"}`, have{"genea", "sequr", "", "200", "1", "v2", "access.>"}},
		{`{"profile":"custom","signature":{"header":"X-Acme"}}`, `{"profile":"genea"}`, have{"genea", "hmac", "X-Acme", "200", "3", "v2", "access.>"}},
		{`{"profile":"custom","format":"standard"}`, `{"profile":"genea"}`, have{"standard", "sequr", "", "200", "3", "", "access.>"}},
		{`{}`, `{"profile":"genea","format":"raw","delivery":{"success":"2xx"}}`, have{"raw", "sequr", "", "2xx", "3", "", "access.>"}},
		{`{"delivery":{"success":"200"}}`, `{"profile":"genea","delivery":{"success":null}}`, genea},
		{`{"profile":"custom"}`, `{"signature":{"scheme":"sequr"}}`, have{"raw", "sequr", "", "2xx", "7", "", ">"}},
		{`{"profile":"custom"}`, `{"name":"n"}`, custom},
	} {
		b := start(t, nil)
		admin := token(t, "acme", RoleAdmin)
		var object map[string]any
		if err := json.Unmarshal([]byte(c.made), &object); err != nil {
			t.Fatal(err)
		}
		object["url"] = "https://example.com/"
		if object["signature"] != nil {
			object["signature"].(map[string]any)["scheme"] = "hmac"
		}
		ep := b.made("acme", string(mustJSON(t, object)))
		path := "/v1/endpoints/" + ep.ID
		would := read[ShownEndpoint](b, b.call(admin, "PATCH", path+"?dry_run=true", c.patch))
		done := read[ShownEndpoint](b, b.call(admin, "PATCH", path, c.patch))
		if got := of(&done.Endpoint); got != c.want {
			t.Errorf("%s, then %s:\n got %+v\nwant %+v", c.made, c.patch, got, c.want)
		}
		if of(&would.Endpoint) != c.want || string(mustJSON(t, would.Changes)) != string(mustJSON(t, done.Changes)) || len(done.Changes) == 0 {
			t.Errorf("%s, then %s: the dry run tells %s, the change %s", c.made, c.patch, mustJSON(t, would.Changes), mustJSON(t, done.Changes))
		}
	}
}

// What was chosen is remembered through other changes.
func TestWhatWasChosenStays(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	path := "/v1/endpoints/" + ep.ID
	for _, patch := range []string{`{"delivery":{"success":"2xx"}}`, `{"name":"n"}`, `{"profile":"genea"}`, `{"profile":"standard"}`, `{"profile":"genea"}`} {
		b.wantStatus(b.call(admin, "PATCH", path, patch), 200)
	}
	if kept := b.endpoints[ep.ID]; kept.Delivery.Success != "2xx" || kept.Format != "genea" || kept.Given != transport.GivenSuccess {
		t.Errorf("%+v", kept)
	}
	got := read[ShownEndpoint](b, b.call(admin, "PATCH", path+"?dry_run=true", `{"delivery":{"success":null}}`))
	b.want(answer{status: 200, body: string(mustJSON(t, got.Changes))}, 200, `[{"field":"delivery.success","from":"2xx","to":"200"}]`)
}
