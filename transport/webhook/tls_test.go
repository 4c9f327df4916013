package webhook

import (
	"context"
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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority { return newAuthorityUntil(t, time.Now().Add(time.Hour)) }

func newAuthorityUntil(t *testing.T, until time.Time) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, block("CERTIFICATE", der)}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue makes a certificate for host, good until then, as PEM texts; change
// may alter it, and has it signed by its own key where it names host as its issuer.
func (a *authority) issue(t *testing.T, host string, until time.Time, change ...func(*x509.Certificate)) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	parent, signer := a.cert, a.key
	for _, c := range change {
		c(template)
	}
	if template.Issuer.CommonName == host {
		parent, signer = template, k
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &k.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", raw)
}

// serveTLS serves host's certificate by the authority; change may alter the server.
func (a *authority) serveTLS(t *testing.T, host string, until time.Time, change func(*httptest.Server), h http.HandlerFunc) *httptest.Server {
	t.Helper()
	cert, key := a.issue(t, host, until)
	return serveCertificate(t, cert, key, change, h)
}

func serveCertificate(t *testing.T, cert, key string, change func(*httptest.Server), h http.HandlerFunc) *httptest.Server {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if change != nil {
		change(srv)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func trusting(ca string) func(*transport.Endpoint) {
	return func(ep *transport.Endpoint) { ep.TLS.CA = ca }
}

var later = time.Now().Add(time.Hour)

func TestHTTP1AndHTTP2OverTLS(t *testing.T) {
	ca := newAuthority(t)
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		seen := make(chan string, 2)
		srv := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) { s.EnableHTTP2 = http2 },
			func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				seen <- r.Proto + " " + string(body[:7])
			})
		target := newTarget(t, newSender(t, func(o *Options) { o.Dev = true }), srv.URL, trusting(ca.pem))
		first := target.Send(context.Background(), newEvent(), 1)
		want(t, first, transport.Delivered, "")
		if first.TLS <= 0 || first.Connect <= 0 || first.FirstByte <= 0 {
			t.Errorf("%s: %+v", proto, first)
		}
		second := target.Send(context.Background(), newEvent(), 1)
		want(t, second, transport.Delivered, "")
		if second.TLS != 0 || second.Connect != 0 {
			t.Errorf("%s: no kept connection: %+v", proto, second)
		}
		for range 2 {
			if got := <-seen; got != proto+` {"type"` {
				t.Errorf("%s, want %s", got, proto)
			}
		}
	}
}

func TestHTTP2ShareOneConnectionAndTheirTroubles(t *testing.T) {
	ca := newAuthority(t)
	var mu sync.Mutex
	conns := map[string]bool{}
	srv := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) { s.EnableHTTP2 = true },
		func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			conns[r.RemoteAddr] = true
			mu.Unlock()
			switch r.URL.Path {
			case "/hang":
				<-r.Context().Done()
			case "/huge":
				for {
					if _, err := w.Write(make([]byte, 32<<10)); err != nil {
						return
					}
				}
			case "/reset":
				panic(http.ErrAbortHandler)
			}
		})
	s := newSender(t)
	at := func(path string) transport.Answer {
		return newTarget(t, s, srv.URL+path, trusting(ca.pem), limit(300*time.Millisecond)).Send(context.Background(), newEvent(), 1)
	}
	want(t, at("/"), transport.Delivered, "")
	want(t, at("/hang"), transport.Failed, transport.ReasonTimeout)
	if a := at("/huge"); len(a.Body) != transport.MaxAnswerKept || a.Class != transport.Delivered {
		t.Errorf("%+v", a)
	}
	if a := at("/reset"); a.Class != transport.Failed || a.Detail == "" {
		t.Errorf("reset: %+v", a)
	}
	want(t, at("/"), transport.Delivered, "")
	if len(conns) != 1 {
		t.Errorf("%d connections", len(conns))
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	ok := func(http.ResponseWriter, *http.Request) {}
	good := ca.serveTLS(t, "127.0.0.1", later, nil, ok)
	expired := ca.serveTLS(t, "127.0.0.1", time.Now().Add(-time.Hour), nil, ok)
	elsewhere := ca.serveTLS(t, "elsewhere.example", later, nil, ok)
	with := func(ca *authority, until time.Time, change func(*x509.Certificate)) *httptest.Server {
		cert, key := ca.issue(t, "127.0.0.1", until, change)
		return serveCertificate(t, cert, key, nil, ok)
	}
	early := with(ca, later, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) })
	alone := with(ca, later, func(c *x509.Certificate) { c.Issuer = c.Subject })
	client := with(ca, later, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	dead := newAuthorityUntil(t, time.Now().Add(-time.Hour))
	orphaned := with(dead, later, func(*x509.Certificate) {})
	old := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) { s.TLS.MaxVersion = tls.VersionTLS11; s.TLS.MinVersion = tls.VersionTLS10 }, ok)
	plain := serve(t, ok)
	for name, c := range map[string]struct{ url, ca, detail string }{
		"expired":           {expired.URL, ca.pem, "the certificate expired on 20"},
		"not yet valid":     {early.URL, ca.pem, "the certificate is not yet valid: it begins on 20"},
		"of a dead CA":      {orphaned.URL, dead.pem, "a certificate of the authority expired on 20"},
		"another host":      {elsewhere.URL, ca.pem, "the certificate is for another host: elsewhere.example"},
		"self-signed":       {alone.URL, "", "self-signed; set tls.ca"},
		"for clients alone": {client.URL, ca.pem, "not valid for a server"},
		"another authority": {good.URL, other.pem, "unknown authority"},
		"system's alone":    {good.URL, "", "unknown authority"},
		"old version":       {old.URL, ca.pem, "protocol version"},
		"no TLS":            {strings.Replace(plain.URL, "http:", "https:", 1), "", "does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTarget(t, newSender(t), c.url, trusting(c.ca)).Send(context.Background(), newEvent(), 1)
			want(t, a, transport.Failed, transport.ReasonTLS)
			if !strings.Contains(a.Detail, c.detail) {
				t.Errorf("detail %q, want %q in it", a.Detail, c.detail)
			}
		})
	}
	a := newTarget(t, newSender(t), good.URL, trusting(ca.pem)).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Delivered, "")
}

