package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// changeTimeout bounds a change of the registry; claimGrace is how long a
// claimed URL waits for its endpoint before it counts as left behind by a
// change that broke off. The second must be well over the first.
const (
	changeTimeout = 20 * time.Second
	claimGrace    = time.Minute
)

// CreateEndpoint stores a new endpoint, and its customer where that is not
// there yet, and gives the revision to wait for with WaitApplied. ep.ID is the
// caller's to choose (a UUID); one that exists is transport.ErrConflict. A
// genlogs URL that the customer has already is a *transport.FieldError.
func (r *Registry) CreateEndpoint(ctx context.Context, ep *transport.Endpoint) (rev uint64, err error) {
	ctx, end, err := r.store.changes.Begin(ctx, changeTimeout)
	if err != nil {
		return 0, err
	}
	defer end()
	if err := checkEndpointKey(ep); err != nil {
		return 0, err
	}
	if _, taken := r.Endpoint(ep.ID); taken {
		return 0, fmt.Errorf("endpoint %s: %w", ep.ID, transport.ErrConflict)
	}
	customer, err := r.EnsureCustomer(ctx, ep.Customer)
	if err != nil {
		return 0, err
	}
	next := *ep
	next.CustomerID = customer.CustomerID
	data, err := r.encode(&next)
	if err != nil {
		return 0, err
	}
	claimed, err := r.claimURL(ctx, ep)
	if err != nil {
		return 0, err
	}
	rev, err = r.store.endpoints.Create(ctx, endpointKey(ep.Customer, ep.ID), data)
	return rev, r.settle(ctx, ep, claimed, "", err)
}

// UpdateEndpoint stores the next state of the endpoint whose revision is
// ep.Revision, and gives the new revision. transport.ErrConflict: it was
// changed meanwhile; transport.ErrNotFound: it is not there.
func (r *Registry) UpdateEndpoint(ctx context.Context, ep *transport.Endpoint) (rev uint64, err error) {
	ctx, end, err := r.store.changes.Begin(ctx, changeTimeout)
	if err != nil {
		return 0, err
	}
	defer end()
	if err := checkEndpointKey(ep); err != nil {
		return 0, err
	}
	old, err := r.stored(ctx, ep.Customer, ep.ID)
	if err != nil {
		return 0, err
	}
	if old.Revision != ep.Revision {
		return 0, fmt.Errorf("endpoint %s: %w", ep.ID, transport.ErrConflict)
	}
	data, err := r.encode(ep)
	if err != nil {
		return 0, err
	}
	before, after := claimOf(old), claimOf(ep)
	claimed, release := "", ""
	if before != after {
		if claimed, err = r.claimURL(ctx, ep); err != nil {
			return 0, err
		}
		release = before
	}
	rev, err = r.store.endpoints.Update(ctx, endpointKey(ep.Customer, ep.ID), data, ep.Revision)
	return rev, r.settle(ctx, ep, claimed, release, err)
}

// RemoveEndpoint drops an endpoint and gives the revision of that;
// transport.ErrNotFound where there is none.
func (r *Registry) RemoveEndpoint(ctx context.Context, id string) (rev uint64, err error) {
	ctx, end, err := r.store.changes.Begin(ctx, changeTimeout)
	if err != nil {
		return 0, err
	}
	defer end()
	known, ok := r.Endpoint(id)
	if !ok {
		return 0, fmt.Errorf("endpoint %s: %w", id, transport.ErrNotFound)
	}
	old, err := r.stored(ctx, known.Customer, id)
	if err != nil {
		return 0, err
	}
	// As KeyValue.Delete does, which does not tell the revision.
	m := nats.NewMsg("$KV." + jet.BucketEndpoints + "." + endpointKey(old.Customer, id))
	m.Header.Set("KV-Operation", "DEL")
	ack, err := r.store.changes.Publish(ctx, m, jetstream.WithExpectLastSequencePerSubject(old.Revision))
	if err == nil {
		rev = ack.Sequence
	}
	return rev, r.settle(ctx, old, "", claimOf(old), err)
}

