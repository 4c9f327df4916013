package store

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/certificates"
	"github.com/postrider/postrider/transport/certificates/certtest"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// guarded is a server that shows a certificate of ca, and asks for one.
func guarded(t *testing.T, ca *certtest.CA, o *server.Options) *server.Server {
	t.Helper()
	cert, key := ca.Issue(t.TempDir())
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	o.JetStream, o.StoreDir, o.TLS, o.TLSTimeout = true, t.TempDir(), true, 30
	o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: ca.Pool, ClientAuth: tls.RequireAndVerifyClientCert}
	return jettest.RunServer(t, o)
}

// An external server may ask for all that there is: a certificate by its own
// CA, one to be shown, and an nkey.
func TestTheWaysToAnExternalServer(t *testing.T) {
	ca, other := certtest.New(t), certtest.New(t)
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	seedFile := filepath.Join(t.TempDir(), "user.nk")
	if err := os.WriteFile(seedFile, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	srv := guarded(t, ca, &server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}})
	cert, key := ca.Issue(t.TempDir())
	o := externalOptions("nats://" + srv.Addr().String())
	o.NKey, o.TLS = seedFile, certificates.Client{CA: ca.File, Pair: certificates.Pair{Cert: cert, Key: key}}
	s := openEmbedded(t, o)
	if !s.NATS().TLSRequired() {
		t.Error("the connection is in clear")
	}
	if _, err := s.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(o *Options){
		"nats.nkey: no seed":                func(o *Options) { o.NKey = cert },
		"nats.ca: no file":                  func(o *Options) { o.TLS.CA = "/no/such" },
		"nats.client_cert: another's key":   func(o *Options) { o.TLS.Cert = ca.File },
		"check nats.url: a server unknown":  func(o *Options) { o.TLS.CA = other.File },
		"check nats.url: no certificate":    func(o *Options) { o.TLS.Pair = certificates.Pair{} },
		"refuses the credentials: nobody's": func(o *Options) { o.NKey = "" },
	} {
		wrong := o
		change(&wrong)
		found := Examine(jettest.Context(t), wrong.Options, admin.Producer{})
		fails := 0
		for _, f := range found {
			if f.Level == transport.FindingFail {
				fails++
			}
			if strings.Contains(f.Text, string(seed)) {
				t.Errorf("%s: the seed is told", name)
			}
		}
		if fails == 0 {
			t.Errorf("%s: %+v", name, found)
		}
		field, _, _ := strings.Cut(name, ":")
		if !strings.HasPrefix(field, "nats.") {
			continue
		}
		var wrongField *transport.FieldError
		if _, err := Open(jettest.Context(t), wrong); !errors.As(err, &wrongField) || wrongField.Field != field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Credentials files hold a JWT that an account signed, and the seed to it.
func TestCredentialsFiles(t *testing.T) {
	operator, account, user := keyPair(t, nkeys.CreateOperator), keyPair(t, nkeys.CreateAccount), keyPair(t, nkeys.CreateUser)
	claims := jwt.NewAccountClaims(publicKey(t, account))
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	accountJWT, err := claims.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	system := jwt.NewAccountClaims(publicKey(t, keyPair(t, nkeys.CreateAccount)))
	systemJWT, err := system.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	userJWT, err := jwt.NewUserClaims(publicKey(t, user)).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(userJWT, seed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "postrider.creds")
	if err := os.WriteFile(file, creds, 0o600); err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	for public, token := range map[string]string{claims.Subject: accountJWT, system.Subject: systemJWT} {
		if err := resolver.Store(public, token); err != nil {
			t.Fatal(err)
		}
	}
	srv := jettest.RunServer(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), TrustedKeys: []string{publicKey(t, operator)},
		SystemAccount: system.Subject, AccountResolver: resolver})
	o := externalOptions("nats://" + srv.Addr().String())
	if _, err := Open(jettest.Context(t), o); err == nil || !strings.Contains(err.Error(), "refuses the credentials") {
		t.Errorf("without credentials: %v", err)
	}
	o.Credentials = file
	s := openEmbedded(t, o)
	if _, err := s.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}}); err != nil {
		t.Error(err)
	}
}

func keyPair(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func publicKey(t *testing.T, pair nkeys.KeyPair) string {
	t.Helper()
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// The listener of the embedded server shows a renewed certificate to those who
// come from then on, and loses nobody.
func TestTheListenersCertificateIsRenewed(t *testing.T) {
	ca, folder := certtest.New(t), t.TempDir()
	o := embeddedOptions(t)
	o.TLSCert, o.TLSKey = ca.Issue(folder)
	s := openEmbedded(t, o)
	shown := func(nc *nats.Conn) string {
		state, err := nc.TLSConnectionState()
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].SerialNumber.String()
	}
	before := jettest.Connect(t, s.ClientURL(), nats.RootCAs(ca.File))
	ca.Issue(folder)
	if changed, err := s.ReloadTLS(); !changed || err != nil {
		t.Fatalf("%v, %v", changed, err)
	}
	after := jettest.Connect(t, s.ClientURL(), nats.RootCAs(ca.File))
	if shown(before) == shown(after) {
		t.Error("the old certificate is still shown")
	}
	if !before.IsConnected() {
		t.Error("who was there before has been lost")
	}
}
