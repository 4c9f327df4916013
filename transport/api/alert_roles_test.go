package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// TestRolesForAlertsAndWebhooks is the table of the contract: every route, by
// every role, by the customer whose things they are, by another, by operators.
func TestRolesForAlertsAndWebhooks(t *testing.T) {
	const hook = `{"webhook_url":"https://example.com/second"}`
	routes := []struct {
		method, path, body string
		roles              []string // besides admin; nil: any token
		ok                 int
		mine               bool // another customer gets 404
	}{
		{"POST", "/alerts/webhook", hook, []string{RoleCreateEndpoint}, 201, false},
		{"GET", "/alerts/webhook", "", []string{RoleListEndpoints}, 200, false},
		{"GET", "/alerts/webhook/{hook}", "", []string{RoleEditEndpoint, RoleListEndpoints}, 200, true},
		{"PATCH", "/alerts/webhook/{hook}", `{"enabled":false}`, []string{RoleEditEndpoint}, 200, true},
		{"DELETE", "/alerts/webhook/{hook}", "", []string{RoleDeleteEndpoint}, 204, true},
		{"POST", "/alerts/webhook/test", `{"webhook_url":"https://example.com","secret":"a secret of enough bytes"}`, []string{RoleTestEndpoint}, 200, false},
		{"POST", "/alerts", anAlert, []string{RoleCreateAlert}, 201, false},
		{"GET", "/alerts", "", []string{RoleGetAlerts}, 200, false},
		{"GET", "/alerts/{alert}", "", []string{RoleEditAlert, RoleGetAlerts}, 200, true},
		{"PATCH", "/alerts/{alert}", `{"vin":"004352"}`, []string{RoleEditAlert}, 200, true},
		{"DELETE", "/alerts/{alert}", "", []string{RoleEditAlert}, 204, true},
		{"POST", "/alerts/preview", anAlert, []string{RoleCreateAlert}, 200, false},
		{"POST", "/alerts/run", `{}`, []string{RoleRunAlerts}, 202, false},
		{"GET", "/v1/runs", "", nil, 200, false},
		{"GET", "/v1/runs/r2", "", nil, 200, true},
		{"GET", "/v1/customers", "", nil, 200, false},
		{"GET", "/v1/customers/acme", "", nil, 200, true},
		{"PATCH", "/v1/customers/acme", `{"name":"x"}`, []string{}, 200, true},
	}
	roles := []string{"", "stranger", RoleAdmin, RoleOperator, RoleCreateEndpoint, RoleEditEndpoint, RoleDeleteEndpoint, RoleListEndpoints,
		RoleTestEndpoint, RolePublishEvents, RoleReplay, RoleCreateAlert, RoleEditAlert, RoleGetAlerts, RoleRunAlerts}
	b := start(t, nil)
	for _, r := range routes {
		for _, role := range roles {
			for _, customer := range []string{"acme", "other"} {
				clear(b.endpoints)
				clear(b.alerts)
				b.customers["acme"] = &transport.Customer{ID: "acme"}
				b.runs = []transport.Run{{ID: "r2", Customer: "acme", Type: "hot", State: "open"}, {ID: "r5", Customer: "other", Type: "hot", State: "open"}}
				ep := b.made("acme", `{"url":"https://example.com/first","profile":"genlogs"}`)
				alert := b.madeAlert("acme", anAlert)
				want := r.ok
				switch allowed := r.roles == nil || role == RoleAdmin || role == RoleOperator || slices.Contains(r.roles, role); {
				case !allowed:
					want = 403
				case r.mine && customer == "other" && role != RoleOperator:
					want = 404
				}
				path := strings.NewReplacer("{hook}", ep.ID, "{alert}", alert.ID).Replace(r.path)
				got := b.call(token(t, customer, role), r.method, path, r.body)
				if got.status != want {
					t.Errorf("%s %s as %q of %s: got %d %s, want %d", r.method, r.path, role, customer, got.status, got.body, want)
				}
				if want == 403 {
					lacks := "'admin'"
					for _, needed := range r.roles {
						lacks += ", '" + needed + "'"
					}
					b.want(got, 403, `{"detail":"User lacks required roles: [`+lacks+`]"}`)
				}
			}
		}
	}
	other := token(t, "other", RoleAdmin)
	for _, path := range []string{"/alerts?customer=acme", "/alerts/webhook?customer=acme", "/v1/runs?customer=acme"} {
		b.want(b.call(other, "GET", path, ""), 403, `{"detail":"Token of customer 'other' may not act for another customer"}`)
	}
}
