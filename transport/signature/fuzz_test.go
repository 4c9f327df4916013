package signature_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// Whatever arrives, Verify ends without a panic, in one of the documented
// errors; and nobody without the secret gets anything accepted but what the
// seeds hold, which were signed with it.
func FuzzVerify(f *testing.F) {
	schemes := []struct {
		config signature.Config
		secret string
	}{
		{signature.Config{Scheme: "sequr"}, plainSecret},
		{signature.Config{Scheme: "genlogs"}, plainSecret},
		{signature.Config{Scheme: "standard"}, standardSecret},
		{signature.Config{Scheme: "standard"}, publicSecret},
		{signature.Config{Scheme: "hmac", Header: "X-S", Encoding: "base64", Prefix: "s="}, plainSecret},
	}
	documented := []error{signature.ErrMissing, signature.ErrMalformed, signature.ErrMismatch, signature.ErrTooOld, signature.ErrTooNew}

	for i := range schemes {
		f.Add(uint8(i), vectorID, "1614265330", vectorSignature, []byte(vectorBody))
		f.Add(uint8(i), "", "", "", []byte{})
		f.Add(uint8(i), "a.b", "-1", "v1, v1,\r\n v1a,=", []byte("\xff\x00"))
		f.Add(uint8(i), "\x00", "999999999999", "sha1=sha512=s=", []byte(nil))
	}
	f.Fuzz(func(t *testing.T, which uint8, id, timestamp, value string, body []byte) {
		s := schemes[int(which)%len(schemes)]
		resolved, err := s.config.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		h.Set("webhook-id", id)
		h.Set("webhook-timestamp", timestamp)
		h.Set(resolved.Header, value)
		h.Set(resolved.Header+"-Previous", value)
		err = signature.Verify(s.config, s.secret, h, body, vectorTime)
		if err == nil {
			if id != vectorID || string(body) != vectorBody || timestamp != "1614265330" {
				t.Fatalf("accepted %q %q %q over %q", id, timestamp, value, body)
			}
			return
		}
		for _, known := range documented {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatalf("an error that is not documented: %v", err)
	})
}

// Whatever is given as a secret, CheckSecret, NewSigner and NewVerifier agree
// on it, and what they accept signs and verifies.
func FuzzSecret(f *testing.F) {
	for i := range schemeNames {
		for _, secret := range []string{"", plainSecret, standardSecret, privateSecret, publicSecret, "whsk_AAAA", "whsec_===="} {
			f.Add(uint8(i), secret)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, secret string) {
		c := signature.Config{Scheme: schemeNames[int(which)%len(schemeNames)]}
		if c.Scheme == "hmac" {
			c.Header = "X-S"
		}
		refused := signature.CheckSecret(c.Scheme, secret)
		signer, err := signature.NewSigner(c, signature.Secrets{Current: secret})
		if (refused == nil) != (err == nil) {
			t.Fatalf("CheckSecret: %v, NewSigner: %v", refused, err)
		}
		if err != nil || c.Scheme == "none" {
			return
		}
		h, at := http.Header{}, time.Unix(vectorUnix, 0)
		signer.Sign(h, vectorID, at, []byte(vectorBody))
		if err := signature.Verify(c, secret, h, []byte(vectorBody), at); err != nil {
			t.Fatal(err)
		}
	})
}
