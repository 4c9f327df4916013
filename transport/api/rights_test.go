package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// right is what the contract says of one route: an example of it, and who may.
type right struct {
	path, body string
	// roles besides admin and operator; nil: them alone.
	roles []string
	ok    int // the status of one who may
	mine  bool
	// operator: admins may not either. Open: no token is asked for.
	operator, open bool
}

// rights name every route there is. mine: another customer gets 404.
var rights = map[string]right{
	"POST /v1/endpoints":             {body: `{"url":"https://example.com/second"}`, roles: []string{RoleCreateEndpoint}, ok: 201},
	"GET /v1/endpoints":              {roles: []string{RoleListEndpoints}, ok: 200},
	"GET /v1/endpoints/{id}":         {roles: []string{RoleEditEndpoint, RoleListEndpoints}, ok: 200, mine: true},
	"PATCH /v1/endpoints/{id}":       {body: `{"name":"new"}`, roles: []string{RoleEditEndpoint}, ok: 200, mine: true},
	"DELETE /v1/endpoints/{id}":      {roles: []string{RoleDeleteEndpoint}, ok: 204, mine: true},
	"GET /v1/endpoints/{id}/secret":  {ok: 200, mine: true},
	"POST /v1/endpoints/{id}/rotate": {ok: 200, mine: true},
	"POST /v1/endpoints/{id}/test":   {roles: []string{RoleTestEndpoint}, ok: 200, mine: true},
	"POST /v1/endpoints/{id}/pause":  {roles: []string{RoleEditEndpoint}, ok: 200, mine: true},
	"POST /v1/endpoints/{id}/resume": {roles: []string{RoleEditEndpoint}, ok: 200, mine: true},
	"POST /v1/endpoints/test":        {body: `{"endpoint":{"url":"https://example.com/second"}}`, roles: []string{RoleTestEndpoint}, ok: 200},

	"POST /v1/endpoints/preview": {body: `{"endpoint":{"url":"https://example.com/second"}}`, roles: trialRoles, ok: 200},

	"POST /alerts/webhook":        {body: `{"webhook_url":"https://example.com/second"}`, roles: []string{RoleCreateEndpoint}, ok: 201},
	"GET /alerts/webhook":         {roles: []string{RoleListEndpoints}, ok: 200},
	"GET /alerts/webhook/{id}":    {roles: []string{RoleEditEndpoint, RoleListEndpoints}, ok: 200, mine: true},
	"PATCH /alerts/webhook/{id}":  {body: `{"enabled":false}`, roles: []string{RoleEditEndpoint}, ok: 200, mine: true},
	"DELETE /alerts/webhook/{id}": {roles: []string{RoleDeleteEndpoint}, ok: 204, mine: true},
	"POST /alerts/webhook/test":   {body: `{"webhook_url":"https://example.com","secret":"a secret of enough bytes"}`, roles: []string{RoleTestEndpoint}, ok: 200},

	"POST /alerts":         {body: anAlert, roles: []string{RoleCreateAlert}, ok: 201},
	"GET /alerts":          {roles: []string{RoleGetAlerts}, ok: 200},
	"GET /alerts/{id}":     {path: "/alerts/{alert}", roles: []string{RoleEditAlert, RoleGetAlerts}, ok: 200, mine: true},
	"PATCH /alerts/{id}":   {path: "/alerts/{alert}", body: `{"vin":"004352"}`, roles: []string{RoleEditAlert}, ok: 200, mine: true},
	"DELETE /alerts/{id}":  {path: "/alerts/{alert}", roles: []string{RoleEditAlert}, ok: 204, mine: true},
	"POST /alerts/preview": {body: anAlert, roles: []string{RoleCreateAlert}, ok: 200},
	"POST /alerts/run":     {body: `{}`, roles: []string{RoleRunAlerts}, ok: 202},
	"GET /v1/runs":         {roles: anyRole, ok: 200},
	"GET /v1/runs/{id}":    {path: "/v1/runs/r2", roles: readerRoles, ok: 200, mine: true},

	"GET /v1/changes":          {ok: 200},
	"GET /v1/customers":        {roles: anyRole, ok: 200},
	"POST /v1/customers":       {body: `{"id":"fresh"}`, ok: 201, operator: true},
	"GET /v1/customers/{id}":   {path: "/v1/customers/acme", roles: anyRole, ok: 200, mine: true},
	"PATCH /v1/customers/{id}": {path: "/v1/customers/acme", body: `{"name":"x"}`, ok: 200, mine: true},

	"POST /v1/events":                  {body: `{"type":"a.b","data":1}`, roles: []string{RolePublishEvents}, ok: 202},
	"GET /v1/event-types":              {roles: anyRole, ok: 200},
	"GET /v1/recipes":                  {roles: anyRole, ok: 200},
	"GET /v1/deliveries":               {roles: anyRole, ok: 200},
	"GET /v1/deliveries/{id}":          {path: "/v1/deliveries/5-{hook}", roles: readerRoles, ok: 200, mine: true},
	"GET /v1/series":                   {roles: anyRole, ok: 200},
	"GET /v1/stream":                   {roles: anyRole, ok: 200},
	"POST /v1/deliveries/{id}/replay":  {path: "/v1/deliveries/5-{hook}/replay", roles: []string{RoleReplay}, ok: 202, mine: true},
	"POST /v1/replays":                 {body: `{"reason":"x"}`, roles: []string{RoleReplay}, ok: 400},
	"GET /v1/replays":                  {roles: anyRole, ok: 200},
	"GET /v1/replays/{id}":             {path: "/v1/replays/r", roles: anyRole, ok: 200, mine: true},
	"DELETE /v1/replays/{id}":          {path: "/v1/replays/r", roles: []string{RoleReplay}, ok: 200, mine: true},
	"GET /v1/deadletters":              {roles: anyRole, ok: 200},
	"DELETE /v1/deadletters":           {path: "/v1/deadletters?reason=gone", ok: 200},
	"GET /v1/deadletters/groups":       {roles: anyRole, ok: 200},
	"GET /v1/streams":                  {ok: 200, operator: true},
	"GET /v1/deadletters/{id}":         {path: "/v1/deadletters/5", roles: readerRoles, ok: 200, mine: true},
	"POST /v1/deadletters/{id}/replay": {path: "/v1/deadletters/5/replay", roles: []string{RoleReplay}, ok: 202, mine: true},
	"POST /v1/deadletters/replay":      {body: `{"reason":"gone"}`, roles: []string{RoleReplay}, ok: 202},
	"POST /v1/tokens/revoke":           {body: `{"jti":"t-1"}`, ok: 200, operator: true},

	"GET /v1/session":    {roles: append([]string{"", "stranger"}, anyRole...), ok: 200},
	"POST /v1/session":   {ok: 400, open: true},
	"DELETE /v1/session": {ok: 204, open: true},
	"GET /ui/":           {ok: 200, open: true},
	"GET /ui":            {ok: 200, open: true},
	"GET /confirm":       {path: "/confirm?t=acme", ok: 200, open: true},
	"POST /confirm":      {path: "/confirm?t=acme", ok: 200, open: true},
	"GET /{$}":           {path: "/", ok: 200, open: true},

	"GET /v1/usage":      {roles: anyRole, ok: 200},
	"GET /v1/audit":      {roles: anyRole, ok: 200},
	"GET /v1/egress":     {roles: anyRole, ok: 200},
	"GET /v1/info":       {roles: append([]string{"", "stranger"}, anyRole...), ok: 200},
	"GET /healthz":       {ok: 200, open: true},
	"GET /readyz":        {ok: 200, open: true},
	"GET /metrics":       {ok: 200, open: true},
	"GET /openapi.json":  {ok: 200, open: true},
	"GET /asyncapi.json": {ok: 200, open: true},
	"GET /docs":          {ok: 200, open: true},
}

