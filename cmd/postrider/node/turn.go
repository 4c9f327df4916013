package node

import (
	"crypto/subtle"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
)

// turned gives the keys of cfg where its master key is another than that of
// present; nil: it is the same. The present one must be named as the previous: what
// it sealed could not be opened otherwise. What is made of the key besides (sessions
// of the page, links in mails) keeps the present one until the next start.
func turned(cfg, present *config.Config) (*Keys, error) {
	keys, err := keysOf(cfg)
	if err != nil {
		return nil, err
	}
	now, err := keysOf(present)
	if err != nil {
		return nil, err
	}
	switch { // by their bytes: a key may be written in two ways
	case subtle.ConstantTimeCompare(keys.master, now.master) == 1:
		return nil, nil
	case subtle.ConstantTimeCompare(keys.previous, now.master) != 1:
		return nil, &transport.FieldError{Field: "master_key_previous", Message: "not the master key that the node runs with; give that, so that what it sealed can be sealed anew"}
	}
	return keys, nil
}

// masterKey takes in another one; taking out the one before needs nothing done. A
// node that does not own the shard leaves it to the owner to seal anew.
func (r *reloader) masterKey(cfg *config.Config) {
	if cfg.MasterKey == "" || r.started.MasterKey == "" { // a development node's own
		return
	}
	keys, err := turned(cfg, r.started)
	if err == nil && keys != nil && r.node != nil {
		err = r.node.store.Vault().Turn(keys.master, keys.previous)
	}
	if err != nil {
		r.log.Error("master_key was not taken in; the one before still holds", "error", err)
		return
	}
	with := *r.started
	with.MasterKey, with.MasterKeyPrevious = cfg.MasterKey, cfg.MasterKeyPrevious
	r.started = &with
	switch {
	case keys == nil:
	case r.owns:
		r.log.Info("master_key was taken in: what the one before sealed is sealed anew")
		r.seal()
	default:
		r.log.Info("master_key was taken in: the owner of the shard seals anew what the one before sealed")
	}
}

// seal has the owner seal anew, until it is detached.
func (r *reloader) seal() {
	n, ctx := r.node, r.attached
	r.sealing.Go(func() { n.reseal(ctx) })
}

// with gives the options of a node that is started now: with the keys that were
// taken in since the first start.
func (r *reloader) with(o Options) (*Options, error) {
	if r == nil {
		return &o, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started.MasterKey == "" {
		return &o, nil
	}
	keys, err := keysOf(r.started)
	if err != nil {
		return nil, err
	}
	cfg := *o.Config
	cfg.MasterKey, cfg.MasterKeyPrevious = r.started.MasterKey, r.started.MasterKeyPrevious
	o.Config, o.Keys = &cfg, &Keys{auth: o.Keys.auth, master: keys.master, previous: keys.previous}
	return &o, nil
}
