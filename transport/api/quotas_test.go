package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/quota"
)

// Each quota bounds its customer, says so, and leaves others and operators be.
func TestQuotasAreEachCustomersOwn(t *testing.T) {
	at := testNow
	var told []quota.News
	var b *bench
	book := quota.New(quota.Options{
		Bounds: quota.Bounds{Most: map[string]float64{transport.QuotaEndpoints: 2, transport.QuotaAlerts: 1, transport.QuotaReplays: 1, transport.QuotaEvents: 3, transport.QuotaBytes: 100},
			AtOnce: map[string]float64{transport.QuotaEvents: 3, transport.QuotaBytes: 100}},
		Own: func(customer string) map[string]float64 {
			if c, there := b.Customer(customer); there {
				return c.Quotas
			}
			return nil
		},
		Told: func(n quota.News) { told = append(told, n) },
	})
	b = start(t, func(o *Options) { o.Quotas, o.Now = book, func() time.Time { return at } })
	acme, other, operator := token(t, "acme", RoleAdmin), token(t, "other", RoleAdmin), token(t, "acme", RoleOperator)
	over := func(got answer, name string, bound, wait int) {
		t.Helper()
		if got.status != 429 || got.header.Get("Retry-After") != fmt.Sprint(wait) ||
			!strings.Contains(got.body, fmt.Sprintf(`"details":{"bound":%d,"quota":"quota.%s"}`, bound, name)) {
			t.Errorf("%d, Retry-After %s, %s; want a 429 of %s", got.status, got.header.Get("Retry-After"), got.body, name)
		}
	}
	endpoint := func(who string, n int) answer {
		return b.call(who, "POST", "/v1/endpoints", fmt.Sprintf(`{"url":"https://%d.example.com/"}`, n))
	}
	b.wantStatus(endpoint(acme, 1), 201)
	b.wantStatus(endpoint(acme, 2), 201)
	over(endpoint(acme, 3), "endpoints", 2, 60)
	over(b.call(acme, "POST", "/alerts/webhook", `{"webhook_url":"https://5.example.com/x","secret":"a secret of enough bytes"}`), "endpoints", 2, 60)
	b.wantStatus(endpoint(other, 1), 201)
	b.wantStatus(endpoint(operator, 6), 201)

	const alert = `{"alert_name":"a","email":"a@example.com","vin":"004352"}`
	b.wantStatus(b.call(acme, "POST", "/alerts", alert), 201)
	over(b.call(acme, "POST", "/alerts", alert), "alerts", 1, 60)

	b.jobs = append(b.jobs, transport.ReplayJob{ID: "r-1", ReplayWish: transport.ReplayWish{Customer: "acme"}, State: transport.ReplayRunning})
	const replay = `{"status":"dead_lettered"}`
	over(b.call(acme, "POST", "/v1/replays", replay), "replays", 1, 60)
	b.wantStatus(b.call(acme, "POST", "/v1/replays", `{"status":"dead_lettered","dry_run":true}`), 200)
	b.wantStatus(b.call(other, "POST", "/v1/replays", replay), 202)

	const event = `{"type":"access.granted","data":{}}`
	b.wantStatus(b.call(acme, "POST", "/v1/events", "["+event+","+event+","+event+"]"), 202)
	over(b.call(acme, "POST", "/v1/events", event), "events_per_second", 3, 1)
	b.wantStatus(b.call(other, "POST", "/v1/events", event), 202)
	at = at.Add(time.Second)
	b.wantStatus(b.call(acme, "POST", "/v1/events", event), 202)
	b.wantStatus(b.call(acme, "POST", "/v1/events", `{"type":"access.granted","data":{"text":"`+strings.Repeat("x", 87)+`"}}`), 202)
	over(b.call(acme, "POST", "/v1/events", event), "bytes_per_second", 100, 1)

	// An operator gives more, and nobody else does.
	const more = `{"quotas":{"endpoints":10,"alerts":null}}`
	b.customers["acme"] = &transport.Customer{ID: "acme"}
	b.wantStatus(b.call(acme, "PATCH", "/v1/customers/acme", more), 400)
	b.wantStatus(b.call(operator, "PATCH", "/v1/customers/acme", `{"quotas":{"lunch":1}}`), 400)
	b.wantStatus(b.call(operator, "PATCH", "/v1/customers/acme", `{"quotas":{"endpoints":-1}}`), 400)
	b.wantStatus(b.call(operator, "PATCH", "/v1/customers/acme", more), 200)
	b.wantStatus(endpoint(acme, 7), 201)

	usage := read[Usage](b, b.call(acme, "GET", "/v1/usage", ""))
	var lines []string
	for _, q := range usage.Quotas {
		lines = append(lines, fmt.Sprintf("%s %g/%g %v", q.Quota, q.Used, q.Bound, q.Since != nil))
	}
	if got, want := strings.Join(lines, ", "), "endpoints 4/10 false, alerts 1/1 true, replays 1/1 true, events_per_second 0.5/3 false, bytes_per_second 10.6/100 false, log_share 0/0 false, requests_per_second 1.6/0 false, tests_per_minute 0/0 false, filter_time 0/0 false"; got != want {
		t.Errorf("usage %s\nwant  %s", got, want)
	}
	b.wantStatus(b.call(other, "GET", "/v1/usage?customer=acme", ""), 403)
	b.wantStatus(b.call(operator, "GET", "/v1/usage?customer=other", ""), 200)
	if len(told) == 0 || told[0] != (quota.News{Customer: "acme", Quota: "endpoints", Reached: true, Used: 2, Bound: 2, At: testNow}) {
		t.Errorf("told %+v", told)
	}
}

// A customer's requests are counted whatever the tokens.
func TestRequestsOfACustomerAreBounded(t *testing.T) {
	at := testNow
	b := start(t, func(o *Options) {
		o.Now = func() time.Time { return at }
		o.Quotas = quota.New(quota.Options{Bounds: quota.Bounds{Most: map[string]float64{transport.QuotaRequests: 1}, AtOnce: map[string]float64{transport.QuotaRequests: 4}}})
	})
	one, two := token(t, "acme", RoleGetAlerts), token(t, "acme", RoleAdmin)
	for range 2 {
		b.wantStatus(b.call(one, "GET", "/v1/info", ""), 200)
		b.wantStatus(b.call(two, "GET", "/v1/info", ""), 200)
	}
	if got := b.call(one, "GET", "/v1/info", ""); got.status != 429 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "quota.requests_per_second") {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.wantStatus(b.call(token(t, "other", RoleAdmin), "GET", "/v1/info", ""), 200)
	b.wantStatus(b.call(token(t, "acme", RoleOperator), "GET", "/v1/info", ""), 200)
	at = at.Add(time.Second)
	b.wantStatus(b.call(one, "GET", "/v1/info", ""), 200)
}
