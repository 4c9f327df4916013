package signature_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
	"pgregory.net/rapid"
)

var schemeNames = []string{"sequr", "genlogs", "standard", "hmac", "none"}

func b64(prefix string, n int) string {
	return prefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
}

func TestCheckSecret(t *testing.T) {
	halves := append(append([]byte{}, seed...), make([]byte, 32)...)
	for _, c := range []struct {
		name, scheme, secret string
		remedy               string // empty: accepted
	}{
		{"16 bytes", "sequr", "0123456789abcdef", ""},
		{"15 bytes", "sequr", "0123456789abcde", "at least 16 bytes"},
		{"none given", "genlogs", "", "at least 16 bytes"},
		{"16 bytes in 8 characters", "hmac", "ääääöööö", ""},
		{"not UTF-8", "hmac", "0123456789abcdef\xff", "not valid UTF-8"},
		{"blanks and control characters are bytes too", "hmac", " 0123456789abcdef\n\x00", ""},
		{"standard, as it is", "standard", "0123456789abcdef", ""},
		{"standard, whsec_ of 15 bytes", "standard", b64("whsec_", 15), "16 to 64 bytes"},
		{"standard, whsec_ of 16 bytes", "standard", b64("whsec_", 16), ""},
		{"standard, whsec_ of 64 bytes", "standard", b64("whsec_", 64), ""},
		{"standard, whsec_ of 65 bytes", "standard", b64("whsec_", 65), "16 to 64 bytes"},
		{"standard, whsec_ alone", "standard", "whsec_", "16 to 64 bytes"},
		{"standard, whsec_ not base64", "standard", "whsec_not base64 at all!", "must be base64"},
		{"standard, whsec_ without padding", "standard", strings.TrimRight(b64("whsec_", 16), "="), "padded"},
		{"standard, whsec_ with a line end", "standard", b64("whsec_", 24) + "\n", "line ends"},
		{"standard, whsk_ seed", "standard", privateSecret, ""},
		{"standard, whsk_ whole", "standard", "whsk_" + base64.StdEncoding.EncodeToString(private), ""},
		{"standard, whsk_ of other halves", "standard", "whsk_" + base64.StdEncoding.EncodeToString(halves), "do not belong together"},
		{"standard, whsk_ of 31 bytes", "standard", b64("whsk_", 31), "this one holds 31"},
		{"standard, whpk_", "standard", publicSecret, "can only verify"},
		{"standard, whpk_ of 31 bytes", "standard", b64("whpk_", 31), "this one holds 31"},
		{"only standard decodes", "sequr", "whsec_not base64 at all!", ""},
		{"only standard decodes whsk_", "hmac", "whsk_not base64 at all!", ""},
		{"none uses no secret", "none", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := signature.CheckSecret(c.scheme, c.secret)
			if c.remedy == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantConfigError(t, err, "secret", c.remedy)
		})
	}
	wantConfigError(t, signature.CheckSecret("", plainSecret), "scheme", "must be one of")
}

func TestNewSecret(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		for _, scheme := range schemeNames {
			secret := signature.NewSecret(scheme)
			if seen[secret] {
				t.Fatal("the same secret twice")
			}
			seen[secret] = true
			if err := signature.CheckSecret(scheme, secret); err != nil {
				t.Fatalf("%s: %v", scheme, err)
			}
			var bytes []byte
			var err error
			if text, found := strings.CutPrefix(secret, "whsec_"); found != (scheme == "standard") {
				t.Fatalf("%s: whsec_ there: %t", scheme, found)
			} else if found {
				bytes, err = base64.StdEncoding.DecodeString(text)
			} else {
				bytes, err = hex.DecodeString(secret)
			}
			if err != nil || len(bytes) != 32 {
				t.Fatalf("%s: %d bytes, %v", scheme, len(bytes), err)
			}
		}
	}
}

// Only standard decodes: elsewhere the text of a whsec_ secret is the key.
func TestPrefixIsTextInOtherSchemes(t *testing.T) {
	c := signature.Config{Scheme: "hmac", Header: "X-S", Algorithm: "sha256", Encoding: "base64"}
	got := signed(t, c, standardSecret, "", vectorTime, []byte("x")).Get("X-S")
	key := base64.StdEncoding.EncodeToString([]byte(standardSecret))
	same := signed(t, signature.Config{Scheme: "standard"}, "whsec_"+key, "i", time.Unix(1, 0), []byte("x")).Get("webhook-signature")
	if over := signed(t, c, standardSecret, "", vectorTime, []byte("i.1.x")).Get("X-S"); "v1,"+over != same {
		t.Errorf("%s is not made with the secret's own bytes (%s)", over, same)
	}
	if got == "" {
		t.Error("nothing signed")
	}
}

// marker is not part of any message; wherever it shows, a secret has leaked.
const marker = "hunter2"

// Whatever is wrong, and in whichever field the secret landed by mistake, no
// error shows it.
func TestNoErrorShowsASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		junk := rapid.SampledFrom([]string{"", marker, "whsec_" + marker, "whsk_" + marker, "whpk_" + marker,
			marker + "\n", marker + "\xff 0123456789abcdef", "whsec_" + marker + strings.Repeat("k", 200)})
		field := rapid.OneOf(junk, rapid.Just(""))
		c := signature.Config{
			Scheme:    rapid.OneOf(rapid.SampledFrom(schemeNames), junk).Draw(t, "scheme"),
			Header:    field.Draw(t, "header"),
			Algorithm: field.Draw(t, "algorithm"),
			Encoding:  field.Draw(t, "encoding"),
			Prefix:    field.Draw(t, "prefix"),
		}
		s := signature.Secrets{Current: junk.Draw(t, "current"), Previous: junk.Draw(t, "previous")}
		_, resolve := c.Resolve()
		signer, sign := signature.NewSigner(c, s)
		verifier, verify := signature.NewVerifier(c, []string{s.Current, s.Previous}, 0)
		for _, shown := range []any{resolve, sign, verify, signature.CheckSecret(c.Scheme, s.Current), s, &s, signer, verifier} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				if text := fmt.Sprintf(verb, shown); strings.Contains(text, marker) {
					t.Fatalf("%s of %T shows the secret: %s", verb, shown, text)
				}
			}
		}
	})
}

func TestNothingPrintsASecret(t *testing.T) {
	secrets := signature.Secrets{Current: plainSecret, Previous: otherSecret, PreviousUntil: vectorTime.Add(time.Hour)}
	c := signature.Config{Scheme: "hmac", Header: "X-S"}
	signer, err := signature.NewSigner(c, secrets)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := signature.NewVerifier(c, []string{plainSecret}, 0)
	if err != nil {
		t.Fatal(err)
	}
	mismatch := verifier.Verify(signed(t, c, otherSecret, "", vectorTime, []byte("{}")), []byte("{}"), vectorTime)
	var shown strings.Builder
	for _, v := range []any{secrets, &secrets, signer, *signer, verifier, *verifier, mismatch, []any{secrets, signer}} {
		asJSON, _ := json.Marshal(v)
		fmt.Fprintf(&shown, "%v %+v %#v %s %q %x %X %d %s\n", v, v, v, v, v, v, v, v, asJSON)
	}
	for _, secret := range []string{plainSecret, otherSecret} {
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(strings.ToLower(shown.String()), strings.ToLower(form)) {
				t.Errorf("%q shows", form)
			}
		}
	}
}
