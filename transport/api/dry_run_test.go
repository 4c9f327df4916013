package api

import (
	"strings"
	"testing"
)

// A dry run is checked and answered as the change would be, and changes nothing.
func TestADryRunOfAChange(t *testing.T) {
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	ep := b.made("acme", `{"url":"https://example.com/a","headers":{"X-A":"1","X-B":"2"},"name":"before"}`)
	path := "/v1/endpoints/" + ep.ID
	before := b.call(admin, "GET", path, "")

	got := b.call(admin, "PATCH", path+"?dry_run=true", `{"name":"after","headers":{"X-A":"9","X-B":"2","X-C":"3"},"tls":{"ca":null}}`)
	b.wantStatus(got, 200)
	for _, part := range []string{`"name":"after"`, `"X-C":"***"`, `"changed_unseen":["headers.X-A"]`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("%s is missing: %s", part, got.body)
		}
	}
	if got.header.Get("ETag") != before.header.Get("ETag") {
		t.Errorf("ETag %s, of the state that is there %s", got.header.Get("ETag"), before.header.Get("ETag"))
	}
	b.wantStatus(b.call(admin, "PATCH", path+"?dry_run=true", `{"url":"ftp://example.com"}`), 400)
	b.wantStatus(b.call(admin, "PATCH", path+"?dry_run=true", `{"name":"x"}`, "If-Match", `"0"`), 412)
	b.want(b.call(admin, "GET", path, ""), 200, before.body)

	alert := b.madeAlert("acme", `{"alert_name":"n","email":"a@example.com","vin":"123456"}`)
	if got := b.call(admin, "PATCH", "/alerts/"+alert.ID+"?dry_run=true", `{"alert_name":"m"}`); !strings.Contains(got.body, `"alert_name":"m"`) {
		t.Error(got.body)
	}
	if got := b.call(admin, "GET", "/alerts/"+alert.ID, ""); !strings.Contains(got.body, `"alert_name":"n"`) {
		t.Error(got.body)
	}
	b.wantStatus(b.call(token(t, "", RoleOperator), "POST", "/v1/customers", `{"id":"acme"}`), 201)
	if got := b.call(admin, "PATCH", "/v1/customers/acme?dry_run=true", `{"name":"Acme Inc"}`); !strings.Contains(got.body, `"name":"Acme Inc"`) {
		t.Error(got.body)
	}
	if got := b.call(admin, "GET", "/v1/customers/acme", ""); strings.Contains(got.body, "Acme Inc") {
		t.Error(got.body)
	}
}
