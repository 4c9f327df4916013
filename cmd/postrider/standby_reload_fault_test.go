//go:build unix

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postrider/postrider/transport/certificates/certtest"
)

// said tells whether the node's log has a text.
func (n *testNode) said(text string) func() bool {
	return func() bool { return strings.Contains(n.proc.out.String(), text) }
}

// hangUp is what systemctl reload sends.
func (n *testNode) hangUp() {
	n.t.Helper()
	if err := n.proc.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		n.t.Fatal(err)
	}
}

// A stand-by takes in another master key as the owner does: it takes over what the
// owner has sealed anew. Drained, it goes on reading its settings.
func TestAStandbyReloads(t *testing.T) {
	t.Parallel()
	server := newNATS(t, true)
	server.start()
	keys := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(keys, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := []string{"POSTRIDER_NATS_URL=" + server.url(), "POSTRIDER_AUTH_SECRET=" + strings.Repeat("0123456789abcdef", 2),
		"POSTRIDER_MASTER_KEY_FILE=" + file("key", oldMasterKey), "POSTRIDER_MASTER_KEY_PREVIOUS_FILE=" + file("previous", strings.Repeat("ab", 32))}
	a, b := newTestNode(t, env...), newTestNode(t, env...)
	settings := func(text string) {
		if err := os.WriteFile(filepath.Join(b.dir, "postrider.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings("log: {level: info}\n")
	w := newWitness(t, always200)
	a.start()
	b.launch()
	b.await("the second node to stand by", b.standsBy)
	id := a.addEndpoint(w.url+"/a", ">")

	file("previous", oldMasterKey)
	file("key", newMasterKey)
	a.hangUp()
	b.hangUp()
	a.await("the owner to seal all anew", a.said("resealed=1"))
	b.await("the stand-by to take the key in", b.said("the owner of the shard seals anew"))
	settings("log: {level: debug}\nhttp: {rate: 1, burst: 1}\n")
	b.hangUp()
	b.await("the stand-by to take its settings in", b.said("[http.rate http.burst log.level]"))
	a.terminate()
	b.awaitReady()
	if out := b.must("", "endpoint", "secret", id); strings.TrimSpace(out) != faultSecret {
		t.Error("the secret is another one after the take-over")
	}
	b.await("the limit that was set while it stood by", func() bool {
		status, _ := b.call(http.MethodGet, "/v1/endpoints", "", nil)
		return status == http.StatusTooManyRequests
	})
	settings("log: {level: debug}\n")
	b.hangUp()
	b.await("the limit to be gone", func() bool {
		status, _ := b.call(http.MethodGet, "/v1/endpoints", "", nil)
		return status == http.StatusOK
	})
	b.must(`{"n":1}`, "publish", "events.acme.a.b", "--nats-url", server.url())
	b.await("the new owner to deliver", func() bool { return w.pairs() == 1 })

	b.must("", "drain", "--wait", "3m")
	settings("log: {level: info}\n")
	b.hangUp()
	b.await("the drained node to take its settings in", b.said("settings=[log.level]"))
	if status, _ := b.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz of the drained node: %d", status)
	}
	if out := b.terminate(); strings.Contains(out, newMasterKey) || strings.Contains(out, oldMasterKey) {
		t.Errorf("its log:\n%s", out)
	}
}

// The certificate of the API is renewed while the node stands by.
func TestAStandbyShowsARenewedCertificate(t *testing.T) {
	t.Parallel()
	server := newNATS(t, true)
	server.start()
	env := []string{"POSTRIDER_NATS_URL=" + server.url(), "POSTRIDER_AUTH_SECRET=" + strings.Repeat("0123456789abcdef", 2),
		"POSTRIDER_MASTER_KEY=" + oldMasterKey}
	a := newTestNode(t, env...)
	a.start()
	ca, folder := certtest.New(t), t.TempDir()
	cert, key := ca.Issue(folder)
	b := &secureNode{newTestNode(t, append(env, "POSTRIDER_HTTP_TLS_CERT="+cert, "POSTRIDER_HTTP_TLS_KEY="+key)...), ca, folder}
	b.launch()
	b.await("the second node to stand by", func() bool { status, _ := b.ask("", "/readyz?standby=ok"); return status == http.StatusOK })
	_, before := b.ask("", "/healthz")
	ca.Issue(folder)
	b.hangUp()
	b.await("the renewed certificate", func() bool { status, now := b.ask("", "/healthz"); return status == http.StatusOK && now != before })
	b.terminate()
	a.terminate()
}
