package api

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// TestQuota bounds the tests and pre-flights of a minute beside a customer's
// quota of them: of these to one host, and to one mailbox whoever asks. 0 is no
// bound.
type TestQuota struct{ PerHost, PerMailbox int }

// testLimiter counts what was sent within the last minute. Operators are not
// bounded, and a test that is refused is not counted.
type testLimiter struct {
	quota  TestQuota
	quotas Quotas // nil: no customer is bounded
	now    func() time.Time

	mu   sync.Mutex
	sent map[string][]time.Time
}

const (
	testWindow = time.Minute
	// mostTested is how many counts are kept before those that are over are
	// looked for.
	mostTested = 10_000
)

func newTestLimiter(q TestQuota, own Quotas, now func() time.Time) *testLimiter {
	return &testLimiter{quota: q, quotas: own, now: now, sent: map[string][]time.Time{}}
}

func (l *testLimiter) set(q TestQuota) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quota = q
}

// bound is one count that a test takes part in.
type bound struct {
	key, what string
	most      int
}

func (l *testLimiter) boundsOf(ep *transport.Endpoint) []bound {
	most := 0
	if l.quotas != nil {
		most = int(l.quotas.Bound(ep.Customer, transport.QuotaTests))
	}
	all := []bound{{"customer " + ep.Customer, "customer", most}}
	if ep.Kind == transport.KindEmail {
		return append(all, bound{"mailbox " + ep.Address, "mailbox", l.quota.PerMailbox})
	}
	host := ""
	if u, err := url.Parse(ep.URL); err == nil {
		host = strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	}
	return append(all, bound{"host " + ep.Customer + " " + host, "host", l.quota.PerHost})
}

// take counts one test of ep by who; over a bound the answer is 429.
func (l *testLimiter) take(who *caller, ep *transport.Endpoint) error {
	if who.operator() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	bounds := l.boundsOf(ep)
	for _, b := range bounds {
		recent := l.recent(b.key, now)
		if b.most > 0 && len(recent) >= b.most {
			return overTests(b, recent[len(recent)-b.most].Add(testWindow).Sub(now))
		}
	}
	if len(l.sent) > mostTested {
		maps.DeleteFunc(l.sent, func(_ string, at []time.Time) bool { return now.Sub(at[len(at)-1]) >= testWindow })
	}
	for _, b := range bounds {
		if b.most > 0 {
			l.sent[b.key] = append(l.sent[b.key], now)
		}
	}
	return nil
}

// recent are the times under key that still count.
func (l *testLimiter) recent(key string, now time.Time) []time.Time {
	at := l.sent[key]
	for len(at) > 0 && now.Sub(at[0]) >= testWindow {
		at = at[1:]
	}
	if l.sent[key] = at; len(at) == 0 {
		delete(l.sent, key)
	}
	return at
}

// sentBy counts the tests of a customer within the last minute.
func (l *testLimiter) sentBy(customer string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.recent("customer "+customer, l.now()))
}

func overTests(b bound, wait time.Duration) *Error {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	e := newError(http.StatusTooManyRequests, fmt.Sprintf("Too many tests: %d a minute to one %s; try again in %d s", b.most, b.what, seconds))
	if b.what == "customer" {
		e.Message = fmt.Sprintf("Too many tests: a customer may make %d a minute; try again in %d s", b.most, seconds)
	}
	e.Details = map[string]any{"quota": "quota.tests_per_minute", "per": b.what, "bound": b.most}
	return e.retryAfter(seconds)
}
