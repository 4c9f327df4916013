package node

import (
	"crypto/subtle"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
)

// turnKey seals with another master key from now on; what the present one has
// sealed is to be sealed anew then. The present one must be named as the
// previous: what it sealed could not be opened otherwise. What is made of the key
// besides (sessions of the page, links in mails) keeps the present one until the
// next start.
func (n *Node) turnKey(cfg *config.Config, present string) error {
	if subtle.ConstantTimeCompare([]byte(cfg.MasterKeyPrevious.Reveal()), []byte(present)) != 1 {
		return &transport.FieldError{Field: "master_key_previous", Message: "not the master key that the node runs with; give that, so that what it sealed can be sealed anew"}
	}
	key, err := cfg.MasterKeyBytes()
	if err != nil {
		return err
	}
	previous, err := cfg.MasterKeyPreviousBytes()
	if err != nil {
		return err
	}
	return n.store.Vault().Turn(key, previous)
}
