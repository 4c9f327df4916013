package main

import (
	"strings"
	"testing"
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
