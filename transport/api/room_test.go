package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/quota"
)

// testRoom has room for so many bytes of each customer, and none where it is shut.
type testRoom struct {
	most   int
	shut   bool
	has    map[string]int
	coming int
}

func (r *testRoom) Admit(_ context.Context, customer string, bounded bool, sizes []int) (func(), error) {
	bytes := 0
	for _, size := range sizes {
		bytes += size
	}
	switch {
	case r.shut:
		return nil, fmt.Errorf("%w: what is left is for deliveries", transport.ErrUnavailable)
	case bounded && r.has[customer]+bytes > r.most:
		return nil, &transport.QuotaError{Quota: transport.QuotaLog, Used: 0.3, Bound: 0.25, Message: "customer " + customer + " has used up its share"}
	}
	r.has[customer] += bytes
	r.coming++
	return func() { r.coming-- }, nil
}

func (r *testRoom) Share(customer string) float64 {
	return float64(r.has[customer]) / float64(4*r.most)
}

// A customer that has used up its share of the log is told so; one that has not
// publishes on, and an operator may for any. Use shows, of one and of all.
func TestTheLogsRoomIsShared(t *testing.T) {
	room := &testRoom{most: 100, has: map[string]int{}}
	book := quota.New(quota.Options{Bounds: quota.Bounds{Most: map[string]float64{transport.QuotaLog: 0.25}}})
	b := start(t, func(o *Options) { o.Quotas, o.Room = book, room })
	b.customers["acme"], b.customers["other"], b.customers["third"] = &transport.Customer{ID: "acme"}, &transport.Customer{ID: "other"}, &transport.Customer{ID: "third"}
	acme, other, operator := token(t, "acme", RoleAdmin), token(t, "other", RoleAdmin), token(t, "acme", RoleOperator)
	event := func(bytes int) string { return `{"type":"a","data":"` + strings.Repeat("x", bytes-2) + `"}` }
	b.wantStatus(b.call(acme, "POST", "/v1/events", event(90)), 202)
	got := b.call(acme, "POST", "/v1/events", "["+event(6)+","+event(6)+"]")
	b.want(got, 429, `{"message":"customer acme has used up its share","error_type":"TooManyRequestsError","error_code":"TOO_MANY_REQUESTS","details":{"bound":0.25,"quota":"quota.log_share","used":0.3}}`)
	if got.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After %s", got.header.Get("Retry-After"))
	}
	b.wantStatus(b.call(other, "POST", "/v1/events", event(90)), 202)
	b.wantStatus(b.call(operator, "POST", "/v1/events", event(90)), 202)
	room.shut = true
	if got := b.call(other, "POST", "/v1/events", event(3)); got.status != 503 || !strings.Contains(got.body, "for deliveries") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if room.coming != 0 {
		t.Errorf("%d are under way", room.coming)
	}
	if got := b.call(acme, "GET", "/v1/usage", ""); !strings.Contains(got.body, `{"quota":"log_share","used":0.45,"bound":0.25,"since":`) {
		t.Error(got.body)
	}
	var page CustomerList
	b.call(operator, "GET", "/v1/customers?now=true", "").read(t, &page)
	for _, c := range page.Items {
		for _, q := range c.Use {
			if near := q.Quota == transport.QuotaLog && c.ID != "third"; near != (q.Since != nil) {
				t.Errorf("%s of %s: %+v", q.Quota, c.ID, q)
			}
		}
	}
}

// Answers to requests with an Idempotency-Key have a bound for each customer,
// which ends a day later.
func TestKeptAnswersHaveABound(t *testing.T) {
	k := newKeptRoom(4 * 10_000)
	at := time.Unix(1_000_000, 0)
	if k.claim(at, "acme") != nil || !k.keep("acme", 9000) || k.keep("acme", 600) {
		t.Error("its bound is not kept to")
	}
	if k.claim(at, "acme") == nil || k.claim(at, "other") != nil {
		t.Error("one customer's bound is another's")
	}
	at = at.Add(keptSpan)
	if k.claim(at, "acme") == nil {
		t.Error("what is kept is forgotten too early")
	}
	if at = at.Add(keptSpan); k.claim(at, "acme") != nil || !k.keep("acme", 9000) {
		t.Error("what is kept no more counts")
	}
	free := newKeptRoom(0)
	if free.claim(at, "acme") != nil || !free.keep("acme", 1<<40) {
		t.Error("without a bound there is one")
	}
}

func (a answer) read(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); a.status != 200 || err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}
