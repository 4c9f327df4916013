package api

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Revoked and Revoke: the fake's revocations.
func (n *node) Revoked(jti string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, there := n.revoked[jti]
	return there
}

func (n *node) Revoke(_ context.Context, jti string, until time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.revoked == nil {
		n.revoked = map[string]time.Time{}
	}
	n.revoked[jti] = until
	return n.failure
}

// issuer is who signs tokens elsewhere, and its key set.
type issuer struct {
	rsa     *rsa.PrivateKey
	ecdsa   *ecdsa.PrivateKey
	ed25519 ed25519.PrivateKey

	mu      sync.Mutex
	set     string
	status  int
	fetched atomic.Int64
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{status: http.StatusOK}
	var err1, err2, err3 error
	i.rsa, err1 = rsa.GenerateKey(rand.Reader, 2048)
	i.ecdsa, err2 = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, i.ed25519, err3 = ed25519.GenerateKey(rand.Reader)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	i.publish(jwk(t, "r", &i.rsa.PublicKey), jwk(t, "c", &i.ecdsa.PublicKey), jwk(t, "d", i.ed25519.Public()))
	return i
}

func (i *issuer) publish(keys ...map[string]any) {
	raw, _ := json.Marshal(map[string]any{"keys": keys}) // of texts: cannot fail
	i.answer(http.StatusOK, string(raw))
}

func (i *issuer) answer(status int, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.set = status, body
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.fetched.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	w.WriteHeader(i.status)
	_, _ = io.WriteString(w, i.set)
}

var b64 = base64.RawURLEncoding.EncodeToString

