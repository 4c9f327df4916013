package main

import (
	"fmt"
	"os"
	"path/filepath"
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

// Quotas of the settings file are taken in while the node runs.
func TestQuotasAreTakenInWhileItRuns(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(n.dir, "postrider.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("quota: {endpoints: 1, tests_per_minute: 1}\n")
	n.start()
	box := newInbox(t, "sequr", 200)
	token := strings.TrimSpace(n.must("", "token", "--customer", "acme", "--role", "admin"))
	add := func(name string) int {
		_, code := n.run("", "endpoint", "add", "--customer", "acme", "--token", token, "--name", name, "--url", box.URL+"/"+name)
		return code
	}
	test := func() int {
		_, code := n.run("", "endpoint", "test", "first", "--token", token)
		return code
	}
	if first, second := add("first"), add("second"); first != 0 || second != 1 {
		t.Errorf("exits %d and %d of two, with one allowed", first, second)
	}
	if first, second := test(), test(); first != 0 || second != 1 {
		t.Errorf("exits %d and %d of two tests, with one allowed", first, second)
	}
	write("quota: {endpoints: 2, tests_per_minute: 2}\n")
	n.await("the settings", func() bool {
		return strings.Contains(n.proc.out.String(), `settings="[quota.endpoints quota.tests_per_minute]"`)
	})
	if again, second := test(), add("second"); again != 0 || second != 0 {
		t.Errorf("exits %d of a second test and %d of a second endpoint, with two allowed", again, second)
	}
}
