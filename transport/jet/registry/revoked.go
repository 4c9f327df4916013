package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// BucketRevoked holds the tokens that no longer hold.
const BucketRevoked = "REVOKED"

// mostRevoked bounds what is held in memory, at about 200 bytes each.
const mostRevoked = 100_000

// Revoked are the tokens that no longer hold, each until it would have expired
// anyway: in a bucket, and in memory to be asked at each request.
type Revoked struct {
	store *Store
	kv    jetstream.KeyValue

	mu    sync.RWMutex
	until map[string]time.Time // by jti; zero: for ever
}

// revokedJSON is an entry of the bucket, under a digest of the jti: that may
// hold what a key must not.
type revokedJSON struct {
	JTI   string    `json:"jti"`
	Until time.Time `json:"until,omitzero"`
}

// Revoked reads the revocations there are, and drops those that are over.
func (s *Store) Revoked(ctx context.Context) (*Revoked, error) {
	kv, err := s.conn.Bucket(ctx, BucketRevoked, "Postrider: tokens that no longer hold")
	if err != nil {
		return nil, err
	}
	r := &Revoked{store: s, kv: kv, until: map[string]time.Time{}}
	w := jet.Sweep{Stream: "KV_" + BucketRevoked, Subject: "$KV." + BucketRevoked + ".>"}
	err = s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if m.Header.Get(jet.HeaderKVOperation) != "" {
			return nil
		}
		var e revokedJSON
		if err := json.Unmarshal(m.Data, &e); err != nil {
			return fmt.Errorf("%s: %w", m.Subject, err) // to pass it over would let a token in
		}
		r.until[e.JTI] = e.Until
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading revoked tokens: %w", jet.Unavailable(err))
	}
	return r, r.dropOver(ctx)
}

// Revoked tells whether the token of that id no longer holds.
func (r *Revoked) Revoked(jti string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	until, there := r.until[jti]
	return there && (until.IsZero() || r.store.now().Before(until))
}

// Revoke returns when the revocation is stored and in effect. Until is when it
// may be forgotten, zero for never. What was revoked for longer stays so.
func (r *Revoked) Revoke(ctx context.Context, jti string, until time.Time) error {
	if err := r.dropOver(ctx); err != nil {
		return err
	}
	r.mu.RLock()
	before, there := r.until[jti]
	full := !there && len(r.until) >= mostRevoked
	r.mu.RUnlock()
	if there && (before.IsZero() || !until.IsZero() && !until.After(before)) {
		return nil
	}
	if full {
		return &transport.FieldError{Field: "jti", Message: fmt.Sprintf(
			"%d tokens are revoked already; give exp with each, so that they can be forgotten, or change auth.secret", mostRevoked)}
	}
	data, err := json.Marshal(revokedJSON{JTI: jti, Until: until})
	if err != nil {
		return fmt.Errorf("revoking a token: %w", err)
	}
	if _, err := r.kv.Put(ctx, revokedKey(jti), data); err != nil {
		return fmt.Errorf("revoking a token: %w", jet.Unavailable(err))
	}
	r.mu.Lock()
	r.until[jti] = until
	r.mu.Unlock()
	return nil
}

// dropOver forgets the revocations of tokens that have expired.
func (r *Revoked) dropOver(ctx context.Context) error {
	var over []string
	r.mu.RLock()
	for jti, until := range r.until {
		if !until.IsZero() && r.store.now().After(until) {
			over = append(over, jti)
		}
	}
	r.mu.RUnlock()
	for _, jti := range over {
		if err := r.kv.Purge(ctx, revokedKey(jti)); err != nil {
			return fmt.Errorf("forgetting a revoked token: %w", jet.Unavailable(err))
		}
		r.mu.Lock()
		delete(r.until, jti)
		r.mu.Unlock()
	}
	return nil
}

func revokedKey(jti string) string {
	digest := sha256.Sum256([]byte(jti))
	return hex.EncodeToString(digest[:])
}
