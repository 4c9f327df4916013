package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/transport/certificates/certtest"
)

// secureNode is a node whose API speaks TLS and asks for certificates, and
// whose producers come by TLS.
type secureNode struct {
	*testNode
	ca     *certtest.CA
	folder string // of the certificate
}

func newSecureNode(t *testing.T) *secureNode {
	ca, folder := certtest.New(t), t.TempDir()
	cert, key := ca.Issue(folder)
	n := newTestNode(t, "POSTRIDER_HTTP_TLS_CERT="+cert, "POSTRIDER_HTTP_TLS_KEY="+key, "POSTRIDER_HTTP_TLS_CLIENT_CA="+ca.File,
		"POSTRIDER_NATS_TLS_CERT="+cert, "POSTRIDER_NATS_TLS_KEY="+key)
	return &secureNode{n, ca, folder}
}

// ask makes a request with the client certificate in folder ("": none). Status
// 0: there was no answer.
func (n *secureNode) ask(folder, path string) (status int, serial string) {
	n.t.Helper()
	secure := &tls.Config{RootCAs: n.ca.Pool}
	if folder != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
		if err != nil {
			n.t.Fatal(err)
		}
		secure.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: secure}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, "https://"+n.http+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(n.data(), node.AdminTokenFile)); err == nil {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(b)))
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.TLS.PeerCertificates[0].SerialNumber.String()
}

// The real program: probes without a certificate, the API with one alone; a
// renewed certificate, a level and a limit are taken in while it runs, by a
// change of the files and by SIGHUP; a wrong one changes nothing.
func TestTLSAndReload(t *testing.T) {
	t.Parallel()
	n := newSecureNode(t)
	settings := filepath.Join(n.dir, "postrider.yaml")
	write := func(text string) {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log: {level: info}\n")
	n.launch()
	n.await("the node to be ready", func() bool { status, _ := n.ask("", "/readyz"); return status == http.StatusOK })

	ours, strangers := t.TempDir(), t.TempDir()
	n.ca.Issue(ours)
	certtest.New(t).Issue(strangers)
	for folder, want := range map[string]int{"": http.StatusUnauthorized, ours: http.StatusOK, strangers: 0} {
		if status, _ := n.ask(folder, "/v1/info"); status != want {
			t.Errorf("with the certificate in %q: status %d, want %d", folder, status, want)
		}
	}
	if status, _ := n.get("/healthz"); status != http.StatusBadRequest {
		t.Errorf("in clear: status %d", status)
	}
	n.commands(ours)

	_, before := n.ask("", "/healthz")
	n.ca.Issue(n.folder)
	n.await("the renewed certificate", func() bool { status, now := n.ask("", "/healthz"); return status == http.StatusOK && now != before })
	nc, err := nats.Connect("tls://"+n.nats, nats.RootCAs(n.ca.File))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()

	write("log: {level: debug}\nhttp: {rate: 1, burst: 1}\nevents: {keep: 24h}\n")
	for _, told := range []string{`settings="[http.rate http.burst log.level]"`, `settings=[events.keep]`} { // what is taken in, and what later
		n.await(told, func() bool { return strings.Contains(n.proc.out.String(), told) })
	}
	n.await("the limit", func() bool { status, _ := n.ask(ours, "/v1/endpoints"); return status == http.StatusTooManyRequests })

	write("log: {level: loud}\n")
	if err := n.proc.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	n.await("the refusal", func() bool { return strings.Contains(n.proc.out.String(), "the settings were not taken in") })
	if status, _ := n.ask("", "/readyz"); status != http.StatusOK {
		t.Errorf("after wrong settings: status %d", status)
	}
	n.terminate()
}

// commands reach the node by its own settings, and by --server-ca.
func (n *secureNode) commands(ours string) {
	n.t.Helper()
	shown := []string{"POSTRIDER_CLIENT_CERT=" + filepath.Join(ours, "tls.crt"), "POSTRIDER_CLIENT_KEY=" + filepath.Join(ours, "tls.key")}
	for what, env := range map[string][]string{
		"health":         n.env,
		"health --ready": n.env,
		"event-types":    append(shown, n.env...),
		"health --server https://" + n.http + " --server-ca " + n.ca.File: nil,
	} {
		cmd := command(n.t.Context(), n.dir, env, strings.Fields(what)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			n.t.Errorf("postrider %s: %v: %s", what, err, out)
		}
	}
	cmd := command(n.t.Context(), n.dir, nil, "health", "--server", "https://"+n.http)
	if out, err := cmd.CombinedOutput(); err == nil {
		n.t.Errorf("a node that nobody vouches for: %s", out)
	}
}
