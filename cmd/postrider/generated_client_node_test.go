package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A client generated from a running node's openapi.json, by the commands of
// docs/api.md, does what a client is for; docs/examples/client is the program.
func TestAGeneratedClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		b, err := os.ReadFile(filepath.Join("../../docs/examples/client", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	goes := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := goes("mod", "download"); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("go is not on this machine: no client is generated from openapi.json")
		}
		t.Skipf("the generator cannot be fetched: no client is generated from openapi.json\n%s", out)
	}
	arrived := make(chan *http.Request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r }))
	t.Cleanup(receiver.Close)
	n := newTestNode(t)
	n.start()
	status, spec := n.get("/openapi.json")
	if status != http.StatusOK {
		t.Fatalf("/openapi.json: %d", status)
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.json"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := goes("generate", "."); err != nil {
		t.Fatalf("go generate: %v\n%s", err, out)
	}
	token := strings.TrimSpace(n.must("", "token", "--customer", "acme", "--role", "admin"))
	out, err := goes("run", ".", "http://"+n.http, token, receiver.URL)
	if err != nil {
		t.Fatalf("go run: %v\n%s", err, out)
	}
	for _, want := range []string{"delivered, HTTP 200, after 1 attempt", "secret whsec_", "event types on", "refused: url: "} {
		if !strings.Contains(out, want) {
			t.Errorf("the client says nothing of %q:\n%s", want, out)
		}
	}
	if r := <-arrived; r.Header.Get("Webhook-Id") == "" {
		t.Errorf("the receiver got %v", r.Header)
	}
	n.terminate()
}
