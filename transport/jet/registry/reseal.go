package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

// Reseal seals with the master key what the one before had sealed, and URLs from
// before these were sealed, endpoint by endpoint, whatever else is changed of them at the same time. It tells by tell
// how many it has looked at, and gives how many it sealed anew. Where it broke
// off it may begin again: what is done is passed over. A value that neither key
// opens is an error, and nothing after it was looked at.
func (s *Store) Reseal(ctx context.Context, tell func(looked int)) (resealed int, err error) {
	lister, err := s.endpoints.ListKeysFiltered(ctx, endpointKeys)
	if err != nil {
		return 0, fmt.Errorf("listing the endpoints: %w", jet.Unavailable(err))
	}
	var keys []string
	for key := range lister.Keys() {
		keys = append(keys, key)
	}
	for i, key := range keys {
		changed, err := s.resealEndpoint(ctx, key)
		if err != nil {
			return resealed, fmt.Errorf("sealing anew: %w", jet.Unavailable(err))
		}
		if changed {
			resealed++
		}
		tell(i + 1)
	}
	return resealed, nil
}

// ResealAside is Reseal where no node does it: at an external server, or in the
// data folder of a stopped node. o has both keys.
func ResealAside(ctx context.Context, o jet.Options, tell func(looked int)) (resealed int, err error) {
	vault, err := jet.NewVault(o.MasterKey, o.PreviousMasterKey)
	if err != nil {
		return 0, err
	}
	conn, err := jet.OpenAside(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.CloseAside(ctx)) }()
	s := &Store{conn: conn, js: conn.JetStream(), vault: vault, log: conn.Log(), now: conn.Now}
	s.endpoints, err = s.js.KeyValue(ctx, jet.BucketEndpoints)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("bucket %s: %w", jet.BucketEndpoints, jet.Unavailable(err))
	}
	return s.Reseal(ctx, tell)
}

func (s *Store) resealEndpoint(ctx context.Context, key string) (changed bool, err error) {
	var wait groupcommit.Backoff
	for {
		changed, err = s.resealOnce(ctx, key)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			return false, nil // removed meanwhile
		case jet.WrongSequence(err) && wait.Pause(ctx.Done()):
			continue // changed between the reading and the writing
		}
		return changed, err
	}
}

func (s *Store) resealOnce(ctx context.Context, key string) (changed bool, err error) {
	e, err := s.endpoints.Get(ctx, key)
	if err != nil {
		return false, err
	}
	var rec endpointRecord
	if err := json.Unmarshal(e.Value(), &rec); err != nil {
		return false, fmt.Errorf("endpoint %s: %w", endpointID(key), err)
	}
	open := rec.sealURL(s.vault, customerOf(key), endpointID(key))
	if changed, err = rec.Sealed.reseal(s.vault, customerOf(key), endpointID(key)); err != nil || !changed && !open {
		return false, err
	}
	data, err := json.Marshal(&rec)
	if err != nil {
		return false, err
	}
	_, err = s.endpoints.Update(ctx, key, data, e.Revision())
	return err == nil, err
}

// reseal seals each value anew that the previous key had sealed.
func (f *sealedFields) reseal(v *jet.Vault, customer, endpoint string) (changed bool, err error) {
	again := func(value *string, field string) {
		next, old, fault := v.Reseal(*value, jet.Place{Customer: customer, Endpoint: endpoint, Field: field})
		*value, changed, err = next, changed || old, errors.Join(err, fault)
	}
	again(&f.URL, fieldURL)
	again(&f.Secret, fieldSecret)
	again(&f.Previous, fieldPrevious)
	again(&f.ClientKey, fieldClientKey)
	for name, value := range f.Headers {
		again(&value, fieldHeader(name))
		f.Headers[name] = value
	}
	return changed, err
}