func startWithMetrics(t *testing.T) *bench {
	return start(t, func(o *Options) {
		o.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		o.SessionKey, o.Page = testSessionKey, o.Metrics
		o.Confirmations = &confirmations{}
		o.StreamStates = func() StreamStates { return StreamStates{Items: []StreamState{}} }
	})
}

// The router itself tells what routes there are: none can be forgotten here.
func TestEveryRouteHasItsRights(t *testing.T) {
	patterns := startWithMetrics(t).server.mux.patterns
	for _, pattern := range patterns {
		if _, known := rights[pattern]; !known {
			t.Errorf("%s: nothing says who may", pattern)
		}
	}
	for pattern := range rights {
		if !slices.Contains(patterns, pattern) {
			t.Errorf("%s is no route", pattern)
		}
	}
}

// Every route, by every role, by the customer whose things they are, by another
// one, and by operators.
func TestRolesAndCustomers(t *testing.T) {
	b := startWithMetrics(t)
	b.server.EndStreams() // those that are let in end at once
	for pattern, r := range rights {
		method, path, _ := strings.Cut(pattern, " ")
		if r.path != "" {
			path = r.path
		}
		path = strings.ReplaceAll(path, "{id}", "{hook}")
		if r.open {
			b.wantStatus(b.call("", method, path, ""), r.ok)
			continue
		}
		b.wantStatus(b.call("", method, b.furnish(path), r.body), 401)
		for _, role := range append([]string{"", "stranger"}, Roles()...) {
			for _, customer := range []string{"acme", "other"} {
				b.wantRight(pattern, method, b.furnish(path), customer, role, r)
			}
		}
	}
}