// settle undoes a claim where the change it was for was refused, and releases
// one that the change has made free; err is the change's own.
func (r *Registry) settle(ctx context.Context, ep *transport.Endpoint, claimed, release string, err error) error {
	switch {
	case err == nil:
		r.release(ctx, release, ep.ID)
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), jet.WrongSequence(err):
		r.release(ctx, claimed, ep.ID)
		return fmt.Errorf("endpoint %s: %w", ep.ID, transport.ErrConflict)
	default:
		// It may have been stored or not: the claim stays, and counts for
		// nothing after claimGrace where no endpoint stands behind it.
		return fmt.Errorf("endpoint %s: %w", ep.ID, jet.Unavailable(err))
	}
}

// stored reads an endpoint's state from the bucket; of what is sealed it has
// the URL alone.
func (r *Registry) stored(ctx context.Context, customer, id string) (*transport.Endpoint, error) {
	e, err := r.store.endpoints.Get(ctx, endpointKey(customer, id))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("endpoint %s: %w", id, transport.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", id, jet.Unavailable(err))
	}
	var rec endpointRecord
	if err := json.Unmarshal(e.Value(), &rec); err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", id, err)
	}
	rec.ID, rec.Customer, rec.Revision = id, customer, e.Revision()
	if rec.URL, err = rec.openURL(r.store.vault, customer, id); err != nil {
		return nil, err
	}
	return &rec.Endpoint, nil
}

func checkEndpointKey(ep *transport.Endpoint) error {
	if err := transport.CheckCustomer(ep.Customer); err != nil {
		return err
	}
	if transport.CheckCustomer(ep.ID) != nil {
		return &transport.FieldError{Field: "id", Value: ep.ID, Message: "not a UUID"}
	}
	return nil
}

// claimOf is the key that stands for "this customer's genlogs endpoint of this
// URL", empty for other profiles: url.<customer>.<sha256 of the URL>. Created
// once only, it holds the endpoint's id.
func claimOf(ep *transport.Endpoint) string {
	if ep.Profile != "genlogs" {
		return ""
	}
	text := ep.URL
	if u, err := url.Parse(text); err == nil {
		u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
		if u.Path == "" {
			u.Path = "/"
		}
		text = u.String()
	}
	sum := sha256.Sum256([]byte(text))
	return "url." + ep.Customer + "." + hex.EncodeToString(sum[:])
}

// claimURL makes ep's URL its own among the customer's genlogs endpoints, and
// gives the key that it claimed; empty where the URL was ep's already.
func (r *Registry) claimURL(ctx context.Context, ep *transport.Endpoint) (key string, err error) {
	if key = claimOf(ep); key == "" {
		return "", nil
	}
	_, err = r.store.endpoints.Create(ctx, key, []byte(ep.ID))
	if err == nil {
		return key, nil
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return "", fmt.Errorf("endpoint %s: %w", ep.ID, jet.Unavailable(err))
	}
	held, err := r.store.endpoints.Get(ctx, key)
	if err != nil {
		return "", fmt.Errorf("endpoint %s: %w", ep.ID, jet.Unavailable(err))
	}
	owner := string(held.Value())
	if owner == ep.ID { // by a try whose answer was lost: not this one's to undo
		return "", nil
	}
	switch there, err := r.stored(ctx, ep.Customer, owner); {
	case err == nil && claimOf(there) == key:
		return "", registered(ep)
	case err != nil && !errors.Is(err, transport.ErrNotFound):
		return "", err
	case r.store.now().Sub(held.Created()) < claimGrace:
		return "", registered(ep) // its endpoint may be on its way
	}
	if _, err := r.store.endpoints.Update(ctx, key, []byte(ep.ID), held.Revision()); err != nil {
		return "", registered(ep)
	}
	return key, nil
}

func registered(ep *transport.Endpoint) error {
	return &transport.FieldError{Field: "webhook_url", Value: ep.URL,
		Message: "Webhook URL already registered for this customer"}
}

// release gives a claim up, if it is still id's. One that stays behind does no
// harm: see claimGrace.
func (r *Registry) release(ctx context.Context, key, id string) {
	if key == "" {
		return
	}
	held, err := r.store.endpoints.Get(ctx, key)
	if err == nil && string(held.Value()) == id {
		err = r.store.endpoints.Delete(ctx, key, jetstream.LastRevision(held.Revision()))
	}
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		r.store.log.Warn("a URL stays claimed for a minute", "endpoint", id, "err", err)
	}
}
