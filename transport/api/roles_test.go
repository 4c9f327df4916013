package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// TestRolesAndCustomers is the whole matrix: every route, by every role, by
// the customer whose things they are, by another one, and by operators.
func TestRolesAndCustomers(t *testing.T) {
	const hook = `{"url":"https://example.com/%s"}`
	routes := []struct {
		method, path, body string
		roles              []string // besides admin; nil: any token
		ok                 int
		mine               bool // another customer gets 404
	}{
		{"POST", "/v1/endpoints", hook, []string{RoleCreateEndpoint}, 201, false},
		{"GET", "/v1/endpoints", "", []string{RoleListEndpoints}, 200, false},
		{"GET", "/v1/endpoints/{id}", "", []string{RoleEditEndpoint, RoleListEndpoints}, 200, true},
		{"PATCH", "/v1/endpoints/{id}", `{"name":"new"}`, []string{RoleEditEndpoint}, 200, true},
		{"DELETE", "/v1/endpoints/{id}", "", []string{RoleDeleteEndpoint}, 204, true},
		{"GET", "/v1/endpoints/{id}/secret", "", []string{}, 200, true},
		{"POST", "/v1/endpoints/{id}/rotate", "", []string{}, 200, true},
		{"POST", "/v1/endpoints/{id}/test", "", []string{RoleTestEndpoint}, 200, true},
		{"POST", "/v1/endpoints/test", `{"endpoint":` + hook + `}`, []string{RoleTestEndpoint}, 200, false},
		{"POST", "/v1/events", `{"type":"a.b","data":1}`, []string{RolePublishEvents}, 202, false},
		{"GET", "/v1/deadletters", "", nil, 200, false},
		{"GET", "/v1/deadletters/5", "", nil, 200, true},
		{"POST", "/v1/deadletters/5/replay", "", []string{RoleReplay}, 202, true},
		{"GET", "/v1/deliveries", "", nil, 200, false},
		{"GET", "/v1/deliveries/5-{id}", "", nil, 200, true},
		{"POST", "/v1/deliveries/5-{id}/replay", "", []string{RoleReplay}, 202, true},
		{"POST", "/v1/replays", `{"endpoint":"e"}`, []string{RoleReplay}, 202, false},
		{"GET", "/v1/replays", "", nil, 200, false},
		{"GET", "/v1/replays/r", "", nil, 200, true},
		{"DELETE", "/v1/replays/r", "", []string{RoleReplay}, 200, true},
		{"POST", "/v1/deadletters/replay", `{"endpoint":"e"}`, []string{RoleReplay}, 202, false},
		{"DELETE", "/v1/deadletters?reason=gone", "", []string{}, 200, false},
		{"POST", "/v1/endpoints/{id}/pause", "", []string{RoleEditEndpoint}, 200, true},
		{"POST", "/v1/endpoints/{id}/resume", "", []string{RoleEditEndpoint}, 200, true},
		{"GET", "/v1/recipes", "", nil, 200, false},
		{"GET", "/v1/audit", "", nil, 200, false},
		{"GET", "/v1/info", "", nil, 200, false},
		{"GET", "/v1/event-types", "", nil, 200, false},
		{"GET", "/v1/egress", "", nil, 200, false},
	}
	roles := []string{"", "stranger", RoleAdmin, RoleOperator, RoleCreateEndpoint, RoleEditEndpoint,
		RoleDeleteEndpoint, RoleListEndpoints, RoleTestEndpoint, RolePublishEvents, RoleReplay}
	b := start(t, nil)
	for _, r := range routes {
		for _, role := range roles {
			for _, customer := range []string{"acme", "other"} {
				clear(b.endpoints)
				ep := b.made("acme", fmt.Sprintf(hook, "first"))
				b.letters[5] = &transport.DeadLetter{ID: 5, Customer: "acme", Endpoint: ep.ID, Event: &transport.Event{Data: []byte(`{}`)}}
				b.logged = []transport.LoggedDelivery{{Pair: transport.Pair{Seq: 5, Endpoint: ep.ID}, Customer: "acme", State: transport.StateDelivered}}
				b.eventLog = map[uint64]*transport.Event{5: {Seq: 5, Customer: "acme", Data: []byte(`{}`)}}
				b.jobs = []transport.ReplayJob{{ID: "r", ReplayWish: transport.ReplayWish{Customer: "acme"}}}
				allowed := r.roles == nil || role == RoleAdmin || role == RoleOperator || slices.Contains(r.roles, role)
				want := r.ok
				switch {
				case !allowed:
					want = 403
				case r.mine && customer == "other" && role != RoleOperator:
					want = 404
				}
				body := strings.ReplaceAll(r.body, "%s", "second")
				got := b.call(token(t, customer, role), r.method, strings.ReplaceAll(r.path, "{id}", ep.ID), body)
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
}

func TestAnotherCustomersThingsAreAsIfAbsent(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	b.letters[5] = &transport.DeadLetter{ID: 5, Customer: "acme"}
	other := token(t, "other", RoleAdmin)
	there := b.call(other, "GET", "/v1/endpoints/"+ep.ID, "")
	b.want(there, 404, `{"message":"Endpoint `+ep.ID+` not found","error_type":"EndpointNotFoundError","error_code":"ENDPOINT_NOT_FOUND"}`)
	absent := b.call(other, "GET", "/v1/endpoints/absent", "")
	b.want(absent, 404, strings.ReplaceAll(there.body, ep.ID, "absent"))
	b.want(b.call(other, "GET", "/v1/deadletters/5", ""), 404,
		`{"message":"Dead Letter 5 not found","error_type":"DeadLetterNotFoundError","error_code":"DEAD_LETTER_NOT_FOUND"}`)
	b.want(b.call(other, "GET", "/v1/endpoints", ""), 200, `{"items":[]}`)
	b.want(b.call(other, "GET", "/v1/deadletters", ""), 200, `{"items":[]}`)
	for _, path := range []string{"/v1/endpoints?customer=acme", "/v1/deadletters?customer=acme", "/v1/audit?customer=acme", "/v1/deliveries?customer=acme", "/v1/replays?customer=acme"} {
		b.want(b.call(other, "GET", path, ""), 403, `{"detail":"Token of customer 'other' may not act for another customer"}`)
	}
	for _, c := range [][2]string{{"/v1/endpoints", `{"customer":"acme","url":"https://example.com"}`}, {"/v1/endpoints/test", `{"endpoint":{"customer":"acme","url":"https://example.com"}}`}, {"/v1/events", `{"customer":"acme","type":"a","data":1}`},
		{"/v1/replays", `{"customer":"acme","endpoint":"e"}`}, {"/v1/deadletters/replay", `{"customer":"acme","endpoint":"e"}`}} {
		b.want(b.call(other, "POST", c[0], c[1]), 403, `{"detail":"Token of customer 'other' may not act for another customer"}`)
	}
	if len(b.events) > 0 || len(b.endpoints) != 1 {
		t.Errorf("%d events, %d endpoints", len(b.events), len(b.endpoints))
	}
	b.call(other, "GET", "/v1/audit", "")
	if b.audited[0] != "other" {
		t.Errorf("audited %q", b.audited)
	}
}

func TestOperatorsNameCustomers(t *testing.T) {
	b := start(t, nil)
	operator := token(t, "", RoleOperator)
	b.want(b.call(operator, "POST", "/v1/events", `{"type":"a","data":1}`), 400,
		`{"message":"customer: missing; a token without a customer of its own must name one","error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"customer"}}`)
	b.wantStatus(b.call(operator, "POST", "/v1/events", `{"customer":"acme","type":"a","data":1}`), 202)
	b.wantStatus(b.call(operator, "POST", "/v1/endpoints", `{"customer":"acme","url":"https://example.com"}`), 201)
	b.wantStatus(b.call(operator, "POST", "/v1/endpoints", `{"customer":"other","url":"https://example.com"}`), 201)
	if n := len(read[EndpointList](b, b.call(operator, "GET", "/v1/endpoints", "")).Items); n != 2 {
		t.Errorf("an operator sees %d", n)
	}
	if n := len(read[EndpointList](b, b.call(operator, "GET", "/v1/endpoints?customer=acme", "")).Items); n != 1 {
		t.Errorf("an operator sees %d of acme", n)
	}
	if b.events[0].Customer != "acme" {
		t.Errorf("published for %q", b.events[0].Customer)
	}
}

func TestGeneaEndpointsAreForAdmins(t *testing.T) {
	b := start(t, nil)
	every := token(t, "acme", RoleCreateEndpoint, RoleEditEndpoint, RoleDeleteEndpoint, RoleListEndpoints, RoleTestEndpoint)
	const lacks = `{"detail":"User lacks required roles: ['admin']"}`
	b.want(b.call(every, "POST", "/v1/endpoints", `{"url":"https://example.com","profile":"genea"}`), 403, lacks)
	ep := b.made("acme", `{"url":"https://example.com","profile":"genea"}`)
	path := "/v1/endpoints/" + ep.ID
	for _, c := range [][2]string{{"GET", path}, {"PATCH", path}, {"DELETE", path}, {"POST", path + "/test"}} {
		b.want(b.call(every, c[0], c[1], `{}`), 403, lacks)
	}
	b.want(b.call(every, "GET", "/v1/endpoints", ""), 200, `{"items":[]}`)
	plain := b.made("acme", `{"url":"https://example.com"}`)
	b.want(b.call(every, http.MethodPatch, "/v1/endpoints/"+plain.ID, `{"profile":"genea"}`), 403, lacks)
}
