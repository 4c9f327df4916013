package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// TestSecretsDoNotLeak calls everything with known secrets in place, well and
// with failures, and looks for them in every answer and in the log.
func TestSecretsDoNotLeak(t *testing.T) {
	const secret, value = "a-known-secret-of-the-endpoint", "a-known-header-value"
	certificate, key := pair(t)
	keyLine := strings.Split(key, "\n")[1]
	b := start(t, nil)
	admin := token(t, "acme", RoleAdmin)
	body, err := json.Marshal(map[string]any{"url": "https://example.com", "profile": "genlogs", "secret": secret,
		"headers": map[string]string{"X-Key": value}, "tls": map[string]string{"client_certificate": certificate, "client_key": key}})
	if err != nil {
		t.Fatal(err)
	}
	created := b.call(admin, "POST", "/v1/endpoints", string(body))
	b.wantStatus(created, 201)
	id := read[ShownEndpoint](b, created).ID
	hidden := func(what string, text string, known ...string) {
		t.Helper()
		for _, one := range known {
			if strings.Contains(text, one) {
				t.Errorf("%s: %s is in %s", what, one, text)
			}
		}
	}
	hidden("create", created.body, value, keyLine)
	path := "/v1/endpoints/" + id
	calls := [][3]string{{"GET", "/v1/endpoints", ""}, {"GET", path, ""}, {"PATCH", path, `{"name":"x"}`}, {"POST", path + "/test", ""},
		{"POST", "/v1/endpoints", string(body)}, // the URL is taken
		{"POST", "/v1/endpoints", strings.ReplaceAll(string(body), `"genlogs"`, `"nope"`)},
		{"POST", "/v1/endpoints", strings.ReplaceAll(string(body), `"https://example.com"`, `"ftp://x"`)},
		{"POST", "/v1/endpoints", `{"` + secret + `":1}x`},
		{"POST", "/v1/endpoints", `{"url":"https://e.com","secret":["` + secret + `"]}`},
		{"POST", "/v1/endpoints", `{"url":"https://e.com","headers":{"X-A":"` + value + `\n"}}`},
		{"POST", "/v1/endpoints", `{"url":"https://e.com","headers":{"Host":"` + value + `"}}`},
		{"POST", "/v1/endpoints", `{"url":"https://u:` + secret + `@e.com"}`},
		{"POST", "/v1/endpoints", `{"url":"https://e.com","profile":"standard","secret":"whsec_` + secret + `"}`},
		{"POST", "/v1/endpoints", string(body[:len(body)-20])},
		{"PATCH", path, `{"tls":{"client_certificate":null}}`}, {"PATCH", path, `{"secret":"` + secret + `"}`},
		{"PATCH", path, `{"headers":{"X-Key":"` + value + `${x}"}}`},
		{"POST", path + "/rotate", `{"secret":"` + secret + `"}`}, {"POST", path + "/rotate", `{"overlap":"` + secret + `"}`},
		{"GET", "/alerts/webhook", ""}, {"GET", "/alerts/webhook/" + id, ""}, {"PATCH", "/alerts/webhook/" + id, `{"description":"x"}`},
		{"POST", "/alerts/webhook", `{"webhook_url":"https://example.com","secret":"` + secret + `"}`}, // the URL is taken
		{"POST", "/alerts/webhook", `{"webhook_url":"https://u:` + secret + `@e.com","secret":"` + secret + `"}`},
		{"PATCH", "/alerts/webhook/" + id, `{"secret":["` + secret + `"]}`}, {"PATCH", "/alerts/webhook/" + id, `{"secret":"` + secret + `","x":1}`},
		{"POST", "/alerts/webhook/test", `{"webhook_url":"https://e.com","secret":"` + secret + `"}`},
		{"POST", "/alerts/webhook/test", `{"webhook_url":"ftp://e.com","secret":"` + secret + `"}`},
		{"GET", "/v1/info", ""}, {"GET", "/v1/deadletters", ""}, {"GET", "/v1/audit", ""}}
	for _, failure := range []error{nil, errors.New("away"), transport.ErrUnavailable, transport.ErrConflict} {
		b.failure = failure
		for _, c := range calls {
			got := b.call(admin, c[0], c[1], c[2])
			hidden(c[0]+" "+c[1], got.body+fmt.Sprint(got.header), secret, value, keyLine)
		}
	}
	b.failure = nil
	kept := b.endpoints[id]
	if kept.Secrets.Current != secret || kept.Headers["X-Key"] != value || kept.TLS.ClientKey != key {
		t.Error("the secrets are not kept")
	}
	hidden("a print", fmt.Sprintf("%v %+v %#v", kept.Secrets, kept.Secrets, kept.Secrets), secret)
	if got := b.call(admin, "GET", path+"/secret", ""); !strings.Contains(got.body, secret) {
		t.Error("reveal does not reveal")
	}
	b.wantStatus(b.call(admin, "POST", path+"/rotate", `{"secret":"another-known-secret"}`), 200)
	hidden("the log", b.log.String(), secret, "another-known-secret", value, keyLine, admin)
}

func pair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: testNow, NotAfter: testNow.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
}
