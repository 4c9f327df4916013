package api

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/postrider/postrider/transport"
)

// TestClaimsAreReadByTheirExactNames: CUSTOMER is no customer, rOles are no roles.
func TestClaimsAreReadByTheirExactNames(t *testing.T) {
	b := start(t, nil)
	with := func(change func(jwt.MapClaims)) string {
		return signedWith(t, jwt.SigningMethodHS256, testSecret, claimed(change))
	}
	mixed := with(func(c jwt.MapClaims) {
		c["CUSTOMER"], c["rOles"], c["Roles"] = "other", []string{"operator"}, []string{"operator"}
	})
	b.wantStatus(b.call(mixed, "POST", "/v1/events", `{"type":"a","data":1}`), 202)
	if b.events[0].Customer != "acme" {
		t.Errorf("published for %s", b.events[0].Customer)
	}
	b.wantStatus(b.call(mixed, "POST", "/v1/events", `{"customer":"other","type":"a","data":1}`), 403)
	only := with(func(c jwt.MapClaims) { c["Customer"] = c["customer"]; delete(c, "customer") })
	b.want(b.call(only, "GET", "/v1/endpoints", ""), 401, `{"detail":"Token has no valid customer claim"}`)
	capital := with(func(c jwt.MapClaims) { c["EXP"] = c["exp"]; delete(c, "exp") })
	b.want(b.call(capital, "GET", "/v1/endpoints", ""), 401, `{"detail":"Token has no exp claim: get one that expires"}`)
}

// signedWith makes a token as an attacker or another issuer might.
func signedWith(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func claimed(change func(jwt.MapClaims)) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "x", "customer": "acme", "roles": []string{"admin"}, "exp": testNow.Add(time.Hour).Unix()}
	if change != nil {
		change(c)
	}
	return c
}

func TestTokensThatAreRefused(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := signedWith(t, jwt.SigningMethodHS256, testSecret, claimed(nil))
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	invalid, expired := "Token not valid: it must be signed by this node's key with HS256", "Token expired: get a new one"
	with := func(change func(jwt.MapClaims)) string {
		return signedWith(t, jwt.SigningMethodHS256, testSecret, claimed(change))
	}
	b := start(t, nil)
	for name, c := range map[string]struct{ token, detail string }{
		"none":                     {signedWith(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claimed(nil)), invalid},
		"none without signature":   {b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", invalid},
		"NONE in capitals":         {b64([]byte(`{"alg":"NoNe"}`)) + "." + parts[1] + ".", invalid},
		"signature left out":       {parts[0] + "." + parts[1] + ".", invalid},
		"two parts":                {parts[0] + "." + parts[1], invalid},
		"HS384":                    {signedWith(t, jwt.SigningMethodHS384, testSecret, claimed(nil)), invalid},
		"HS512":                    {signedWith(t, jwt.SigningMethodHS512, testSecret, claimed(nil)), invalid},
		"RS256":                    {signedWith(t, jwt.SigningMethodRS256, private, claimed(nil)), invalid},
		"ES256":                    {signedWith(t, jwt.SigningMethodES256, curve, claimed(nil)), invalid},
		"a public key as secret":   {signedWith(t, jwt.SigningMethodHS256, public, claimed(nil)), invalid},
		"another secret":           {signedWith(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), claimed(nil)), invalid},
		"an empty secret":          {signedWith(t, jwt.SigningMethodHS256, []byte{}, claimed(nil)), invalid},
		"claims changed":           {parts[0] + "." + b64([]byte(`{"customer":"other","roles":["operator"],"exp":99999999999}`)) + "." + parts[2], invalid},
		"garbage":                  {"a.b.c", invalid},
		"not base64":               {"%.%.%", invalid},
		"roles of a wrong kind":    {with(func(c jwt.MapClaims) { c["roles"] = "admin" }), invalid},
		"customer of a wrong kind": {with(func(c jwt.MapClaims) { c["customer"] = 1 }), invalid},
		"exp of a wrong kind":      {with(func(c jwt.MapClaims) { c["exp"] = "tomorrow" }), invalid},
		"expired":                  {with(func(c jwt.MapClaims) { c["exp"] = testNow.Add(-31 * time.Second).Unix() }), expired},
		"no exp":                   {with(func(c jwt.MapClaims) { delete(c, "exp") }), "Token has no exp claim: get one that expires"},
		"exp null":                 {with(func(c jwt.MapClaims) { c["exp"] = nil }), "Token has no exp claim: get one that expires"},
		"not yet":                  {with(func(c jwt.MapClaims) { c["nbf"] = testNow.Add(31 * time.Second).Unix() }), "Token not valid yet: check the clocks"},
		"no customer":              {with(func(c jwt.MapClaims) { delete(c, "customer") }), "Token has no valid customer claim"},
		"a bad customer":           {with(func(c jwt.MapClaims) { c["customer"] = "a.*" }), "Token has no valid customer claim"},
		"too long":                 {strings.Repeat("a", 9000), "Token too long: at most 8192 bytes"},
		"missing":                  {"", "Token missing: send Authorization: Bearer <jwt> or Access-Token: <jwt>"},
	} {
		for _, path := range []string{"/v1/endpoints", "/v1/events"} {
			got := b.call(c.token, http.MethodPost, path, `{}`)
			if want := `{"detail":"` + c.detail + `"}`; got.status != 401 || got.body != want {
				t.Errorf("%s: got %d %s, want %s", name, got.status, got.body, want)
			}
			if got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no WWW-Authenticate", name)
			}
		}
	}
}

func TestTokensThatAreTaken(t *testing.T) {
	b := start(t, nil)
	inLeeway := signedWith(t, jwt.SigningMethodHS256, testSecret, claimed(func(c jwt.MapClaims) { c["exp"] = testNow.Add(-29 * time.Second).Unix() }))
	b.wantStatus(b.call(inLeeway, "GET", "/v1/info", ""), 200)
	good := token(t, "acme")
	b.wantStatus(b.call("", "GET", "/v1/info", "", "Access-Token", good), 200)
	b.wantStatus(b.call("", "GET", "/v1/info", "", "Authorization", "bearer  "+good), 200)
	b.wantStatus(b.call("", "GET", "/v1/info", "", "Authorization", "Basic "+good), 401)
	b.wantStatus(b.call(token(t, "", RoleOperator), "GET", "/v1/info", ""), 200)
}

func TestMintToken(t *testing.T) {
	for _, c := range []struct {
		secret   string
		customer string
		roles    []string
		ttl      time.Duration
		field    string
	}{
		{"short", "acme", nil, time.Hour, "auth.secret"},
		{string(testSecret), "a b", nil, time.Hour, "customer"},
		{string(testSecret), "", []string{RoleAdmin}, time.Hour, "customer"},
		{string(testSecret), "acme", nil, 0, "ttl"},
	} {
		_, err := MintToken([]byte(c.secret), c.customer, c.roles, c.ttl, testNow)
		var fe *transport.FieldError
		if !errors.As(err, &fe) || fe.Field != c.field || strings.Contains(err.Error(), "short;") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := New(Options{TokenSecret: testSecret[:31]}); err == nil {
		t.Error("a secret of 31 bytes is taken")
	}
}
