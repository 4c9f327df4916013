package jet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/postrider/postrider/transport"
)

// masterKeySize is AES-256's.
const masterKeySize = 32

// sealedPrefix tells how a value was sealed, and with which master key, so
// that a later key can stand beside it.
const sealedPrefix = "v1:"

// ErrSealed is a value that this master key does not open.
var ErrSealed = errors.New("cannot be opened with this master key; start with the POSTRIDER_MASTER_KEY that it was sealed with")

// Vault seals what must not be readable at rest: AES-256-GCM, a random nonce
// with each value, bound to where the value belongs, so that a sealed value
// cannot be moved to another field or endpoint. What the key before sealed is
// opened too, where it is given.
type Vault struct{ keys atomic.Pointer[vaultKeys] }

type vaultKeys struct {
	aead     cipher.AEAD
	previous cipher.AEAD // nil: none
}

// NewVault opens what the master key or the one before has sealed.
func NewVault(key, previous []byte) (*Vault, error) {
	v := &Vault{}
	return v, v.Turn(key, previous)
}

// Turn has it seal with another key from now on, and open what that or the one
// before has sealed. After an error it has the keys that it had.
func (v *Vault) Turn(key, previous []byte) error {
	aead, err := aeadOf(key)
	if err != nil {
		return err
	}
	keys := &vaultKeys{aead: aead}
	if len(previous) > 0 {
		if keys.previous, err = aeadOf(previous); err != nil {
			return err
		}
	}
	v.keys.Store(keys)
	return nil
}

func aeadOf(key []byte) (cipher.AEAD, error) {
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
	return aead, nil
}

// Seal gives "v1:" and base64 of nonce and cipher text; "" stays "".
func (v *Vault) Seal(plain string, at Place) string {
	if plain == "" {
		return ""
	}
	aead := v.keys.Load().aead
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) // never fails, by its contract
	return sealedPrefix + base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(plain), at.bytes()))
}

// Open gives back what was sealed at the same place. Its errors name the
// place, never a value.
func (v *Vault) Open(sealed string, at Place) (string, error) {
	plain, _, err := v.openWith(sealed, at)
	return plain, err
}

// Reseal gives sealed as this master key seals it, and whether the one before
// had.
func (v *Vault) Reseal(sealed string, at Place) (next string, changed bool, err error) {
	plain, old, err := v.openWith(sealed, at)
	if err != nil || !old {
		return sealed, false, err
	}
	return v.Seal(plain, at), true, nil
}

// openWith is open, and tells whether it took the previous key.
func (v *Vault) openWith(sealed string, at Place) (text string, previous bool, err error) {
	if sealed == "" {
		return "", false, nil
	}
	encoded, ok := strings.CutPrefix(sealed, sealedPrefix)
	if !ok {
		return "", false, fmt.Errorf("%s: sealed in a way this version does not know; update Postrider", at)
	}
	keys := v.keys.Load()
	raw, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil || len(raw) < keys.aead.NonceSize() {
		return "", false, fmt.Errorf("%s: not a sealed value; the registry was changed from outside", at)
	}
	nonce, cipherText := raw[:keys.aead.NonceSize()], raw[keys.aead.NonceSize():]
	plain, err := keys.aead.Open(nil, nonce, cipherText, at.bytes())
	if err != nil && keys.previous != nil {
		previous = true
		plain, err = keys.previous.Open(nil, nonce, cipherText, at.bytes())
	}
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", at, ErrSealed)
	}
	return string(plain), previous, nil
}

// Place is where a sealed value belongs.
type Place struct{ Customer, Endpoint, Field string }

func (p Place) bytes() []byte {
	return []byte(p.Customer + "\x00" + p.Endpoint + "\x00" + p.Field)
}

func (p Place) String() string {
	return fmt.Sprintf("%s of endpoint %s of customer %s", p.Field, p.Endpoint, p.Customer)
}
