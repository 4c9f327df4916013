package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/quota"
)

// Tests are bounded for a customer, a host of his and a mailbox, by every way
// to make one; what sends nothing is not, and operators are not.
func TestTestsAreBounded(t *testing.T) {
	at := testNow
	b := start(t, func(o *Options) {
		o.Now, o.Tests = func() time.Time { return at }, TestQuota{PerHost: 2, PerMailbox: 1}
		o.Quotas = quota.New(quota.Options{Bounds: quota.Bounds{Most: map[string]float64{transport.QuotaTests: 5}}})
	})
	b.answer = transport.Answer{Class: transport.Delivered, Status: 200}
	tester, other, operator := token(t, "acme", RoleTestEndpoint), token(t, "other", RoleTestEndpoint), token(t, "acme", RoleOperator)
	over := func(got answer, per string, most, wait int) {
		t.Helper()
		if got.status != 429 || got.header.Get("Retry-After") != fmt.Sprint(wait) ||
			!strings.Contains(got.body, fmt.Sprintf(`"details":{"bound":%d,"per":%q,"quota":"quota.tests_per_minute"}`, most, per)) {
			t.Errorf("%d, Retry-After %s, %s; want a 429 of %s", got.status, got.header.Get("Retry-After"), got.body, per)
		}
	}
	hook := func(who, host string) answer {
		return b.call(who, "POST", "/alerts/webhook/test", `{"webhook_url":"https://`+host+`/x","secret":"a secret of enough bytes"}`)
	}
	unsaved := func(who, host, more string) answer {
		return b.call(who, "POST", "/v1/endpoints/test", `{"endpoint":{"url":"https://`+host+`/y"}`+more+`}`)
	}
	b.wantStatus(hook(tester, "one.example.com"), 200)
	at = at.Add(10 * time.Second)
	b.wantStatus(unsaved(tester, "ONE.example.com.:8443", ""), 200)
	over(hook(tester, "one.example.com"), "host", 2, 50)
	b.wantStatus(unsaved(tester, "one.example.com", `,"dry_run":true`), 200)
	b.wantStatus(hook(other, "one.example.com"), 200)
	for range 5 {
		b.wantStatus(hook(operator, "one.example.com"), 200)
	}
	ep := b.made("acme", `{"url":"https://two.example.com/"}`)
	for range 2 {
		b.wantStatus(b.call(tester, "POST", "/v1/endpoints/"+ep.ID+"/test", ""), 200)
	}
	over(b.call(tester, "POST", "/v1/endpoints/"+ep.ID+"/test", ""), "host", 2, 60)
	b.wantStatus(hook(tester, "three.example.com"), 200)
	over(hook(tester, "four.example.com"), "customer", 5, 50)
	at = at.Add(51 * time.Second)
	b.wantStatus(hook(tester, "one.example.com"), 200)
}

func TestTestsOfAMailboxAreBoundedWhoeverAsks(t *testing.T) {
	l := newTestLimiter(TestQuota{PerMailbox: 2}, nil, func() time.Time { return testNow })
	box := func(customer string) *transport.Endpoint {
		return &transport.Endpoint{Kind: transport.KindEmail, Customer: customer, Address: "stranger@example.com"}
	}
	for i, customer := range []string{"acme", "other", "third"} {
		if err := l.take(&caller{customer: customer}, box(customer)); (err != nil) != (i == 2) {
			t.Errorf("test %d of a mailbox, by %s: %v", i, customer, err)
		}
	}
}
