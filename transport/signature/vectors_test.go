package signature_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/postrider/postrider/transport/signature"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// The vectors of RFC 2202 and RFC 4231 whose keys are long enough and text to
// be a secret; all of them, by their bytes, are in rfc_test.go.
func TestSchemesAgreeWithRFCVectors(t *testing.T) {
	key := string(bytes.Repeat([]byte{0x0b}, 20))
	body := []byte("Hi There")
	for _, v := range []struct {
		name   string
		config signature.Config
		header string
		want   string
	}{
		{"RFC 2202, HMAC-SHA1, 1", signature.Config{Scheme: "sequr"}, "X-Sequr-Signature",
			"sha1=b617318655057264e28bc0b6fb378c8ef146be00"},
		{"RFC 4231, HMAC-SHA-256, 1", signature.Config{Scheme: "hmac", Header: "X-Signature"}, "X-Signature",
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"RFC 4231, HMAC-SHA-512, 1", signature.Config{Scheme: "genlogs"}, "X-GenLogs-Signature",
			"sha512=87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
	} {
		t.Run(v.name, func(t *testing.T) {
			h := signed(t, v.config, key, "", vectorTime, body)
			if got := h.Get(v.header); got != v.want {
				t.Errorf("%s: %s, want %s", v.header, got, v.want)
			}
		})
	}
}

func TestStandardAgreesWithPublishedVector(t *testing.T) {
	c := signature.Config{Scheme: "standard"}
	h := signed(t, c, standardSecret, vectorID, vectorTime, []byte(vectorBody))
	for header, want := range map[string]string{
		"webhook-id":        vectorID,
		"webhook-timestamp": "1614265330",
		"webhook-signature": vectorSignature,
	} {
		if got := h.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	if err := signature.Verify(c, standardSecret, h, []byte(vectorBody), vectorTime); err != nil {
		t.Error(err)
	}
}

// Standard Webhooks publishes no ed25519 vector, so v1a is held against
// crypto/ed25519 over the bytes the specification names.
func TestStandardWithEd25519(t *testing.T) {
	c := signature.Config{Scheme: "standard"}
	h := signed(t, c, privateSecret, vectorID, vectorTime, []byte(vectorBody))
	sum := ed25519.Sign(private, []byte(vectorID+".1614265330."+vectorBody))
	want := "v1a," + base64.StdEncoding.EncodeToString(sum)
	if got := h.Get("webhook-signature"); got != want {
		t.Fatalf("webhook-signature: %s, want %s", got, want)
	}
	whole := "whsk_" + base64.StdEncoding.EncodeToString(private)
	if got := signed(t, c, whole, vectorID, vectorTime, []byte(vectorBody)).Get("webhook-signature"); got != want {
		t.Errorf("the 64-byte key gives %s, want %s", got, want)
	}
	for _, key := range []string{privateSecret, whole, publicSecret} {
		if err := signature.Verify(c, key, h, []byte(vectorBody), vectorTime); err != nil {
			t.Errorf("%.5s: %v", key, err)
		}
	}
}
