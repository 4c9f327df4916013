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

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// read takes the source's keys in the place of those before. A set without any
// key that can be used is an error, and changes nothing.
func (k *Keys) read(ctx context.Context) error {
	raw, err := k.fetch(ctx)
	if err != nil {
		return err
	}
	keys, err := parseKeys(raw)
	if err != nil {
		return err
	}
	if err := k.set.KeyReplaceAll(ctx, keys); err != nil {
		return err
	}
	k.known.Store(true)
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
func parseKeys(raw []byte) (usable []jwkset.JWK, err error) {
	var doc map[string]json.RawMessage // names are matched exactly
	var keys []json.RawMessage
	if json.Unmarshal(jsontext.Trim(raw), &doc) != nil || doc["keys"] != nil && json.Unmarshal(doc["keys"], &keys) != nil {
		return nil, errors.New("not a JSON Web Key Set")
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("over %d keys", maxKeys)
	}
	for _, one := range keys {
		if key, ok := parseKey(one); ok {
			usable = append(usable, key)
		}
	}
	if len(usable) == 0 {
		return nil, errors.New("it has no key for RS256 (2048 bits or more), ES256 or EdDSA")
	}
	return usable, nil
}

// parseKey reads one key, which is good for one algorithm alone. What it says of
// certificates is not asked for: the set is trusted for where it comes from.
func parseKey(raw json.RawMessage) (key jwkset.JWK, ok bool) {
	var head struct{ KID, ALG, Use, KTY, CRV, N, E, X, Y string }
	var operations []string
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return key, false
	}
	for name, into := range map[string]any{"kid": &head.KID, "alg": &head.ALG, "use": &head.Use, "key_ops": &operations, "kty": &head.KTY,
		"crv": &head.CRV, "n": &head.N, "e": &head.E, "x": &head.X, "y": &head.Y} {
		if value := fields[name]; value != nil && json.Unmarshal(value, into) != nil {
			return key, false
		}
	}
	if head.Use != "" && head.Use != "sig" || len(operations) > 0 && !slices.Contains(operations, "verify") {
		return key, false
	}
	parsed, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{KTY: jwkset.KTY(head.KTY), CRV: jwkset.CRV(head.CRV),
		N: head.N, E: head.E, X: head.X, Y: head.Y}, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return key, false
	}
	alg := algorithmOf(parsed.Key())
	if alg == "" || head.ALG != "" && head.ALG != alg {
		return key, false
	}
	key, err = jwkset.NewJWKFromKey(parsed.Key(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{ALG: jwkset.ALG(alg), KID: head.KID}})
	return key, err == nil
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
