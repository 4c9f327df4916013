package api

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/quota"
)

func TestCustomersAreMadeByOperators(t *testing.T) {
	b := start(t, nil)
	operator := token(t, "", RoleOperator)
	got := b.call(operator, "POST", "/v1/customers", `{"id":"acme","customer_id":123,"name":"Acme","email":"ops@EXAMPLE.com","time_zone":"America/Chicago",`+
		`"locations":[{"uuid":"l1","name":"Main","hardware":"vertx"}],"schedules":{"hot":"*/5 * * * *"}}`)
	const acme = `{"id":"acme","customer_id":123,"name":"Acme","email":"ops@example.com","time_zone":"America/Chicago",` +
		`"locations":[{"uuid":"l1","name":"Main","hardware":"vertx"}],"schedules":{"hot":"*/5 * * * *","normal":"0 7 * * *"}}`
	b.want(got, 201, acme)
	b.want(b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/customers/acme", ""), 200, acme)
	b.want(b.call(operator, "POST", "/v1/customers", `{"id":"acme"}`), 409,
		`{"message":"Customer acme is there already: change it by PATCH /v1/customers/acme","error_type":"ConflictError","error_code":"CONFLICT"}`)
	b.want(b.call(token(t, "acme", RoleAdmin), "POST", "/v1/customers", `{"id":"new"}`), 403, `{"detail":"User lacks required roles: ['operator']"}`)
	b.wantStatus(b.call(operator, "POST", "/v1/customers", `{"id":"small"}`), 201)
	if got := read[CustomerList](b, b.call(operator, "GET", "/v1/customers", "")).Items; len(got) != 2 || got[1].CustomerID == 0 || got[1].TimeZone != "UTC" {
		t.Errorf("%+v", got)
	}
	page := read[CustomerList](b, b.call(operator, "GET", "/v1/customers?limit=1", ""))
	if next := read[CustomerList](b, b.call(operator, "GET", "/v1/customers?limit=1&cursor="+page.NextCursor, "")); next.Items[0].ID != "small" || next.NextCursor != "" {
		t.Errorf("%+v", next)
	}
}

func TestACustomerSeesAndChangesItself(t *testing.T) {
	b := start(t, nil)
	for id, number := range map[string]int64{"acme": 1, "other": 2} {
		b.customers[id] = &transport.Customer{ID: id, CustomerID: number, Locations: []transport.Location{{UUID: "l1"}}}
	}
	admin, anyone := token(t, "acme", RoleAdmin), token(t, "acme", RoleGetAlerts)
	if got := read[CustomerList](b, b.call(anyone, "GET", "/v1/customers", "")).Items; len(got) != 1 || got[0].ID != "acme" {
		t.Errorf("%+v", got)
	}
	b.want(b.call(admin, "GET", "/v1/customers/other", ""), 404, `{"message":"Customer other not found","error_type":"CustomerNotFoundError","error_code":"CUSTOMER_NOT_FOUND"}`)
	b.wantStatus(b.call(admin, "PATCH", "/v1/customers/other", `{"name":"x"}`), 404)
	b.want(b.call(anyone, "PATCH", "/v1/customers/acme", `{"name":"x"}`), 403, `{"detail":"User lacks required roles: ['admin']"}`)
	shown := b.call(admin, "PATCH", "/v1/customers/acme", `{"email":"a@example.com","schedules":{"normal":"30 6 * * mon-fri"},"locations":null}`)
	b.want(shown, 200, `{"id":"acme","customer_id":1,"name":"","email":"a@example.com","time_zone":"UTC","schedules":{"hot":"*/15 * * * *","normal":"30 6 * * mon-fri"}}`)
	b.wantStatus(b.call(admin, "PATCH", "/v1/customers/acme", shown.body), 200) // what is shown may be sent back
	b.wantStatus(b.call(admin, "PATCH", "/v1/customers/acme", `{"schedules":{"normal":null,"hot":null}}`), 200)
	if kept := b.customers["acme"]; kept.Schedules != nil || kept.Email != "a@example.com" {
		t.Errorf("%+v", kept)
	}
	b.wantStatus(b.call(admin, "PATCH", "/v1/customers/acme", `{"name":"x"}`, "If-Match", shown.header.Get("ETag")), 412)
	b.wantStatus(b.call(token(t, "", RoleOperator), "PATCH", "/v1/customers/acme", `{"customer_id":77}`), 200)
	if got := b.customers["acme"].CustomerID; got != 77 {
		t.Errorf("number %d", got)
	}
	for body, message := range map[string]string{
		`{"id":"new"}`:                           "id: cannot be changed; leave it out",
		`{"customer_id":5}`:                      "customer_id: cannot be changed; leave it out",
		`{"time_zone":"Mars/Olympus"}`:           "time_zone: not a time zone of the IANA database; give a name such as America/Chicago, or leave it out for UTC",
		`{"schedules":{"hot":"every hour"}}`:     "schedules.hot: has 2 fields; give five fields such as 0 7 * * * (minute, hour, day, month, weekday)",
		`{"schedules":{"live":"* * * * *"}}`:     "schedules.live: unknown field; check its spelling, or leave it out",
		`{"locations":[{"uuid":"l","site":""}]}`: "locations[0].site: unknown field; check its spelling, or leave it out",
		`{"locations":[{"name":"a"}]}`:           "locations[0].uuid: missing or too long",
		`{"email":"nobody"}`:                     "email: not one plain mail address",
		`{"phone":"1"}`:                          "phone: unknown field",
	} {
		got := b.call(admin, "PATCH", "/v1/customers/acme", body)
		if got.status != 400 || !strings.Contains(got.body, `{"message":"`+message) || !strings.Contains(got.body, `"VALIDATION_ERROR"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

// The customer's locations decide which versions its genea endpoints may have.
func TestLocationsAreAskedForTheVersion(t *testing.T) {
	b := start(t, nil)
	operator := token(t, "", RoleOperator)
	b.wantStatus(b.call(operator, "POST", "/v1/customers", `{"id":"acme","locations":[{"uuid":"a","hardware":"vertx"},{"uuid":"b","hardware":"mercury"}]}`), 201)
	const hook = `{"url":"https://example.com","profile":"genea","version":"%s"}`
	admin := token(t, "acme", RoleAdmin)
	got := b.call(admin, "POST", "/v1/endpoints", strings.ReplaceAll(hook, "%s", "v2"))
	if got.status != 400 || !strings.Contains(got.body, "choose v3") {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.wantStatus(b.call(admin, "POST", "/v1/endpoints", strings.ReplaceAll(hook, "%s", "v3")), 201)
}

// What holds at this moment is told where it is asked for, and to none but those
// who see the customer.
func TestCustomersAsOfNow(t *testing.T) {
	b := start(t, func(o *Options) { o.Quotas = quota.New(quota.Options{}) })
	b.customers["acme"] = &transport.Customer{ID: "acme", CustomerID: 7, Name: "Acme Inc", TimeZone: "America/Chicago", Schedules: map[string]string{"hot": "*/5 * * * *"}}
	b.customers["other"] = &transport.Customer{ID: "other", CustomerID: 8, Email: "ops@example.com"}
	anyone, operator := token(t, "acme", RoleGetAlerts), token(t, "", RoleOperator)
	shown := read[ShownCustomer](b, b.call(anyone, "GET", "/v1/customers/acme?now=true", ""))
	for alertType, want := range map[string]string{"normal": "2026-01-02T13:00:00Z", "hot": "2026-01-02T03:05:00Z"} {
		if got := shown.NextRuns[alertType].Format(time.RFC3339); got != want { // of testNow, 03:04:05 UTC
			t.Errorf("%s runs at %s, want %s", alertType, got, want)
		}
	}
	if len(shown.Use) != len(transport.Quotas) || shown.Use[0].Quota != transport.QuotaEndpoints {
		t.Errorf("%+v", shown.Use)
	}
	if got := read[ShownCustomer](b, b.call(anyone, "GET", "/v1/customers/acme", "")); got.NextRuns != nil || got.Use != nil {
		t.Errorf("%+v", got)
	}
	b.wantStatus(b.call(anyone, "GET", "/v1/customers/other?now=true", ""), 404)
	for query, want := range map[string]int{"": 2, "?q=ACME+7": 1, "?q=ops@example.com&now=true": 1, "?q=acme+8": 0} {
		if got := read[CustomerList](b, b.call(operator, "GET", "/v1/customers"+query, "")).Items; len(got) != want || strings.Contains(query, "now") != (want > 0 && got[0].Use != nil) {
			t.Errorf("%q: %+v", query, got)
		}
	}
	if got := read[CustomerList](b, b.call(anyone, "GET", "/v1/customers?now=true", "")).Items; len(got) != 1 || got[0].ID != "acme" {
		t.Errorf("%+v", got)
	}
}
