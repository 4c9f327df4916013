package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const applyFiles = `
kind: customer
id: acme
name: Acme Inc
time_zone: America/Chicago
---
kind: endpoint
customer: acme
name: Front desk
url: https://example.com/hook
profile: custom
signature: {scheme: hmac, header: X-Acme}
secret: {file: secret.txt}
headers:
  X-Team: doors
  X-Key: {file: key.txt}
events: [access.>, "door.*"]
filter: event.data.n == 1
body: {text: "${event.type}", n: 1.50, list: [1, yes, null]}
body_mode: replace
delivery: {timeout: 60s, schedule: [10s, 90s], rate: 5}
---
kind: endpoint
customer: acme
name: Standard
url: https://example.com/standard
---
{"kind": "alert", "customer": "acme", "alert_name": "Stolen", "email": "Ops@Example.COM", "license_plate": "0123", "lookalikes": true}
`

// applied runs apply and gives its answer as JSON.
func (n *testNode) applied(stdin string, args ...string) map[string]any {
	n.t.Helper()
	var answer map[string]any
	if err := json.Unmarshal([]byte(n.must(stdin, append([]string{"apply", "-o", "json"}, args...)...)), &answer); err != nil {
		n.t.Fatal(err)
	}
	return answer
}

func (n *testNode) wantSum(got map[string]any, created, changed, unchanged, removed float64) {
	n.t.Helper()
	if got["created"] != created || got["changed"] != changed || got["unchanged"] != unchanged || got["removed"] != removed {
		text, _ := json.MarshalIndent(got, "", " ")
		n.t.Fatalf("want %v created, %v changed, %v unchanged, %v removed; got %s", created, changed, unchanged, removed, text)
	}
}

func TestApplyAndExportAtANode(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	file := filepath.Join(n.dir, "acme.yaml")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("acme.yaml", applyFiles)
	write("key.txt", "k-1\n")
	write("secret.txt", "a secret of enough bytes\n")
	n.wantSum(n.applied("", "-f", file, "--dry-run"), 4, 0, 0, 0)
	n.wantSum(n.applied("", "-f", file, "--yes"), 4, 0, 0, 0)

	// Twice is once; and export | apply changes nothing, with or without the
	// variables that it names.
	n.wantSum(n.applied("", "-f", file, "--yes"), 0, 0, 4, 0)
	for _, form := range []string{"table", "json"} {
		written := n.must("", "export", "-o", form)
		if strings.Contains(written, "a secret of") || strings.Contains(written, "k-1") {
			t.Fatalf("a secret is in the export:\n%s", written)
		}
		n.wantSum(n.applied(written, "-f", "-", "--yes"), 0, 0, 4, 0)
	}
	n.wantSum(n.applied(n.must("", "export", "--customer", "acme"), "-f", "-", "--dry-run", "--prune"), 0, 0, 4, 0)

	// What is told otherwise changes: a header's value and a secret too, which
	// are not shown; what is left out gets its default.
	write("key.txt", "k-2\n")
	write("secret.txt", "another secret of enough bytes\n")
	write("acme.yaml", strings.Replace(strings.Replace(applyFiles, "filter: event.data.n == 1\n", "", 1), "60s", "20s", 1))
	out := n.must("", "apply", "-f", file, "--dry-run")
	for _, line := range []string{"~ changed   endpoint acme/Front desk (", "    delivery.timeout: 1m → 20s\n", "    filter: event.data.n == 1 → none\n",
		"    headers.X-Key: another value (not shown)\n", "    secret: another value (not shown)\n", "dry run: 0 created, 1 changed, 3 unchanged, 0 removed\n"} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in\n%s", line, out)
		}
	}
	n.wantSum(n.applied("", "-f", file, "--yes"), 0, 1, 3, 0)
	n.wantSum(n.applied("", "-f", file, "--yes"), 0, 0, 4, 0)

	var list struct{ Items []struct{ ID string } }
	if status, text := n.call(http.MethodGet, "/v1/endpoints?customer=acme", "", &list); status != http.StatusOK || len(list.Items) != 2 {
		t.Fatal(status, text)
	}

	// Only --prune removes, and only of the customers that are named.
	n.must("", "endpoint", "add", "--customer", "acme", "--name", "by hand", "--url", "https://example.com/by-hand")
	n.must("", "endpoint", "add", "--customer", "other", "--url", "https://example.com/other")
	n.wantSum(n.applied("", "-f", file, "--yes"), 0, 0, 4, 0)
	n.wantSum(n.applied("", "-f", file, "--yes", "--prune"), 0, 0, 4, 1)
	if status, text := n.call(http.MethodGet, "/v1/endpoints", "", &list); status != http.StatusOK || len(list.Items) != 3 {
		t.Fatal(status, text)
	}

	// What the node refuses is named with its document.
	write("acme.yaml", strings.Replace(applyFiles, "https://example.com/hook", "ftp://example.com", 1))
	if out, code := n.run("", "apply", "-f", file, "--yes"); code != exitFailed {
		t.Errorf("%d: %s", code, out)
	}
}
