package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A customer that registers more than it may is refused and told; what an
// operator gives it is in effect at once, and the other customer sees nothing
// of it.
func TestAQuotaIsReachedAndRaised(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, "POSTRIDER_QUOTA_ENDPOINTS=2")
	n.start()
	told := newInbox(t, "sequr", 200)
	token := strings.TrimSpace(n.must("", "token", "--customer", "acme", "--role", "admin"))
	n.must("", "endpoint", "add", "--customer", "acme", "--token", token, "--url", told.URL, "--profile", "genea", "--version", "v3",
		"--secret", waySecret, "--events", "ops.quota.>")
	add := func(name string) (string, int) {
		return n.run("", "endpoint", "add", "--customer", "acme", "--token", token, "--name", name, "--url", "http://127.0.0.1:9/"+name)
	}
	if out, code := add("second"); code != 0 {
		t.Fatal(out)
	}
	if out, code := add("third"); code != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
	n.await("ops.quota.reached", func() bool {
		told.mu.Lock()
		defer told.mu.Unlock()
		return len(told.arrivals) > 0
	})
	if out := n.must("", "customer", "usage", "--token", token); !strings.Contains(out, "endpoints") || !strings.Contains(out, "2  ") {
		t.Error(out)
	}
	if out, code := n.run("", "customer", "edit", "acme", "--token", token, "--quota", "endpoints=3"); code == 0 {
		t.Errorf("a customer gave itself more: %s", out)
	}
	n.must("", "customer", "edit", "acme", "--quota", "endpoints=3")
	if out, code := add("third"); code != 0 {
		t.Error(out)
	}
	if out := n.must("", "customer", "show", "acme"); !strings.Contains(out, "own quota") {
		t.Error(out)
	}
}

// A customer that publishes by NATS beyond its quota of events is slowed down,
// not refused, while another is not held up; and its use shows.
func TestAQuotaOfEventsSlowsProducersDown(t *testing.T) {
	t.Parallel()
	const rate = 200
	n := newTestNode(t, "POSTRIDER_QUOTA_EVENTS_PER_SECOND="+strconv.Itoa(rate))
	n.start()
	p := n.natsProducer()
	const events = 1000 + 3*rate // the burst, and three seconds' worth
	began := time.Now()
	var waiting, other sync.WaitGroup
	for i := range events {
		p.publish(fmt.Sprintf("acme-%d", i), &waiting)
	}
	p.publish("zeta-1", &other)
	other.Wait()
	p.mu.Lock()
	acked := len(p.acked)
	p.mu.Unlock()
	if acked > events-rate {
		t.Errorf("zeta waited until %d of %d of acme's were taken", acked, events)
	}
	waiting.Wait()
	p.again(t)
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("%d events over %d a second were taken within %s", events, rate, took)
	}
	if out := n.must("", "customer", "usage", "acme"); !strings.Contains(out, "events_per_second") {
		t.Error(out)
	}
	n.terminate()
}