// furnish gives acme one of each thing, and path with their ids.
func (b *bench) furnish(path string) string {
	clear(b.endpoints)
	clear(b.alerts)
	clear(b.customers)
	b.customers["acme"] = &transport.Customer{ID: "acme"}
	ep := b.made("acme", `{"url":"https://example.com/first","profile":"genlogs"}`)
	alert := b.madeAlert("acme", anAlert)
	b.runs = []transport.Run{{ID: "r2", Customer: "acme", Type: transport.RunSummary, State: "open"}, {ID: "r5", Customer: "other", Type: transport.RunSummary, State: "open"}}
	b.letters[5] = &transport.DeadLetter{ID: 5, Customer: "acme", Endpoint: ep.ID, Event: &transport.Event{Data: []byte(`{}`)}}
	b.logged = []transport.LoggedDelivery{{Pair: transport.Pair{Seq: 5, Endpoint: ep.ID}, Customer: "acme", State: transport.StateDelivered}}
	b.eventLog = map[uint64]*transport.Event{5: {Seq: 5, Customer: "acme", Data: []byte(`{}`)}}
	b.jobs = []transport.ReplayJob{{ID: "r", ReplayWish: transport.ReplayWish{Customer: "acme"}}}
	return strings.NewReplacer("{hook}", ep.ID, "{alert}", alert.ID).Replace(path)
}

func (b *bench) wantRight(pattern, method, path, customer, role string, r right) {
	b.Helper()
	operator := role == RoleOperator
	allowed := operator || !r.operator && (role == RoleAdmin || slices.Contains(r.roles, role))
	want := r.ok
	switch {
	case !allowed:
		want = 403
	case r.mine && customer == "other" && !operator:
		want = 404
	}
	var roles []string
	if role != "" {
		roles = []string{role}
	}
	got := b.call(token(b, customer, roles...), method, path, r.body)
	if got.status != want {
		b.Errorf("%s as %q of %s: got %d %s, want %d", pattern, role, customer, got.status, got.body, want)
	}
	if want != 403 {
		return
	}
	lacks := "'" + strings.Join(append([]string{RoleAdmin}, without(r.roles, RoleAdmin)...), "', '") + "'"
	if r.operator {
		lacks = "'operator'"
	}
	b.want(got, 403, `{"detail":"User lacks required roles: [`+lacks+`]"}`)
}

func without(list []string, out string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == out })
}

func TestListsOfAnotherCustomerAreRefused(t *testing.T) {
	other := token(t, "other", RoleAdmin)
	b := start(t, nil)
	for _, path := range []string{"/alerts?customer=acme", "/alerts/webhook?customer=acme", "/v1/runs?customer=acme"} {
		b.want(b.call(other, "GET", path, ""), 403, `{"detail":"Token of customer 'other' may not act for another customer"}`)
	}
}
