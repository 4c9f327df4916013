package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// keySet is one reading of a JSON Web Key Set: what of it can verify tokens.
type keySet struct{ keys []publicKey }

// publicKey is good for one algorithm alone.
type publicKey struct {
	kid, alg string
	key      any
}

// find gives the key of that id for that algorithm. A token without an id is
// fine where only one key can be meant.
func (s *keySet) find(kid, alg string) (any, bool) {
	if s == nil {
		return nil, false
	}
	var found []any
	for _, k := range s.keys {
		if k.alg == alg && (kid == "" || k.kid == kid) {
			found = append(found, k.key)
		}
	}
	if len(found) != 1 {
		return nil, false
	}
	return found[0], true
}

// read takes the source's keys in the place of those before. A set without any
// key that can be used is an error, and changes nothing.
func (k *Keys) read(ctx context.Context) error {
	raw, err := k.fetch(ctx)
	if err != nil {
		return err
	}
	set, err := parseKeys(raw)
	if err != nil {
		return err
	}
	k.set.Store(set)
	return nil
}

func (k *Keys) fetch(ctx context.Context) ([]byte, error) {
	if k.client == nil {
		file, err := os.Open(k.o.Source)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return readKeys(file)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.o.Source, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := k.client.Do(request)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // without the URL: its query may be a secret
	}
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %d and not 200 (redirects are not followed)", answer.StatusCode)
	}
	return readKeys(answer.Body)
}

func readKeys(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxKeySet+1))
	if err == nil && len(raw) > maxKeySet {
		err = fmt.Errorf("over %d bytes", maxKeySet)
	}
	return raw, err
}

// parseKeys reads a JSON Web Key Set. Keys of other kinds, for encryption, for
// other algorithms, or too weak are passed over, as RFC 7517 wants.
func parseKeys(raw []byte) (*keySet, error) {
	var doc map[string]json.RawMessage // names are matched exactly
	var keys []json.RawMessage
	if json.Unmarshal(jsontext.Trim(raw), &doc) != nil || doc["keys"] != nil && json.Unmarshal(doc["keys"], &keys) != nil {
		return nil, errors.New("not a JSON Web Key Set")
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("over %d keys", maxKeys)
	}
	set := &keySet{}
	for _, one := range keys {
		if key, ok := parseKey(one); ok {
			set.keys = append(set.keys, key)
		}
	}
	if len(set.keys) == 0 {
		return nil, errors.New("it has no key for RS256 (2048 bits or more), ES256 or EdDSA")
	}
	return set, nil
}

// parseKey reads one key. What it says of certificates is not asked for: the
// set is trusted for where it comes from.
func parseKey(raw json.RawMessage) (publicKey, bool) {
	var head struct{ KID, ALG, Use, KTY, CRV, N, E, X, Y string }
	var operations []string
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return publicKey{}, false
	}
	for name, into := range map[string]any{"kid": &head.KID, "alg": &head.ALG, "use": &head.Use, "key_ops": &operations, "kty": &head.KTY,
		"crv": &head.CRV, "n": &head.N, "e": &head.E, "x": &head.X, "y": &head.Y} {
		if value := fields[name]; value != nil && json.Unmarshal(value, into) != nil {
			return publicKey{}, false
		}
	}
	if head.Use != "" && head.Use != "sig" || len(operations) > 0 && !slices.Contains(operations, "verify") {
		return publicKey{}, false
	}
	bare, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": head.KTY, "crv": head.CRV, "n": head.N, "e": head.E, "x": head.X, "y": head.Y}}})
	if err != nil {
		return publicKey{}, false
	}
	parsed, err := keyfunc.NewJWKSetJSON(bare)
	if err != nil {
		return publicKey{}, false
	}
	all, err := parsed.Storage().KeyReadAll(context.Background())
	if err != nil || len(all) != 1 {
		return publicKey{}, false
	}
	alg := algorithmOf(all[0].Key())
	if alg == "" || head.ALG != "" && head.ALG != alg {
		return publicKey{}, false
	}
	return publicKey{kid: head.KID, alg: alg, key: all[0].Key()}, true
}

// algorithmOf is the one algorithm that a key is good for; "": none.
func algorithmOf(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= 2048 && key.E > 1 {
			return jwt.SigningMethodRS256.Alg()
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return jwt.SigningMethodES256.Alg()
		}
	case ed25519.PublicKey:
		return jwt.SigningMethodEdDSA.Alg()
	}
	return ""
}
