package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// as makes an API request with a token and a key for repeats.
func (n *testNode) as(token, key, method, path, body string) (int, string) {
	n.t.Helper()
	req, err := http.NewRequest(method, "http://"+n.http+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// Tokens of a key set are taken; one that was revoked is refused, and a request
// that is repeated is done once, after a restart too.
func TestTokensRevocationsAndRepeatsOutliveTheNode(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := newTestNode(t)
	set := fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	file := filepath.Join(n.dir, "keys.json")
	if err := os.WriteFile(file, []byte(set), 0o600); err != nil {
		t.Fatal(err)
	}
	n.env = append(n.env, "POSTRIDER_AUTH_JWKS="+file)
	n.start()
	token := func(jti string) string {
		claims := jwt.MapClaims{"customer": "acme", "sub": "ann", "roles": []string{"admin"}, "jti": jti, "exp": time.Now().Add(time.Hour).Unix()}
		s, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two := token("one"), token("two")
	const body = `{"url":"http://127.0.0.1:1/"}`
	status, made := n.as(one, "k-1", http.MethodPost, "/v1/endpoints", body)
	if status != http.StatusCreated || !strings.Contains(made, `"secret"`) {
		t.Fatalf("%d %s", status, made)
	}
	n.must("", "token", "revoke", one)
	for range 2 {
		if status, text := n.as(one, "", http.MethodGet, "/v1/endpoints", ""); status != http.StatusUnauthorized || !strings.Contains(text, "revoked") {
			t.Errorf("a revoked token: %d %s", status, text)
		}
		if status, again := n.as(two, "k-1", http.MethodPost, "/v1/endpoints", body); status != http.StatusCreated || again != made {
			t.Errorf("repeated: %d %s", status, again)
		}
		n.kill()
		n.start()
	}
	if _, list := n.as(two, "", http.MethodGet, "/v1/endpoints", ""); strings.Count(list, `"id"`) != 1 {
		t.Errorf("endpoints: %s", list)
	}
}
