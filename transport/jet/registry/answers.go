package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// BucketAnswers holds answers of the API to requests that may be repeated.
const BucketAnswers = "ANSWERS"

const (
	// answersKeep is how long one is kept.
	answersKeep = 24 * time.Hour
	fieldAnswer = "answer"
)

// Answers keep answers of the API for a day, sealed with the master key: some
// hold a secret.
type Answers struct {
	store *Store
	kv    jetstream.KeyValue
}

// Answers opens the bucket of answers.
func (s *Store) Answers(ctx context.Context) (*Answers, error) {
	kv, err := s.js.KeyValue(ctx, BucketAnswers)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: BucketAnswers,
			Description: "Postrider: answers to requests that may be repeated", TTL: answersKeep, History: 1, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", BucketAnswers, jet.Unavailable(err))
	}
	if err := s.conn.Bind(ctx, "KV_"+BucketAnswers); err != nil {
		return nil, err
	}
	if kv, err = s.conn.Changing(ctx, kv); err != nil {
		return nil, err
	}
	return &Answers{store: s, kv: kv}, nil
}

func (a *Answers) seal(key string, data []byte) []byte {
	return []byte(a.store.vault.Seal(string(data), jet.Place{Field: fieldAnswer, Endpoint: key}))
}

// Claim stores data where nothing is under the key; where something is, it
// gives that. One that another master key sealed is as if it were not there.
func (a *Answers) Claim(ctx context.Context, key string, data []byte) (there []byte, err error) {
	for range 3 {
		_, err = a.kv.Create(ctx, key, a.seal(key, data))
		if err == nil {
			return nil, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return nil, fmt.Errorf("an answer's key: %w", jet.Unavailable(err))
		}
		e, err := a.kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue // it was released meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("an answer's key: %w", jet.Unavailable(err))
		}
		plain, err := a.store.vault.Open(string(e.Value()), jet.Place{Field: fieldAnswer, Endpoint: key})
		if err != nil {
			return nil, a.Keep(ctx, key, data)
		}
		return []byte(plain), nil
	}
	return nil, fmt.Errorf("an answer's key: %w", err)
}

// Keep stores data in the place of what is under the key.
func (a *Answers) Keep(ctx context.Context, key string, data []byte) error {
	if _, err := a.kv.Put(ctx, key, a.seal(key, data)); err != nil {
		return fmt.Errorf("an answer: %w", jet.Unavailable(err))
	}
	return nil
}

// Release forgets what is under the key.
func (a *Answers) Release(ctx context.Context, key string) error {
	if err := a.kv.Purge(ctx, key); err != nil {
		return fmt.Errorf("an answer's key: %w", jet.Unavailable(err))
	}
	return nil
}
