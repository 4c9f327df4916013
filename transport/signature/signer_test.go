package signature_test

import (
	"bufio"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// Which headers leave, by scheme, without and during a rotation.
func TestSignSetsTheseHeadersOnly(t *testing.T) {
	for _, c := range []struct {
		name           string
		config         signature.Config
		secret         string
		plain, rotated []string
	}{
		{"sequr", config{Scheme: "sequr"}, plainSecret, []string{"X-Sequr-Signature"}, []string{"X-Sequr-Signature", "X-Sequr-Signature-Previous"}},
		{"genlogs", config{Scheme: "genlogs"}, plainSecret, []string{"X-Genlogs-Signature"}, []string{"X-Genlogs-Signature", "X-Genlogs-Signature-Previous"}},
		{"hmac", config{Scheme: "hmac", Header: "x-mine"}, plainSecret, []string{"X-Mine"}, []string{"X-Mine", "X-Mine-Previous"}},
		{"standard", config{Scheme: "standard"}, standardSecret, []string{"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp"}, []string{"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp"}},
		{"none", config{Scheme: "none"}, "", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantHeaders(t, signed(t, c.config, c.secret, "id", vectorTime, nil), c.plain)
			both := signature.Secrets{Current: c.secret, Previous: otherSecret, PreviousUntil: vectorTime.Add(time.Second)}
			wantHeaders(t, signedBy(t, c.config, both, "id", vectorTime, nil), c.rotated)
		})
	}
}

func wantHeaders(t *testing.T, h http.Header, want []string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(h)); !slices.Equal(got, want) {
		t.Errorf("headers %v, want %v", got, want)
	}
	for name := range h {
		if len(h[name]) != 1 || h.Get(name) == "" {
			t.Errorf("%s: %q, want one value, found by Get", name, h[name])
		}
	}
}

func TestRotationUntilPreviousUntil(t *testing.T) {
	c := config{Scheme: "sequr"}
	s := signature.Secrets{Current: plainSecret, Previous: otherSecret, PreviousUntil: vectorTime}
	body := []byte("{}")
	before, at := vectorTime.Add(-time.Nanosecond), vectorTime

	h := signedBy(t, c, s, "", before, body)
	current := signed(t, c, plainSecret, "", at, body).Get("X-Sequr-Signature")
	previous := signed(t, c, otherSecret, "", at, body).Get("X-Sequr-Signature")
	if h.Get("X-Sequr-Signature") != current || h.Get("X-Sequr-Signature-Previous") != previous {
		t.Errorf("during the overlap: %v", h)
	}

	signer, err := signature.NewSigner(c, s)
	if err != nil {
		t.Fatal(err)
	}
	signer.Sign(h, "", at, body)
	if h.Get("X-Sequr-Signature") != current || h["X-Sequr-Signature-Previous"] != nil {
		t.Errorf("after the overlap, in the same headers: %v", h)
	}
}

// The kinds of key may change in a rotation: the current signature comes first.
func TestStandardRotation(t *testing.T) {
	c := config{Scheme: "standard"}
	body := []byte(vectorBody)
	one := func(secret string) string {
		return signed(t, c, secret, vectorID, vectorTime, body).Get("webhook-signature")
	}
	other := signature.NewSecret("standard")
	for _, r := range []struct{ current, previous string }{
		{standardSecret, other}, {privateSecret, standardSecret}, {standardSecret, privateSecret}, {plainSecret, standardSecret},
	} {
		h := signedBy(t, c, signature.Secrets{Current: r.current, Previous: r.previous, PreviousUntil: vectorTime.Add(1)}, vectorID, vectorTime, body)
		if got, want := h.Get("webhook-signature"), one(r.current)+" "+one(r.previous); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for _, secret := range []string{r.current, r.previous} {
			if err := signature.Verify(c, secret, h, body, vectorTime); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestNewSignerNamesThePreviousSecret(t *testing.T) {
	_, err := signature.NewSigner(config{Scheme: "sequr"}, signature.Secrets{Current: plainSecret, Previous: "short"})
	wantConfigError(t, err, "secret", "the previous one: must have at least 16 bytes")
	_, err = signature.NewSigner(config{Scheme: "standard"}, signature.Secrets{Current: publicSecret})
	wantConfigError(t, err, "secret", "sign with the whsk_ key")
}

// A later attempt writes over the earlier one's headers.
func TestSignAgainReplaces(t *testing.T) {
	signer, err := signature.NewSigner(config{Scheme: "standard"}, signature.Secrets{Current: standardSecret})
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"Webhook-Id": {"a", "b"}, "X-Other": {"kept"}}
	signer.Sign(h, "first", vectorTime.Add(-time.Hour), []byte("{}"))
	signer.Sign(h, vectorID, vectorTime, []byte(vectorBody))
	if h.Get("webhook-signature") != vectorSignature || len(h["Webhook-Id"]) != 1 || h.Get("X-Other") != "kept" {
		t.Errorf("%v", h)
	}
}

// Appending to one header must not write into the next: they share a slice.
func TestHeadersCanBeAppendedTo(t *testing.T) {
	h := signed(t, config{Scheme: "standard"}, standardSecret, vectorID, vectorTime, []byte(vectorBody))
	h.Add("webhook-id", "another")
	if h.Get("webhook-timestamp") != "1614265330" || h.Get("webhook-signature") != vectorSignature {
		t.Errorf("%v", h)
	}
}

func TestSignIsSafeForConcurrentUse(t *testing.T) {
	for _, c := range benchSchemes {
		signer, err := signature.NewSigner(c.config, signature.Secrets{Current: c.secret})
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := signature.NewVerifier(c.config, []string{c.secret}, 0)
		if err != nil {
			t.Fatal(err)
		}
		var workers sync.WaitGroup
		for i := range 8 {
			workers.Go(func() {
				body := []byte(strings.Repeat("x", 100*i))
				for range 50 {
					h := http.Header{}
					signer.Sign(h, vectorID, vectorTime, body)
					if err := verifier.Verify(h, body, vectorTime); err != nil {
						t.Error(err)
					}
				}
			})
		}
		workers.Wait()
	}
}

// The lines of a head are what Sign sets, names as configured, and allocate nothing.
func TestLinesAreTheHeaders(t *testing.T) {
	body := make([]byte, 1024)
	for _, c := range benchSchemes {
		for _, s := range []signature.Secrets{
			{Current: c.secret},
			{Current: c.secret, Previous: otherSecret, PreviousUntil: vectorTime.Add(time.Second)},
		} {
			signer, err := signature.NewSigner(c.config, s)
			if err != nil {
				t.Fatal(err)
			}
			h, lines := http.Header{}, signer.AppendLines(nil, vectorID, vectorTime, body)
			signer.Sign(h, vectorID, vectorTime, body)
			read, err := textproto.NewReader(bufio.NewReader(strings.NewReader(string(lines) + "\r\n"))).ReadMIMEHeader()
			if err != nil || !maps.EqualFunc(h, http.Header(read), slices.Equal[[]string]) {
				t.Errorf("%s: %q, %v; want %v", c.name, lines, err, h)
			}
			if c.name == "genlogs" && !strings.HasPrefix(string(lines), "X-GenLogs-Signature: sha512=") {
				t.Errorf("the name is not as it is documented: %q", lines)
			}
			if n := testing.AllocsPerRun(200, func() { lines = signer.AppendLines(lines[:0], vectorID, vectorTime, body) }); n >= 1 && c.name != "ed25519" && !underRace {
				t.Errorf("%s: %v allocations a signature, want none", c.name, n)
			}
		}
	}
}
