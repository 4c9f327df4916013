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

// BucketConsents holds which mailboxes were confirmed, and who was asked.
const BucketConsents = "CONSENTS"

// Consents are what the owners of mailboxes were asked and have confirmed: in a
// bucket, each under a digest of customer and address, so that no address lies
// open there, and in memory, at about 200 bytes each. What was confirmed stays
// so, also where the mailbox is gone for a while.
type Consents struct {
	kv jetstream.KeyValue

	turn sync.Mutex // held while one is changed
	mu   sync.RWMutex
	all  map[string]transport.Consent
}

// Consents reads those there are.
func (s *Store) Consents(ctx context.Context) (*Consents, error) {
	kv, err := s.conn.Bucket(ctx, BucketConsents, "Postrider: mailboxes whose owners were asked, and have confirmed")
	if err != nil {
		return nil, err
	}
	c := &Consents{kv: kv, all: map[string]transport.Consent{}}
	const before = "$KV." + BucketConsents + "."
	err = s.conn.Sweep(ctx, jet.Sweep{Stream: "KV_" + BucketConsents, Subject: before + ">"}, func(m *jetstream.RawStreamMsg) error {
		if m.Header.Get(jet.HeaderKVOperation) != "" {
			return nil
		}
		var one transport.Consent
		if err := json.Unmarshal(m.Data, &one); err != nil {
			return fmt.Errorf("%s: %w", m.Subject, err) // to pass it over would ask a stranger again
		}
		c.all[m.Subject[len(before):]] = one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading who has confirmed: %w", jet.Unavailable(err))
	}
	return c, nil
}

// Of is what is kept of a customer's mailbox at address, as
// transport.CheckAddress gives it.
func (c *Consents) Of(customer, address string) transport.Consent {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.all[consentKey(customer, address)]
}

// Change has change edit what is kept of a mailbox, and returns when that is
// durable and in effect. One that is left as it was is not written.
func (c *Consents) Change(ctx context.Context, customer, address string, change func(*transport.Consent)) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	was := c.Of(customer, address)
	next := was
	next.Customer = customer
	if change(&next); next == was {
		return nil
	}
	data, err := json.Marshal(&next)
	if err != nil {
		return fmt.Errorf("keeping who was asked: %w", err)
	}
	key := consentKey(customer, address)
	if _, err := c.kv.Put(ctx, key, data); err != nil {
		return fmt.Errorf("keeping who was asked: %w", jet.Unavailable(err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[key] = next
	return nil
}

// AskedSince counts, by customer, the mailboxes that were asked at or after t.
func (c *Consents) AskedSince(t time.Time) map[string]int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	counts := map[string]int{}
	for _, one := range c.all {
		if !one.At.Before(t) {
			counts[one.Customer]++
		}
	}
	return counts
}

func consentKey(customer, address string) string {
	digest := sha256.Sum256([]byte(customer + "\x00" + address))
	return hex.EncodeToString(digest[:])
}
