package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

// SetState gives an endpoint another state (a State constant) and its reason in
// words, whatever else is changed of it at the same time, and gives the revision
// to wait for. Where it has that state already nothing is stored.
// transport.ErrNotFound: there is no such endpoint.
func (r *Registry) SetState(ctx context.Context, id, state, reason string) (rev uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	known, ok := r.Endpoint(id)
	if !ok {
		return 0, fmt.Errorf("endpoint %s: %w", id, transport.ErrNotFound)
	}
	var wait groupcommit.Backoff
	for {
		rev, err = r.setStateOnce(ctx, endpointKey(known.Customer, id), state, reason)
		switch {
		case err == nil:
			return rev, nil
		case jet.WrongSequence(err) && wait.Pause(ctx.Done()):
			continue // changed between the reading and the writing
		case errors.Is(err, jetstream.ErrKeyNotFound):
			return 0, fmt.Errorf("endpoint %s: %w", id, transport.ErrNotFound)
		}
		return 0, fmt.Errorf("endpoint %s: %w", id, jet.Unavailable(err))
	}
}

// setStateOnce changes the record as it is stored: what is sealed stays sealed.
func (r *Registry) setStateOnce(ctx context.Context, key, state, reason string) (rev uint64, err error) {
	e, err := r.store.endpoints.Get(ctx, key)
	if err != nil {
		return 0, err
	}
	var rec endpointRecord
	if err := json.Unmarshal(e.Value(), &rec); err != nil {
		return 0, err
	}
	if rec.State == state && rec.StateReason == reason {
		return e.Revision(), nil
	}
	rec.sealURL(r.store.vault, customerOf(key), endpointID(key))
	rec.State, rec.StateReason, rec.UpdatedAt = state, reason, r.store.now().UTC()
	data, err := json.Marshal(&rec)
	if err != nil {
		return 0, err
	}
	return r.store.endpoints.Update(ctx, key, data, e.Revision())
}
