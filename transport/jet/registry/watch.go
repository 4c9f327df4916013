package registry

import (
	"errors"
	"maps"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Keys in the buckets. What is claimed there has another number of words than
// what is watched.
const (
	endpointKeys = "*.*" // <customer>.<endpoint id>
	customerKeys = "*"   // <customer>
)

// applyEndpoint takes one entry in. Its error is that of a sealed value; any
// other fault is the record's own, logged, and does not stand in the way.
func (r *Registry) applyEndpoint(e jetstream.KeyValueEntry) error {
	id, customer := endpointID(e.Key()), customerOf(e.Key())
	old, known := r.Endpoint(id)
	if known && old.Revision >= e.Revision() {
		return nil
	}
	if e.Operation() != jetstream.KeyValuePut {
		if known && old.Customer == customer {
			r.put(transport.Change{ID: id, Customer: customer, Revision: e.Revision()})
		}
		return nil
	}
	ep, err := r.decode(e)
	if errors.Is(err, jet.ErrSealed) {
		return err
	}
	if err != nil {
		r.store.log.Error("a record of the registry cannot be read", "key", e.Key(), "err", err)
		return nil
	}
	r.put(transport.Change{ID: id, Customer: customer, Endpoint: ep, Revision: e.Revision()})
	return nil
}

// put brings a change into effect.
func (r *Registry) put(c transport.Change) {
	r.mu.Lock()
	if c.Endpoint == nil {
		delete(r.endpoints, c.ID)
	} else {
		r.endpoints[c.ID] = c.Endpoint
	}
	r.mu.Unlock()
	for _, fn := range r.subscribers {
		fn(c)
	}
}

// forget drops endpoints that a full reading did not show.
func (r *Registry) forget(seen map[string]bool, rev uint64) {
	r.mu.RLock()
	all := maps.Clone(r.endpoints)
	r.mu.RUnlock()
	for id, ep := range all {
		if !seen[endpointKey(ep.Customer, id)] {
			r.put(transport.Change{ID: id, Customer: ep.Customer, Revision: rev})
		}
	}
}

func (r *Registry) applyCustomer(e jetstream.KeyValueEntry) error {
	var c *transport.Customer
	if e.Operation() == jetstream.KeyValuePut {
		var err error
		if c, err = decodeCustomer(e); err != nil {
			r.store.log.Error("a record of the registry cannot be read", "key", e.Key(), "err", err)
		}
	}
	r.mu.Lock()
	old := r.customers[e.Key()]
	stale := old != nil && old.Revision >= e.Revision()
	switch {
	case stale:
	case c != nil:
		r.customers[e.Key()] = c
	case e.Operation() != jetstream.KeyValuePut:
		delete(r.customers, e.Key())
	}
	r.mu.Unlock()
	if c != nil && !stale {
		r.renumber(c)
	}
	return nil
}

// renumber gives the customer's endpoints its number where theirs differs.
func (r *Registry) renumber(c *transport.Customer) {
	r.mu.RLock()
	var differ []*transport.Endpoint
	for _, ep := range r.endpoints {
		if ep.Customer == c.ID && ep.CustomerID != c.CustomerID {
			differ = append(differ, ep)
		}
	}
	r.mu.RUnlock()
	for _, ep := range differ {
		next := *ep
		next.CustomerID = c.CustomerID
		r.put(transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: &next, Revision: ep.Revision})
	}
}

func endpointKey(customer, id string) string { return customer + "." + id }

func endpointID(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

func customerOf(key string) string {
	customer, _, _ := strings.Cut(key, ".")
	return customer
}
