package certificates

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/certificates/certtest"
)

// shake makes one handshake, and gives what each side says of it, and the serial
// number that the server showed. It goes over TCP: a pipe without a buffer
// stands still where both sides write, as they do when one refuses the other.
func shake(t *testing.T, server, client *tls.Config) (serial string, serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		a, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer a.Close()
		s := tls.Server(a, server)
		if err = s.Handshake(); err == nil {
			_, err = s.Write([]byte("x")) // a client hears of a refused certificate at its first read
		}
		done <- err
	}()
	b, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := tls.Client(b, client)
	if clientErr = c.Handshake(); clientErr == nil {
		serial = c.ConnectionState().PeerCertificates[0].SerialNumber.String()
		_, clientErr = c.Read(make([]byte, 1))
	}
	_ = b.Close()
	return serial, <-done, clientErr
}

func TestAServerShowsWhatWasReadLast(t *testing.T) {
	ca, folder := certtest.New(t), t.TempDir()
	cert, key := ca.Issue(folder)
	s, err := OpenServer(Pair{cert, key}, "", false)
	if err != nil {
		t.Fatal(err)
	}
	listener := s.Config("http/1.1") // made once, for all that comes
	client := &tls.Config{RootCAs: ca.Pool, ServerName: "127.0.0.1"}
	first, _, err := shake(t, listener, client)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := s.Reload(); changed || err != nil {
		t.Errorf("nothing changed, and it tells %v, %v", changed, err)
	}
	ca.Issue(folder)
	if changed, err := s.Reload(); !changed || err != nil {
		t.Errorf("a new certificate: %v, %v", changed, err)
	}
	second, _, err := shake(t, listener, client)
	if err != nil || second == first {
		t.Errorf("the old certificate is still shown: %v", err)
	}
	if err := os.WriteFile(key, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reload(); err == nil || strings.Contains(err.Error(), "half a fi") {
		t.Errorf("half a file: %v", err)
	}
	if third, _, err := shake(t, listener, client); err != nil || third != second {
		t.Errorf("what was good does not hold any more: %v", err)
	}
}

func TestClientsThatAreAskedForCertificates(t *testing.T) {
	ca, other := certtest.New(t), certtest.New(t)
	cert, key := ca.Issue(t.TempDir())
	strangerCert, strangerKey := other.Issue(t.TempDir())
	for _, c := range []struct {
		name     string
		optional bool
		client   Client
		let      bool
	}{
		{"ours", false, Client{ca.File, Pair{cert, key}}, true},
		{"none", false, Client{CA: ca.File}, false},
		{"a stranger's", false, Client{ca.File, Pair{strangerCert, strangerKey}}, false},
		{"none where that may be", true, Client{CA: ca.File}, true},
		{"a stranger's where none may be", true, Client{ca.File, Pair{strangerCert, strangerKey}}, false},
		{"a server of another CA", true, Client{CA: other.File}, false},
	} {
		s, err := OpenServer(Pair{cert, key}, ca.File, c.optional)
		if err != nil {
			t.Fatal(err)
		}
		client, err := c.client.Config()
		if err != nil {
			t.Fatal(err)
		}
		client.ServerName = "127.0.0.1"
		if _, serverErr, clientErr := shake(t, s.Config(), client); (serverErr == nil && clientErr == nil) != c.let {
			t.Errorf("%s: server %v, client %v", c.name, serverErr, clientErr)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	ca := certtest.New(t)
	cert, key := ca.Issue(t.TempDir())
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "file.pem")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, cert, key, ca, want string }{
		{"no file", "/no/such", key, "", "cannot be read"},
		{"no certificate", file("secret text"), key, "", "no certificate and its key in PEM"},
		{"another's key", cert, ca.File, "", "no certificate and its key in PEM"},
		{"a CA without a certificate", cert, key, file("secret text"), "holds no certificate in PEM"},
		{"a CA with a key in it", cert, key, file(string(good) + string(secret)), "has a part that is no certificate"},
		{"a CA that is endless", cert, key, file(strings.Repeat("x", maxFile+1)), "is larger than"},
	} {
		_, err := OpenServer(Pair{c.cert, c.key}, c.ca, false)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret text") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzCA(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := (Client{CA: path}).Roots(); (p == nil) == (err == nil) {
			t.Errorf("%v, %v", p, err)
		}
	})
}
