package jet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/postrider/postrider/transport"
)

// masterKeySize is AES-256's.
const masterKeySize = 32

// sealedPrefix tells how a value was sealed, and with which master key, so
// that a later key can stand beside it.
const sealedPrefix = "v1:"

// errSealed is a value that this master key does not open.
var errSealed = errors.New("cannot be opened with this master key; start with the POSTRIDER_MASTER_KEY that it was sealed with")

// vault seals what must not be readable at rest: AES-256-GCM, a random nonce
// with each value, bound to where the value belongs, so that a sealed value
// cannot be moved to another field or endpoint.
type vault struct{ aead cipher.AEAD }

func newVault(key []byte) (*vault, error) {
	if len(key) != masterKeySize {
		return nil, &transport.FieldError{Field: "master_key", Message: fmt.Sprintf(
			"%d bytes; set POSTRIDER_MASTER_KEY to %d random bytes", len(key), masterKeySize)}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return &vault{aead}, nil
}

// seal gives "v1:" and base64 of nonce and cipher text; "" stays "".
func (v *vault) seal(plain string, at place) string {
	if plain == "" {
		return ""
	}
	nonce := make([]byte, v.aead.NonceSize(), v.aead.NonceSize()+len(plain)+v.aead.Overhead())
	rand.Read(nonce) // never fails, by its contract
	return sealedPrefix + base64.RawStdEncoding.EncodeToString(v.aead.Seal(nonce, nonce, []byte(plain), at.bytes()))
}

// open gives back what was sealed at the same place. Its errors name the
// place, never a value.
func (v *vault) open(sealed string, at place) (string, error) {
	if sealed == "" {
		return "", nil
	}
	text, ok := strings.CutPrefix(sealed, sealedPrefix)
	if !ok {
		return "", fmt.Errorf("%s: sealed in a way this version does not know; update Postrider", at)
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) < v.aead.NonceSize() {
		return "", fmt.Errorf("%s: not a sealed value; the registry was changed from outside", at)
	}
	plain, err := v.aead.Open(nil, raw[:v.aead.NonceSize()], raw[v.aead.NonceSize():], at.bytes())
	if err != nil {
		return "", fmt.Errorf("%s: %w", at, errSealed)
	}
	return string(plain), nil
}

// place is where a sealed value belongs.
type place struct{ customer, endpoint, field string }

func (p place) bytes() []byte {
	return []byte(p.customer + "\x00" + p.endpoint + "\x00" + p.field)
}

func (p place) String() string {
	return fmt.Sprintf("%s of endpoint %s of customer %s", p.field, p.endpoint, p.customer)
}
