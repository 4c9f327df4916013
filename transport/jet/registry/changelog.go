package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// BucketChanges holds who changed what.
const BucketChanges = "CHANGES"

const (
	// changesKeep is how long a change is told, mostChanges how many there are at
	// most, in memory too: at some hundred bytes each, a few KiB at most. The oldest of
	// the customer with the most leave first, a hundredth of all at once.
	changesKeep = 400 * 24 * time.Hour
	mostChanges = 10_000
)

// ChangeLog is who changed what: in a bucket, and in memory.
type ChangeLog struct {
	store *Store
	kv    jetstream.KeyValue
	most  int

	turn sync.Mutex // held while one is written
	mu   sync.RWMutex
	all  []transport.SettingChange // oldest first
}

// ChangeLog reads what there is. A change that cannot be read is passed over.
func (s *Store) ChangeLog(ctx context.Context) (*ChangeLog, error) {
	kv, err := s.js.KeyValue(ctx, BucketChanges)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: BucketChanges,
			Description: "Postrider: who changed what", TTL: changesKeep, History: 1, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", BucketChanges, jet.Unavailable(err))
	}
	if err := s.conn.Bind(ctx, "KV_"+BucketChanges); err != nil {
		return nil, err
	}
	if kv, err = s.conn.Changing(ctx, kv); err != nil {
		return nil, err
	}
	l := &ChangeLog{store: s, kv: kv, most: mostChanges}
	err = s.conn.Sweep(ctx, jet.Sweep{Stream: "KV_" + BucketChanges, Subject: "$KV." + BucketChanges + ".>"}, func(m *jetstream.RawStreamMsg) error {
		var c transport.SettingChange
		if m.Header.Get(jet.HeaderKVOperation) == "" && json.Unmarshal(m.Data, &c) == nil {
			l.all = append(l.all, c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading who changed what: %w", jet.Unavailable(err))
	}
	slices.SortFunc(l.all, func(a, b transport.SettingChange) int { return strings.Compare(a.ID, b.ID) })
	return l, nil
}

// Note returns when c is durable, and told from then on.
func (l *ChangeLog) Note(ctx context.Context, c *transport.SettingChange) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("noting a change: %w", err)
	}
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := l.makeRoom(ctx); err != nil {
		return err
	}
	if _, err := l.kv.Put(ctx, c.ID, data); err != nil {
		return fmt.Errorf("noting a change: %w", jet.Unavailable(err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, *c)
	return nil
}

// makeRoom forgets the oldest of the customer with the most, where there are as many
// as may be.
func (l *ChangeLog) makeRoom(ctx context.Context) error {
	if len(l.all) < l.most { // turn alone changes it
		return nil
	}
	gone, left := map[string]bool{}, max(1, l.most/100)
	for customer := l.largest(); left > 0; left-- {
		i := slices.IndexFunc(l.all, func(c transport.SettingChange) bool { return c.Customer == customer && !gone[c.ID] })
		if i < 0 {
			break
		}
		if err := l.kv.Purge(ctx, l.all[i].ID); err != nil {
			return fmt.Errorf("forgetting an old change: %w", jet.Unavailable(err))
		}
		gone[l.all[i].ID] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.DeleteFunc(slices.Clone(l.all), func(c transport.SettingChange) bool { return gone[c.ID] })
	return nil
}

// largest is the customer with the most changes.
func (l *ChangeLog) largest() (customer string) {
	counts := map[string]int{}
	for i := range l.all {
		counts[l.all[i].Customer]++
		if c := l.all[i].Customer; counts[c] > counts[customer] {
			customer = c
		}
	}
	return customer
}

// Changes gives those that want says, newest first; want must be quick.
func (l *ChangeLog) Changes(want func(*transport.SettingChange) bool) (found []transport.SettingChange) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	oldest := l.store.now().Add(-changesKeep)
	for i := len(l.all) - 1; i >= 0; i-- {
		if c := &l.all[i]; c.At.After(oldest) && want(c) {
			found = append(found, *c)
		}
	}
	return found
}