func jwk(t testing.TB, kid string, key crypto.PublicKey) map[string]any {
	t.Helper()
	out := map[string]any{"kid": kid, "use": "sig"}
	switch k := key.(type) {
	case *rsa.PublicKey:
		out["kty"], out["n"], out["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		raw, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := (len(raw) - 1) / 2
		out["kty"], out["crv"], out["x"], out["y"] = "EC", k.Curve.Params().Name, b64(raw[1:1+half]), b64(raw[1+half:])
	case ed25519.PublicKey:
		out["kty"], out["crv"], out["x"] = "OKP", "Ed25519", b64(k)
	}
	return out
}

// signed makes a token as the issuer, with more in its header.
func signed(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, change func(jwt.MapClaims)) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claimed(change))
	for name, value := range header {
		token.Header[name] = value
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keyed starts an API that knows the issuer's keys from an URL.
func keyed(t *testing.T, i *issuer, change func(*Options)) *bench {
	t.Helper()
	web := httptest.NewServer(i)
	t.Cleanup(web.Close)
	keys := openKeys(t, KeysOptions{Source: web.URL})
	return start(t, func(o *Options) {
		o.Keys = keys
		if change != nil {
			change(o)
		}
	})
}

func openKeys(t testing.TB, o KeysOptions) *Keys {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	keys, err := OpenKeys(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	keys.readNow(context.Background()) // returns when the first read is over
	return keys
}

func TestTokensOfAKeySet(t *testing.T) {
	i := newIssuer(t)
	for _, both := range []bool{true, false} {
		b := keyed(t, i, func(o *Options) {
			if !both {
				o.TokenSecret = nil
			}
		})
		for name, c := range map[string]struct {
			method jwt.SigningMethod
			key    any
			kid    string
		}{
			"RS256": {jwt.SigningMethodRS256, i.rsa, "r"}, "ES256": {jwt.SigningMethodES256, i.ecdsa, "c"}, "EdDSA": {jwt.SigningMethodEdDSA, i.ed25519, "d"},
		} {
			b.wantStatus(b.call(signed(t, c.method, c.key, map[string]any{"kid": c.kid}, nil), "GET", "/v1/info", ""), 200)
			b.wantStatus(b.call(signed(t, c.method, c.key, nil, nil), "GET", "/v1/info", ""), 200) // only one is meant
			for what, change := range map[string]func(jwt.MapClaims){
				"expired": func(c jwt.MapClaims) { c["exp"] = testNow.Add(-31 * time.Second).Unix() },
				"no exp":  func(c jwt.MapClaims) { delete(c, "exp") },
			} {
				if got := b.call(signed(t, c.method, c.key, map[string]any{"kid": c.kid}, change), "GET", "/v1/info", ""); got.status != 401 {
					t.Errorf("%s %s: %d", name, what, got.status)
				}
			}
		}
		want := 200
		if !both {
			want = 401
		}
		b.wantStatus(b.call(token(t, "acme"), "GET", "/v1/info", ""), want)
	}
}

// TestForgedTokens: everything that is signed with what an attacker can know.
func TestForgedTokens(t *testing.T) {
	i := newIssuer(t)
	evil := newIssuer(t)
	trap := httptest.NewServer(evil)
	t.Cleanup(trap.Close)
	b := keyed(t, i, nil)
	der, err := x509.MarshalPKIXPublicKey(&i.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	set, err := json.Marshal(jwk(t, "r", &i.rsa.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	good := signed(t, jwt.SigningMethodRS256, i.rsa, map[string]any{"kid": "r"}, nil)
	parts := strings.Split(good, ".")
	head := func(h string) string { return b64([]byte(h)) + "." + parts[1] + "." + parts[2] }
	rs, hs := jwt.SigningMethodRS256, jwt.SigningMethodHS256
	header := func(more ...any) map[string]any {
		h := map[string]any{"kid": "r"}
		for i := 0; i+1 < len(more); i += 2 {
			h[more[i].(string)] = more[i+1]
		}
		return h
	}
	for name, forged := range map[string]string{
		"none":                            signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, header(), nil),
		"none by its name alone":          head(`{"alg":"none","kid":"r"}`),
		"the public key as secret, PEM":   signed(t, hs, public, header(), nil),
		"the public key as secret, DER":   signed(t, hs, der, header(), nil),
		"the public key as secret, n":     signed(t, hs, i.rsa.N.Bytes(), header(), nil),
		"the public key as secret, JWK":   signed(t, hs, set, header(), nil),
		"the Ed25519 key as secret":       signed(t, hs, []byte(i.ed25519.Public().(ed25519.PublicKey)), map[string]any{"kid": "d"}, nil),
		"RS256 with another's key":        signed(t, rs, evil.rsa, header(), nil),
		"its alg swapped to HS256":        head(`{"alg":"HS256","kid":"r"}`),
		"its alg swapped to RS512":        head(`{"alg":"RS512","kid":"r"}`),
		"its alg swapped to PS256":        head(`{"alg":"PS256","kid":"r"}`),
		"its alg swapped to ES256":        head(`{"alg":"ES256","kid":"r"}`),
		"RS384 with the right key":        signed(t, jwt.SigningMethodRS384, i.rsa, header(), nil),
		"PS256 with the right key":        signed(t, jwt.SigningMethodPS256, i.rsa, header(), nil),
		"the kid of another kind":         signed(t, rs, i.rsa, header("kid", "c"), nil),
		"an unknown kid":                  signed(t, rs, i.rsa, header("kid", "nobody"), nil),
		"a path as kid":                   signed(t, rs, evil.rsa, header("kid", "../../../../dev/null"), nil),
		"SQL as kid":                      signed(t, rs, evil.rsa, header("kid", "x' UNION SELECT 'r"), nil),
		"a URL as kid":                    signed(t, rs, evil.rsa, header("kid", trap.URL), nil),
		"a number as kid":                 signed(t, rs, i.rsa, header("kid", 1), nil),
		"a list as kid":                   signed(t, rs, i.rsa, header("kid", []string{"r"}), nil),
		"null as kid":                     signed(t, rs, i.rsa, header("kid", nil), nil),
		"jku to the attacker":             signed(t, rs, evil.rsa, header("jku", trap.URL), nil),
		"x5u to the attacker":             signed(t, rs, evil.rsa, header("x5u", trap.URL), nil),
		"jwk of the attacker":             signed(t, rs, evil.rsa, header("jwk", jwk(t, "r", &evil.rsa.PublicKey)), nil),
		"jwk of the attacker, no kid":     signed(t, rs, evil.rsa, map[string]any{"jwk": jwk(t, "r", &evil.rsa.PublicKey)}, nil),
		"jwk oct, HS256":                  signed(t, hs, []byte(strings.Repeat("k", 32)), header("jwk", map[string]any{"kty": "oct", "k": b64([]byte(strings.Repeat("k", 32)))}), nil),
		"x5c of the attacker":             signed(t, rs, evil.rsa, header("x5c", []string{b64(der)}), nil),
		"crit that nobody knows":          signed(t, rs, i.rsa, header("crit", []string{"b64"}, "b64", false), nil),
		"an empty signature":              parts[0] + "." + parts[1] + ".",
		"other claims under a signature":  parts[0] + "." + b64([]byte(`{"customer":"other","roles":["operator"],"exp":99999999999}`)) + "." + parts[2],
		"ES256 with a signature of zeros": b64([]byte(`{"alg":"ES256","kid":"c"}`)) + "." + parts[1] + "." + b64(make([]byte, 64)),
	} {
		got := b.call(forged, "GET", "/v1/info", "")
		if got.status != 401 || !strings.Contains(got.body, `"detail":"Token not valid`) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if n := evil.fetched.Load(); n != 0 {
		t.Errorf("%d requests went where a token pointed to", n)
	}
	for name, taken := range map[string]map[string]any{ // what it points to is not looked at
		"jku": header("jku", trap.URL), "jwk": header("jwk", jwk(t, "r", &evil.rsa.PublicKey)),
	} {
		if got := b.call(signed(t, rs, i.rsa, taken, nil), "GET", "/v1/info", ""); got.status != 200 {
			t.Errorf("%s beside a right signature: %d", name, got.status)
		}
	}
}

func TestWhatOfAKeySetIsTaken(t *testing.T) {
	i := newIssuer(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(key map[string]any, name string, value any) map[string]any {
		key[name] = value
		return key
	}
	for name, c := range map[string]struct {
		key  map[string]any
		want string
	}{
		"RSA":                 {jwk(t, "r", &i.rsa.PublicKey), "RS256"},
		"RSA that says so":    {with(jwk(t, "r", &i.rsa.PublicKey), "alg", "RS256"), "RS256"},
		"RSA for RS512":       {with(jwk(t, "r", &i.rsa.PublicKey), "alg", "RS512"), ""},
		"RSA for HS256":       {with(jwk(t, "r", &i.rsa.PublicKey), "alg", "HS256"), ""},
		"RSA for encryption":  {with(jwk(t, "r", &i.rsa.PublicKey), "use", "enc"), ""},
		"RSA that may verify": {with(jwk(t, "r", &i.rsa.PublicKey), "key_ops", []string{"verify"}), "RS256"},
		"RSA that may sign":   {with(jwk(t, "r", &i.rsa.PublicKey), "key_ops", []string{"sign"}), ""},
		"RSA too short":       {jwk(t, "r", &weak.PublicKey), ""},
		"RSA with a link":     {with(jwk(t, "r", &i.rsa.PublicKey), "x5u", "http://127.0.0.1:1/"), "RS256"},
		"RSA with e of 1":     {with(jwk(t, "r", &i.rsa.PublicKey), "e", "AQ"), ""},
		"P-256":               {jwk(t, "c", &i.ecdsa.PublicKey), "ES256"},
		"P-384":               {jwk(t, "c", &large.PublicKey), ""},
		"not on the curve":    {with(jwk(t, "c", &i.ecdsa.PublicKey), "x", b64(make([]byte, 32))), ""},
		"Ed25519":             {jwk(t, "d", i.ed25519.Public()), "EdDSA"},
		"X25519":              {with(jwk(t, "d", i.ed25519.Public()), "crv", "X25519"), ""},
		"a secret":            {map[string]any{"kty": "oct", "kid": "s", "k": b64(testSecret)}, ""},
		"something new":       {map[string]any{"kty": "AKP", "kid": "s"}, ""},
	} {
		raw, err := json.Marshal(map[string]any{"keys": []any{c.key}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if set, err := parseKeys(raw); err == nil {
			got = set[0].Marshal().ALG.String()
		}
		if got != c.want {
			t.Errorf("%s: good for %q, want %q", name, got, c.want)
		}
	}
	for _, raw := range []string{"", "{}", "[]", `{"keys":null}`, `{"keys":[1,"a",null]}`, `{"keys":[` + strings.Repeat("{},", 100) + `{}]}`} {
		if set, err := parseKeys([]byte(raw)); err == nil {
			t.Errorf("%.30s: %+v", raw, set)
		}
	}
}

func TestKeysRotateAndStayWhereTheSourceFails(t *testing.T) {
	i, next := newIssuer(t), newIssuer(t)
	at := testNow
	web := httptest.NewServer(i)
	t.Cleanup(web.Close)
	keys := openKeys(t, KeysOptions{Source: web.URL, Now: func() time.Time { return at }})
	b := start(t, func(o *Options) { o.Keys = keys })
	old := signed(t, jwt.SigningMethodRS256, i.rsa, map[string]any{"kid": "r"}, nil)
	young := signed(t, jwt.SigningMethodRS256, next.rsa, map[string]any{"kid": "r2"}, nil)
	b.wantStatus(b.call(old, "GET", "/v1/info", ""), 200)

	i.publish(jwk(t, "r2", &next.rsa.PublicKey))
	before := i.fetched.Load()
	for range 3 {
		b.wantStatus(b.call(young, "GET", "/v1/info", ""), 401) // too soon after the last read
	}
	if n := i.fetched.Load() - before; n != 0 {
		t.Errorf("unknown keys made %d requests within 10 s", n)
	}
	at = at.Add(keysGap)
	b.wantStatus(b.call(young, "GET", "/v1/info", ""), 200)
	b.wantStatus(b.call(old, "GET", "/v1/info", ""), 401)

	for _, fails := range []func(){
		func() { i.answer(500, "") }, func() { i.answer(200, "<html>") }, func() { i.answer(200, `{"keys":[]}`) },
		func() { i.answer(302, "") }, func() { i.answer(200, strings.Repeat(" ", maxKeySet+1)) }, web.Close,
	} {
		fails()
		at = at.Add(keysGap)
		b.wantStatus(b.call(signed(t, jwt.SigningMethodRS256, i.rsa, map[string]any{"kid": "unknown"}, nil), "GET", "/v1/info", ""), 401)
		b.wantStatus(b.call(young, "GET", "/v1/info", ""), 200)
	}
	b.want(b.call("", "GET", "/readyz", ""), 200, `{"status":"ready"}`)
}

func TestWithoutKeysYet(t *testing.T) {
	i := newIssuer(t)
	i.answer(500, "")
	b := keyed(t, i, nil)
	theirs := signed(t, jwt.SigningMethodRS256, i.rsa, map[string]any{"kid": "r"}, nil)
	got := b.call(theirs, "GET", "/v1/info", "")
	b.want(got, 503, `{"message":"Token cannot be checked: the keys of auth.jwks have not been read yet; /readyz tells more, try again","error_type":"UnavailableError","error_code":"UNAVAILABLE"}`)
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.wantStatus(b.call(token(t, "acme"), "GET", "/v1/info", ""), 200) // the node's own go on
	b.want(b.call("", "GET", "/readyz", ""), 200, `{"missing":[{"part":"auth.jwks","detail":"tokens signed with its keys cannot be checked yet: it answered 500 and not 200 (redirects are not followed)"}],"status":"ready"}`)
}

func TestKeysOfAFile(t *testing.T) {
	i, next := newIssuer(t), newIssuer(t)
	path := filepath.Join(t.TempDir(), "keys.json")
	write := func(i *issuer) {
		if err := os.WriteFile(path, []byte(i.set), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(i)
	keys := openKeys(t, KeysOptions{Source: path, Every: 5 * time.Millisecond})
	key := func() (any, error) {
		return keys.find.Keyfunc(&jwt.Token{Method: jwt.SigningMethodRS256, Header: map[string]any{"kid": "r", "alg": "RS256"}})
	}
	if _, err := key(); err != nil {
		t.Fatal(err)
	}
	write(next)
	deadline := time.After(2 * time.Minute)
	for {
		key, err := key()
		if err == nil && next.rsa.PublicKey.Equal(key) {
			return
		}
		select {
		case <-deadline:
			t.Fatal("the file's new keys are not taken")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestWhereKeysMayBe(t *testing.T) {
	for source, want := range map[string]string{
		"https://127.0.0.1:1/keys": "", "http://127.0.0.1:1/keys": "", "http://localhost:1/keys": "", "http://[::1]:1/keys": "",
		"http://example.com/keys": "not an https URL", "ftp://example.com/keys": "not an https URL", "https://u:p@example.com/": "has a user", "https://": "neither",
	} {
		err := checkKeysURL(source, false)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
	if err := checkKeysURL("http://example.com/keys", true); err != nil {
		t.Errorf("in development: %v", err)
	}
}

func TestIssuerAndAudience(t *testing.T) {
	i := newIssuer(t)
	b := keyed(t, i, func(o *Options) { o.Issuer, o.Audience = "https://id.example.com", "postrider" })
	with := func(iss, aud any) string {
		return signed(t, jwt.SigningMethodES256, i.ecdsa, nil, func(c jwt.MapClaims) { c["iss"], c["aud"] = iss, aud })
	}
	b.wantStatus(b.call(with("https://id.example.com", "postrider"), "GET", "/v1/info", ""), 200)
	b.wantStatus(b.call(with("https://id.example.com", []string{"other", "postrider"}), "GET", "/v1/info", ""), 200)
	b.wantStatus(b.call(with("https://id.example.com", "other"), "GET", "/v1/info", ""), 401)
	b.wantStatus(b.call(with("https://evil.example.com", "postrider"), "GET", "/v1/info", ""), 401)
	b.wantStatus(b.call(signed(t, jwt.SigningMethodES256, i.ecdsa, nil, nil), "GET", "/v1/info", ""), 401)
	b.wantStatus(b.call(token(t, "acme"), "GET", "/v1/info", ""), 200) // the node's own claim neither
}

func TestRevokedTokens(t *testing.T) {
	b := start(t, nil)
	operator := token(t, "", RoleOperator)
	id := func(jti string) string {
		return signedWith(t, jwt.SigningMethodHS256, testSecret, claimed(func(c jwt.MapClaims) { c["jti"] = jti }))
	}
	b.wantStatus(b.call(id("one"), "GET", "/v1/info", ""), 200)
	b.want(b.call(token(t, "acme", RoleAdmin), "POST", "/v1/tokens/revoke", `{"jti":"one"}`), 403, `{"detail":"User lacks required roles: ['operator']"}`)
	b.want(b.call(operator, "POST", "/v1/tokens/revoke", `{"jti":"one","exp":"2026-01-02T04:04:05Z"}`), 200, `{"jti":"one","exp":"2026-01-02T04:04:05Z"}`)
	b.want(b.call(operator, "POST", "/v1/tokens/revoke", `{"jti":"two"}`), 200, `{"jti":"two"}`)
	if until := b.revoked["one"]; !until.Equal(testNow.Add(time.Hour + tokenLeeway)) {
		t.Errorf("kept until %s", until)
	}
	for _, path := range []string{"/v1/info", "/v1/events"} {
		method := map[string]string{"/v1/info": "GET", "/v1/events": "POST"}[path]
		b.want(b.call(id("one"), method, path, ""), 401, `{"detail":"Token revoked: get a new one"}`)
	}
	b.wantStatus(b.call(id("three"), "GET", "/v1/info", ""), 200)
	for _, body := range []string{`{}`, `{"jti":""}`, `{"jti":1}`, `{"jti":"a\u0000"}`, `{"jti":"` + strings.Repeat("a", 257) + `"}`, `{"jti":"a","exp":"soon"}`} {
		b.wantStatus(b.call(operator, "POST", "/v1/tokens/revoke", body), 400)
	}
}

func TestRequestsOfATokenAreBounded(t *testing.T) {
	at := testNow
	b := start(t, func(o *Options) { o.Rate, o.Burst, o.Now = 0.5, 2, func() time.Time { return at } })
	one, two := token(t, "acme", RoleGetAlerts), token(t, "acme", RolePublishEvents)
	b.wantStatus(b.call(one, "GET", "/v1/info", ""), 200)
	b.wantStatus(b.call(one, "GET", "/v1/egress", ""), 200)
	got := b.call(one, "GET", "/v1/info", "")
	b.want(got, 429, `{"message":"Too many requests with this token: over 0.5 a second; try again in 2 s","error_type":"TooManyRequestsError","error_code":"TOO_MANY_REQUESTS"}`)
	if got.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	b.wantStatus(b.call(two, "POST", "/v1/events", `{"type":"a","data":1}`), 202) // another token
	b.wantStatus(b.call(two, "POST", "/v1/events", `{"type":"a","data":1}`), 202)
	b.wantStatus(b.call(two, "POST", "/v1/events", `{"type":"a","data":1}`), 429)
	b.wantStatus(b.call("", "GET", "/healthz", ""), 200)
	at = at.Add(2 * time.Second)
	b.wantStatus(b.call(one, "GET", "/v1/info", ""), 200)
	b.wantStatus(b.call(one, "GET", "/v1/info", ""), 429)
}

func TestTheLimiterForgetsTheLeastSeen(t *testing.T) {
	l := newLimiter(1, 1, func() time.Time { return testNow })
	for n := range mostCallers + 1 {
		if e := l.take([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}); e != nil {
			t.Fatalf("%d: %v", n, e)
		}
	}
	if len(l.buckets) != mostCallers || l.recent.Len() != mostCallers {
		t.Errorf("%d buckets, %d in order", len(l.buckets), l.recent.Len())
	}
	if l.take([32]byte{1}) == nil || l.take([32]byte{}) != nil {
		t.Error("not the least seen was forgotten")
	}
}

func FuzzKeySet(f *testing.F) {
	i := newIssuer(f)
	f.Add([]byte(i.set))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		set, err := parseKeys(raw)
		if err == nil && (len(set) == 0 || len(set) > maxKeys) {
			t.Errorf("%d keys", len(set))
		}
	})
}
