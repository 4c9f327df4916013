package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postrider/postrider/transport"
)

// A node with delivered events, a parked retry, a dead letter, an alert and a
// delivery log is backed up and restored elsewhere: the retry is delivered from
// there, and everything that was owed adds up.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	var open atomic.Bool
	w := newWitness(t, func(path, _ string, _ int) int {
		if path == "/dead" || path == "/parked" && !open.Load() {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	good := n.addEndpoint(w.url+"/good", "a.>")
	parked := n.addEndpoint(w.url+"/parked", "b.>", slices.Repeat([]string{"4s"}, 20)...)
	dead := n.addEndpoint(w.url+"/dead", "c.>", []string{}...)
	n.must("", "endpoint", "edit", dead, "--no-retries")
	n.must("", "alert", "add", "--customer", "acme", "--name", "Stolen", "--email", "ops@example.com", "--trailer-number", "T-123")
	for _, subject := range []string{"a.one", "a.two", "b.one", "c.one"} {
		n.must(`{"n":1}`, "publish", "events.acme."+subject, "-", "--id", subject, "--nats-url", "nats://"+n.nats)
	}
	n.await("two deliveries, a dead letter and a retry that waits", func() bool {
		_, sum := n.audit()
		return sum.Delivered == 2 && sum.DeadLettered == 1 && sum.Waiting == 1 && len(n.logged("status=retrying").Items) == 1
	})
	if out, code := n.aside("backup", "--dev", filepath.Join(n.dir, "early")); code != exitFailed || !strings.Contains(out, "in use by another node") {
		t.Fatalf("beside a node that runs: exit %d, %s", code, out)
	}
	n.terminate()

	folder := filepath.Join(n.dir, "backup")
	if out, code := n.aside("backup", "--dev", "--with-keys", folder); code != 0 || !strings.Contains(out, "EVENTS") || !strings.Contains(out, "KV_ALERTS") {
		t.Fatalf("exit %d: %s", code, out)
	}
	if out, code := n.aside("backup", "--dev", folder); code != exitFailed || !strings.Contains(out, "is not empty") {
		t.Errorf("into a folder that is not empty: exit %d, %s", code, out)
	}
	if out, code := n.aside("restore", "--dev", folder); code != exitFailed || !strings.Contains(out, "into an empty node only") {
		t.Errorf("over data: exit %d, %s", code, out)
	}

	m := newTestNode(t)
	if out, code := m.aside("restore", "--dev", folder); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	m.start()
	if _, sum := m.audit(); sum.Owed != 4 || sum.Delivered != 2 || sum.DeadLettered != 1 || sum.Waiting != 1 || sum.Missing != 0 {
		t.Errorf("after the restore: %+v", sum)
	}
	if list := m.logged("endpoint=" + good); len(list.Items) != 2 {
		t.Errorf("the delivery log has %d deliveries of the endpoint", len(list.Items))
	}
	if out := m.must("", "endpoint", "secret", parked); strings.TrimSpace(out) != faultSecret {
		t.Errorf("the secret is another one")
	}
	if out := m.must("", "alert", "list"); !strings.Contains(out, "Stolen") {
		t.Errorf("the alert is missing:\n%s", out)
	}
	open.Store(true)
	m.awaitFor(patience, "the parked retry", func() bool {
		_, sum := m.audit()
		return sum.Delivered == 3
	})
	m.must(`{"n":2}`, "publish", "events.acme.a.three", "-", "--nats-url", "nats://"+m.nats)
	m.await("what is published to the restored node", func() bool { _, sum := m.audit(); return sum.Delivered == 4 })
	if sum := m.settledAudit(); sum.Repeated != 0 || sum.DeadLettered != 1 {
		t.Errorf("%+v", sum)
	}
	var letters struct{ Items []transport.DeadLetter }
	if status, text := m.call(http.MethodGet, "/v1/deadletters", "", &letters); status != http.StatusOK || len(letters.Items) != 1 {
		t.Errorf("dead letters: %d %s", status, text)
	}

	// A file that is not what was written is refused, and nothing stays behind.
	path := filepath.Join(folder, "EVENTS.snapshot")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := newTestNode(t).aside("restore", "--dev", folder); code != exitFailed || !strings.Contains(out, "is damaged") {
		t.Errorf("a damaged file: exit %d, %s", code, out)
	}
}

// aside runs a command that needs no node in n's folder; its output and errors
// together.
func (n *testNode) aside(args ...string) (out string, code int) {
	n.t.Helper()
	cmd := command(n.t.Context(), n.dir, nil, args...)
	both, _ := cmd.CombinedOutput()
	return string(both), cmd.ProcessState.ExitCode()
}
