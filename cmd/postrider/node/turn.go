package node

import (
	"crypto/subtle"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
)

// turnKey seals with another master key from now on, where cfg has another than
// present, and tells whether it has; what the present one has sealed is to be
// sealed anew then. The present one must be named as the previous: what it sealed
// could not be opened otherwise. What is made of the key besides (sessions of the
// page, links in mails) keeps the present one until the next start.
func (n *Node) turnKey(cfg, present *config.Config) (turned bool, err error) {
	keys, err := keysOf(cfg)
	if err != nil {
		return false, err
	}
	now, err := keysOf(present)
	if err != nil {
		return false, err
	}
	switch { // by their bytes: a key may be written in two ways
	case subtle.ConstantTimeCompare(keys.master, now.master) == 1:
		return false, nil
	case subtle.ConstantTimeCompare(keys.previous, now.master) != 1:
		return false, &transport.FieldError{Field: "master_key_previous", Message: "not the master key that the node runs with; give that, so that what it sealed can be sealed anew"}
	}
	return true, n.store.Vault().Turn(keys.master, keys.previous)
}
