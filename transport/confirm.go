package transport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// ReasonMailboxUnconfirmed is why a mailbox is paused whose owner has not
// confirmed yet that mails may come.
const ReasonMailboxUnconfirmed = "mailbox_unconfirmed"

// ErrLinkInvalid marks a link that we did not make, or not as it stands;
// ErrLinkExpired one that is too old.
var (
	ErrLinkInvalid = errors.New("not a link of ours")
	ErrLinkExpired = errors.New("the link has expired")
)

// Consent is what is kept of a mailbox that must be confirmed: whether it was,
// and how often its owner was asked. The zero value is one not asked yet.
type Consent struct {
	Customer string `json:"customer"`
	// Confirmed is when its owner confirmed; zero: not yet.
	Confirmed time.Time `json:"confirmed,omitzero"`
	// Mails counts those that asked, since the last rest; At is when the last
	// one was tried. It is Accepted once the relay has answered for it; Failed
	// counts the tries in a row that were not.
	Mails    int       `json:"mails"`
	At       time.Time `json:"at,omitzero"`
	Accepted bool      `json:"taken,omitempty"`
	Failed   int       `json:"failed,omitempty"`
}

// Asked is whom a link of confirmation asks, about what.
type Asked struct {
	Customer, Address string
	// Name is the customer's, as it is shown.
	Name string
	// Confirmed: it was opened and confirmed before.
	Confirmed bool
}

// DeriveAEAD gives AES-256-GCM under a key that HKDF-SHA-256 derives from the
// master key for one purpose: what is sealed for it opens for no other.
func DeriveAEAD(master []byte, purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, master, nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("a key for %s: %w", purpose, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("a key for %s: %w", purpose, err)
	}
	return cipher.NewGCM(block)
}
