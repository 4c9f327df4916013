package signature

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The prefixes by which Standard Webhooks tells keys apart.
const (
	symmetricPrefix = "whsec_"
	privatePrefix   = "whsk_"
	publicPrefix    = "whpk_"
)

const (
	minSecret = 16
	// maxSymmetric is the limit Standard Webhooks sets for decoded whsec_ keys.
	maxSymmetric = 64
)

// masked is what stands wherever a secret would be printed.
const masked = "[secret]"

// NewSecret makes a secret from the system's random source: for "standard"
// whsec_ and the base64 of 32 bytes, for other schemes 64 hex characters.
func NewSecret(scheme string) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	if scheme == standard {
		return symmetricPrefix + base64.StdEncoding.EncodeToString(b[:])
	}
	return hex.EncodeToString(b[:])
}

// NewSecretLike is NewSecret, but an ed25519 key where the secret it follows is
// one: who verifies with a public key goes on to.
func NewSecretLike(scheme, before string) string {
	if PublicKey(scheme, before) == "" {
		return NewSecret(scheme)
	}
	var seed [ed25519.SeedSize]byte
	_, _ = rand.Read(seed[:]) // never fails, as above
	return privatePrefix + base64.StdEncoding.EncodeToString(seed[:])
}

// PublicKey is what verifies the signatures of an ed25519 key: whpk_ and
// base64. "" where scheme and secret sign otherwise.
func PublicKey(scheme, secret string) string {
	if scheme != standard || !strings.HasPrefix(secret, privatePrefix) {
		return ""
	}
	m, err := signingMaterial(scheme, secret)
	if err != nil || m.public == nil {
		return ""
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(m.public)
}

// CheckSecret tells whether secret can sign under scheme; the *ConfigError
// never contains it.
//
// A secret is its UTF-8 bytes, 16 or more. Under "standard" whsec_ holds 16 to
// 64 bytes in base64, and whsk_ an ed25519 private key: a 32-byte seed or the
// 64-byte key. Scheme "none" takes any secret, as it uses none.
func CheckSecret(scheme, secret string) error {
	if scheme == none {
		return nil
	}
	if _, known := fixed[scheme]; !known && scheme != plain {
		return &ConfigError{"scheme", "must be one of " + schemeNames}
	}
	_, err := signingMaterial(scheme, secret)
	return err
}

// material is a secret as bytes: a symmetric key, or an ed25519 key, which has
// no private half where only whpk_ was given.
type material struct {
	symmetric []byte
	public    ed25519.PublicKey
	private   ed25519.PrivateKey
}

// Format masks, whatever the verb.
func (material) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// encodings are the keys of Standard Webhooks that are not bytes as they are.
var encodings = []struct {
	prefix string
	read   func([]byte) (material, error)
}{
	{symmetricPrefix, readSymmetric},
	{privatePrefix, readPrivate},
	{publicPrefix, readPublic},
}

// signingMaterial is verifyingMaterial without public keys, which cannot sign.
func signingMaterial(scheme, secret string) (material, error) {
	m, err := verifyingMaterial(scheme, secret)
	if err == nil && m.public != nil && m.private == nil {
		return material{}, secretError("a whpk_ key can only verify: sign with the whsk_ key that belongs to it")
	}
	return m, err
}

func verifyingMaterial(scheme, secret string) (material, error) {
	if scheme == standard {
		for _, e := range encodings {
			if text, found := strings.CutPrefix(secret, e.prefix); found {
				return decode(e.prefix, text, e.read)
			}
		}
	}
	switch {
	case len(secret) < minSecret:
		return material{}, secretError("must have at least 16 bytes: let one be made, or choose a longer one")
	case !utf8.ValidString(secret):
		return material{}, secretError("is not valid UTF-8: give text, such as the hex or base64 form of the bytes")
	}
	return material{symmetric: []byte(secret)}, nil
}

// decode takes padded standard base64 alone: what other libraries read
// differently, or not at all, would sign with a key the receiver does not have.
func decode(prefix, text string, read func([]byte) (material, error)) (material, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return material{}, secretError("what follows " + prefix + " must be base64 (standard alphabet, padded with =), without blanks or line ends")
	}
	return read(key)
}

func readSymmetric(key []byte) (material, error) {
	if len(key) < minSecret || len(key) > maxSymmetric {
		return material{}, secretError(fmt.Sprintf("whsec_ must hold 16 to 64 bytes (better 24 or more) in base64, this one holds %d", len(key)))
	}
	return material{symmetric: key}, nil
}

func readPrivate(key []byte) (material, error) {
	if len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
		return material{}, secretError(fmt.Sprintf("whsk_ must hold an ed25519 seed (32 bytes) or private key (64 bytes) in base64, this one holds %d bytes", len(key)))
	}
	private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	// Signing with a public half that is not the seed's gives the seed away.
	if len(key) == ed25519.PrivateKeySize && subtle.ConstantTimeCompare(private, key) == 0 {
		return material{}, secretError("the two halves of this whsk_ key do not belong together: give the 32-byte seed, or export the key again")
	}
	return material{private: private, public: private.Public().(ed25519.PublicKey)}, nil
}

func readPublic(key []byte) (material, error) {
	if len(key) != ed25519.PublicKeySize {
		return material{}, secretError(fmt.Sprintf("whpk_ must hold an ed25519 public key (32 bytes) in base64, this one holds %d bytes", len(key)))
	}
	return material{public: key}, nil
}

func secretError(message string) error { return &ConfigError{"secret", message} }
