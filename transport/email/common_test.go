package email

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testUser     = "postrider"
	testPassword = "correct horse battery"
)

// received is one mail as the server took it.
type received struct{ From, To, Raw string }

// server is a real SMTP server on loopback. Its hooks may refuse.
type server struct {
	*smtp.Server
	addr       *net.TCPAddr
	mechanisms []string
	rcpt, data func() error

	mu       sync.Mutex
	mails    []received
	sessions int
}

// serve starts s; implicit: TLS from the first byte.
func (s *server) serve(t testing.TB, certificate *tls.Certificate, implicit bool) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().(*net.TCPAddr)
	s.Server = smtp.NewServer(s)
	s.Domain, s.AllowInsecureAuth, s.ErrorLog = "relay.test", true, log.New(io.Discard, "", 0)
	s.EnableSMTPUTF8 = true
	if certificate != nil {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
	}
	if implicit {
		l = tls.NewListener(l, s.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return s
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions++
	return &conversation{server: s}, nil
}

func (s *server) took() ([]received, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails), s.sessions
}

type conversation struct {
	server *server
	mail   received
}

func (c *conversation) AuthMechanisms() []string { return c.server.mechanisms }

func (c *conversation) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != testUser || password != testPassword {
			return smtp.ErrAuthFailed
		}
		return nil
	}
	if mechanism == sasl.Login {
		return &login{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

func (c *conversation) Mail(from string, _ *smtp.MailOptions) error {
	c.mail = received{From: from}
	return nil
}

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.mail.To = to
	if c.server.rcpt != nil {
		return c.server.rcpt()
	}
	return nil
}

func (c *conversation) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if c.server.data != nil {
		if err := c.server.data(); err != nil {
			return err
		}
	}
	c.mail.Raw = string(raw)
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.mails = append(c.server.mails, c.mail)
	return nil
}

func (c *conversation) Reset()        {}
func (c *conversation) Logout() error { return nil }

// login is the server's side of AUTH LOGIN.
type login struct {
	check func(user, password string) error
	said  []string
}

func (l *login) Next(response []byte) ([]byte, bool, error) {
	if response != nil {
		l.said = append(l.said, string(response))
	}
	switch len(l.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.said[0], l.said[1])
}

// scripted is a server that does what script does with each connection.
func scripted(t testing.TB, script func(c net.Conn)) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				script(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().(*net.TCPAddr)
}

// authority makes a CA, and a certificate of it for 127.0.0.1.
func authority(t testing.TB) (ca string, certificate *tls.Certificate) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	from := time.Now().Add(-time.Hour)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: from,
		NotAfter: from.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: from.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	rootKey, leafKey := key(), key()
	rootDER, err1 := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	leafDER, err2 := x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), rootKey)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}))
	return ca, &tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
}

// options are those of a plain relay at addr.
func options(addr *net.TCPAddr) Options {
	return Options{Host: "127.0.0.1", Port: addr.Port, TLS: Plain, From: "alerts@postrider.test", FromName: "Postrider",
		HELO: "node.postrider.test", Timeout: 10 * time.Second}
}

func newSender(t testing.TB, o Options) *Sender {
	t.Helper()
	s, err := NewSender(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

const mailbox = "ops@example.com"

func prepare(t testing.TB, s *Sender, address string, timeout time.Duration) *Target {
	t.Helper()
	ep := &transport.Endpoint{ID: transport.MailboxID("acme", address), Customer: "acme", Kind: transport.KindEmail,
		Address: address, Delivery: transport.Delivery{Timeout: transport.Duration(timeout)}}
	target, err := s.Prepare(ep)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// send makes one attempt at mailbox with the event of one match.
func send(t testing.TB, o Options) transport.Answer {
	t.Helper()
	return prepare(t, newSender(t, o), mailbox, 0).Send(context.Background(), eventOf(t, report(1)), 1)
}

func eventOf(t testing.TB, r matching.Report) *transport.Event {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return &transport.Event{ID: "run-1", Customer: "acme", Type: typeMatches,
		Time: time.Date(2024, 5, 21, 12, 1, 0, 0, time.UTC), Data: data}
}

// report is a run with n matches of the alert in GenLogs' document, whose
// mailbox is mailbox.
func report(n int) matching.Report {
	r := matching.Report{RunID: "9e107d9d-372b-5682-8bd8-3542a419d6aa", CustomerID: 123, AlertType: matching.AlertNormal,
		AlertDetails: []matching.AlertDetail{stolenTrailer()}, Timestamp: "2024-05-21T12:01:00.123456+00:00", TotalMatches: n}
	for i := range n {
		m := seen(r.AlertDetails[0])
		m.Time = time.Date(2024, 5, 21, 12, i, 0, 0, time.UTC).Format("2006-01-02T15:04:05-07:00")
		m.ResultURL += strconv.Itoa(i)
		r.Matches = append(r.Matches, m)
	}
	return r
}

func stolenTrailer() matching.AlertDetail {
	return matching.AlertDetail{ID: "456e7890-e12b-34d5-a678-426614174111", AlertName: "Stolen Trailer T-123", Email: mailbox,
		Description: "Alert for stolen trailer with specific identifiers", IsActive: true, LicensePlate: "ABC1234", TrailerNumber: "T-123"}
}

// seen is a match of a.
func seen(a matching.AlertDetail) matching.Match {
	return matching.Match{AlertName: a.AlertName, AlertID: a.ID, ResultURL: "https://app.example.com/search/result/",
		FrontViewURL: "https://images.example.com/front?x=1&y=2", SideViewURL: "https://images.example.com/side",
		RearViewURL: "https://images.example.com/rear", Time: "2024-05-21T12:00:00+00:00", City: "Houston", State: "TX", Road: "I-45",
		LatLong: "29.7604, -95.3698", LicensePlate: "ABC1234", VIN: "1HGCM82633A004352", USDOT: "987654", MC: "111111",
		CabNumber: "CAB789", TrailerLogo: "Some Logo", TrailerNumber: "T-123", DeepSearch: "Matched text from deep search"}
}

// golden compares got with testdata/name, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what is rendered; look at it, and run with -update if it is right:\n%s", path, got)
	}
}
