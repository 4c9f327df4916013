package signature_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
	"pgregory.net/rapid"
)

// anyCase is a configuration with a secret that suits it.
type anyCase struct {
	config signature.Config
	secret string
}

func drawCase(t *rapid.T) anyCase {
	c := anyCase{
		config: signature.Config{Scheme: rapid.SampledFrom([]string{"sequr", "genlogs", "standard", "hmac"}).Draw(t, "scheme")},
		secret: rapid.StringN(16, 200, 800).Draw(t, "secret"),
	}
	switch c.config.Scheme {
	case "standard":
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		kind := rapid.SampledFrom([]string{"whsec_", "whsk_", ""}).Draw(t, "kind")
		if kind != "" {
			c.secret = kind + base64.StdEncoding.EncodeToString(key)
		}
	case "hmac":
		c.config.Header = "X-" + rapid.StringMatching(`[A-Za-z0-9_~-]{1,20}`).Draw(t, "header")
		c.config.Algorithm = rapid.SampledFrom([]string{"", "sha1", "sha256", "sha512"}).Draw(t, "algorithm")
		c.config.Encoding = rapid.SampledFrom([]string{"", "hex", "base64"}).Draw(t, "encoding")
		c.config.Prefix = rapid.StringMatching(`([!-~][ -~]{0,10})?`).Draw(t, "prefix")
	}
	return c
}

var (
	ids    = rapid.StringMatching(`[!-~]{1,64}`)
	bodies = rapid.SliceOfN(rapid.Byte(), 1, 2000)
	times  = rapid.Int64Range(0, 9_999_999_999)
)

// What is signed verifies; with any one bit flipped, in the body or in a
// header that Verify reads, it does not.
func TestSignThenVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		id, body, at := ids.Draw(t, "id"), bodies.Draw(t, "body"), time.Unix(times.Draw(t, "at"), 0)
		signer, err := signature.NewSigner(c.config, signature.Secrets{Current: c.secret})
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		signer.Sign(h, id, at, body)
		if err := signature.Verify(c.config, c.secret, h, body, at); err != nil {
			t.Fatal(err)
		}
		flipBody(t, body)
		if signature.Verify(c.config, c.secret, h, body, at) == nil {
			t.Fatal("accepted with a bit of the body flipped")
		}
	})
}

func flipBody(t *rapid.T, body []byte) {
	bit := rapid.IntRange(0, len(body)*8-1).Draw(t, "bit")
	body[bit/8] ^= 1 << (bit % 8)
}

func TestFlippedHeaderFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		body, at := bodies.Draw(t, "body"), time.Unix(times.Draw(t, "at"), 0)
		signer, err := signature.NewSigner(c.config, signature.Secrets{Current: c.secret})
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		signer.Sign(h, ids.Draw(t, "id"), at, body)
		for name := range h {
			whole := h.Get(name)
			for bit := range len(whole) * 8 {
				flipped := []byte(whole)
				flipped[bit/8] ^= 1 << (bit % 8)
				h.Set(name, string(flipped))
				if signature.Verify(c.config, c.secret, h, body, at) == nil {
					t.Fatalf("accepted with bit %d of %s flipped", bit, name)
				}
			}
			h.Set(name, whole)
		}
	})
}

// Kept hash states give what crypto/hmac gives, for any key and body.
func TestAgreesWithCryptoHMAC(t *testing.T) {
	hashes := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
	rapid.Check(t, func(t *rapid.T) {
		algorithm := rapid.SampledFrom([]string{"sha1", "sha256", "sha512"}).Draw(t, "algorithm")
		secret := rapid.StringN(16, 300, 900).Draw(t, "secret")
		body := rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(t, "body")
		signer, err := signature.NewSigner(signature.Config{Scheme: "hmac", Header: "X-S", Algorithm: algorithm}, signature.Secrets{Current: secret})
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(hashes[algorithm], []byte(secret))
		mac.Write(body)
		for range 2 {
			h := http.Header{}
			signer.Sign(h, "", vectorTime, body)
			if got, want := h.Get("X-S"), hex.EncodeToString(mac.Sum(nil)); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		}
	})
}
