package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/porttest"
)

// certifier makes certificates for TLS servers on loopback.
type certifier struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCertifier(t *testing.T) *certifier {
	a := &certifier{t: t}
	pair := a.issue(func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		c.Subject.CommonName = "a test's authority"
	})
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue makes a certificate for 127.0.0.1 as change has it; without an
// authority yet, and where there is none, it is self-signed.
func (a *certifier) issue(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "a test's receiver"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	change(template)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serve answers with status by a certificate, and gives the URL.
func (a *certifier) serve(cert tls.Certificate, status int) string {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://www.example.com/secret-path")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "thanks")
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.StartTLS()
	a.t.Cleanup(srv.Close)
	return srv.URL + "/hook"
}

// Before an endpoint is saved its URL is tried, and what is wrong is told in
// words: by real servers, with certificates as they go wrong.
func TestPreflightTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	ca := newCertifier(t)
	authority := filepath.Join(n.dir, "ca.pem")
	ca.keep(authority)
	fine := func(*x509.Certificate) {}
	good := ca.issue(fine)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, c := range map[string]struct{ url, flags, want string }{
		"accepted":            {ca.serve(good, 204), "--tls-ca ca.pem", "accepted: 204 in "},
		"unknown authority":   {ca.serve(good, 204), "", "tls, the certificate is from an unknown authority; set tls.ca"},
		"self-signed":         {ca.serve((&certifier{t: t}).issue(fine), 204), "", "tls, the certificate is self-signed; set tls.ca"},
		"expired":             {ca.serve(ca.issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }), 204), "--tls-ca ca.pem", "tls, the certificate expired on 20"},
		"not yet valid":       {ca.serve(ca.issue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour / 2) }), 204), "--tls-ca ca.pem", "tls, the certificate is not yet valid: it begins on 20"},
		"another host":        {ca.serve(ca.issue(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"a.example"} }), 204), "--tls-ca ca.pem", "tls, the certificate is for another host: a.example"},
		"no TLS":              {"https" + strings.TrimPrefix(newInbox(t, "standard").URL, "http"), "", "tls, the receiver does not speak TLS on this port"},
		"redirect":            {ca.serve(good, 302), "--tls-ca ca.pem", "302 redirect, the receiver answered 302 and points to https://www.example.com; redirects are not followed"},
		"status":              {ca.serve(good, 404), "--tls-ca ca.pem", "404 status, the receiver answered 404"},
		"status not accepted": {ca.serve(good, 201), "--tls-ca ca.pem --success 200", "201 status, the receiver answered 201, and 200 alone is success here"},
		"nobody there":        {"http://" + porttest.Address(t), "", "connect, the connection was refused"},
		"no such name":        {"https://nowhere.invalid/", "", "dns, "},
		"silent":              {"http://" + silent.Addr().String(), "--timeout 1s", "timeout, no answer within the time limit: it is connected"},
		"silent TLS":          {"https://" + silent.Addr().String(), "--timeout 1s", "timeout, no TLS within the time limit: it is connected"},
	} {
		args := append([]string{"endpoint", "test", "--customer", "acme", "--url", c.url}, strings.Fields(strings.ReplaceAll(c.flags, "ca.pem", authority))...)
		stdout, code := n.run("", args...)
		if (code == 0) != (name == "accepted") || !strings.Contains(stdout, c.want) || strings.Contains(stdout, "secret-path") {
			t.Errorf("%s: exit %d, %s, want %q", name, code, stdout, c.want)
		}
		if name == "accepted" && !strings.Contains(stdout, "TLS ") {
			t.Errorf("%s: %s", name, stdout)
		}
	}
	status, text := n.call(http.MethodPost, "/v1/endpoints/test", `{"endpoint":{"customer":"acme","url":"http://169.254.169.254/"}}`, nil)
	if status != http.StatusBadRequest || !strings.Contains(text, "is no public address (metadata service)") {
		t.Errorf("a refused address: %d %s", status, text)
	}
	if list := n.must("", "endpoint", "list", "-o", "json"); strings.TrimSpace(list) != "[]" {
		t.Errorf("something was saved: %s", list)
	}
}

// keep writes the authority's certificate.
func (a *certifier) keep(path string) {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
}
