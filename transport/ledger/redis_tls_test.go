package ledger

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/certificates"
	"github.com/postrider/postrider/transport/certificates/certtest"
)

// A Redis with a CA of its own, that asks for certificates, and lets a user in
// by ACL who may use our keys and commands alone.
func TestRedisOfOnesOwn(t *testing.T) {
	ca, other := certtest.New(t), certtest.New(t)
	cert, key := ca.Issue(t.TempDir())
	shown, shownKey := ca.Issue(t.TempDir())
	port := freePort(t)
	startServer(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", ca.File, "--tls-auth-clients", "yes",
		"--user", "postrider", "on", ">open-sesame-1234", "~postrider:*", "+set", "+get")
	url := "rediss://postrider:open-sesame-1234@127.0.0.1:" + port
	files := certificates.Client{CA: ca.File, Pair: certificates.Pair{Cert: shown, Key: shownKey}}
	r := newRedis(t, url, RedisOptions{Files: files, Timeout: 5 * time.Second})
	check(t, r, thisLog, []uint64{0}, event(5, "a", 0))

	for name, wrong := range map[string]certificates.Client{
		"another CA":         {CA: other.File, Pair: files.Pair},
		"nothing to be seen": {CA: ca.File},
	} {
		if err := newRedis(t, url, RedisOptions{Files: wrong, Timeout: 5 * time.Second}).Probe(t.Context()); !errors.Is(err, transport.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var field *transport.FieldError
	if _, err := NewRedis(url, 0, RedisOptions{Files: certificates.Client{CA: "/no/such"}}); !errors.As(err, &field) || field.Field != "redis.ca" {
		t.Errorf("a file that is not there: %v", err)
	}
}

// The CA is read at each connection: a new one needs no restart.
func TestRedisTakesANewCA(t *testing.T) {
	ca, folder := certtest.New(t), t.TempDir()
	cert, key := ca.Issue(folder)
	port := freePort(t)
	startServer(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", ca.File, "--tls-auth-clients", "no")
	trusted := folder + "/trusted.pem"
	replace := func(with string) {
		b, err := os.ReadFile(with)
		if err == nil {
			err = os.WriteFile(trusted, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	replace(certtest.New(t).File)
	r := newRedis(t, "rediss://127.0.0.1:"+port, RedisOptions{Files: certificates.Client{CA: trusted}, Timeout: 5 * time.Second})
	if err := r.Probe(t.Context()); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("trusted by another CA: %v", err)
	}
	replace(ca.File)
	for deadline := time.Now().Add(time.Minute); ; { // the client may wait a moment before it dials again
		err := r.Probe(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the new CA was not taken in: %v", err)
		}
	}
}