func TestClientCertificates(t *testing.T) {
	ca := newAuthority(t)
	srv := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) {
		s.TLS.ClientAuth = tls.RequireAndVerifyClientCert
		s.TLS.ClientCAs = x509.NewCertPool()
		s.TLS.ClientCAs.AddCert(ca.cert)
	}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	})
	cert, key := ca.issue(t, "postrider.example", later)
	s := newSender(t)
	with := func(ep *transport.Endpoint) { ep.TLS.ClientCertificate, ep.TLS.ClientKey = cert, key }
	a := newTarget(t, s, srv.URL, trusting(ca.pem), with).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Delivered, "")
	if string(a.Body) != "postrider.example" {
		t.Errorf("the receiver saw %q", a.Body)
	}
	a = newTarget(t, s, srv.URL, trusting(ca.pem)).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Failed, transport.ReasonTLS)
	if !strings.Contains(a.Detail, "certificate") {
		t.Errorf("detail %q", a.Detail)
	}
	_, otherKey := ca.issue(t, "other.example", later)
	_, err := s.Prepare(newEndpoint(srv.URL, func(ep *transport.Endpoint) { ep.TLS.ClientCertificate, ep.TLS.ClientKey = cert, otherKey }))
	wantField(t, err, "tls.client_certificate")
	_, err = s.Prepare(newEndpoint(srv.URL, trusting("no PEM")))
	wantField(t, err, "tls.ca")
}

func TestConnectionsAreSharedByEqualSettingsAndEndWithTheLast(t *testing.T) {
	ca := newAuthority(t)
	closed := make(chan struct{}, 4)
	srv := ca.serveTLS(t, "127.0.0.1", later, func(s *httptest.Server) {
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				closed <- struct{}{}
			}
		}
	}, func(http.ResponseWriter, *http.Request) {})
	s := newSender(t)
	first, second, plain := newTarget(t, s, srv.URL, trusting(ca.pem)), newTarget(t, s, srv.URL, trusting(ca.pem)), newTarget(t, s, srv.URL)
	if first.route != second.route || first.route == plain.route {
		t.Fatal("connections are not shared by equal settings alone")
	}
	want(t, first.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
	first.Close()
	first.Close() // a second Close takes nothing from the other user
	a := second.Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Delivered, "")
	if a.Connect != 0 {
		t.Error("the first's Close took the second's connection")
	}
	second.Close()
	<-closed
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.settings) != 1 || len(s.routes) != 1 {
		t.Errorf("%d settings and %d routes left, want the plain ones", len(s.settings), len(s.routes))
	}
}
