package registry

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

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

// errLost ends one watch; another is made.
var errLost = errors.New("the watch ended")

// watch keeps the registry as the buckets are. A watcher stays silent for long
// after a server's restart and reports nothing, so both are made anew after
// each reconnect.
func (r *Registry) watch(loaded chan<- error) {
	defer close(r.done)
	back, stop := r.store.conn.Reconnects()
	defer stop()
	for first := true; ; {
		err := r.watchOnce(back, func() {
			if first {
				first = false
				loaded <- nil
			}
		})
		if errors.Is(err, errQuit) {
			return
		}
		if first && !errors.Is(err, transport.ErrUnavailable) && !errors.Is(err, errLost) {
			loaded <- err
			return
		}
		r.setState(registryLoading)
		r.store.log.Warn("reading the registry again", "because", err)
		select {
		case <-time.After(250 * time.Millisecond):
		case <-back:
		case <-r.quit:
			return
		}
	}
}

var errQuit = errors.New("the store is closed")

// watchOnce reads all, calls loaded, and follows the changes until something
// breaks.
func (r *Registry) watchOnce(back <-chan struct{}, loaded func()) error {
	ctx, cancel := contextOf(r.quit)
	defer cancel()
	customers, err := r.store.customers.Watch(ctx, customerKeys)
	if err != nil {
		return fmt.Errorf("watching customers: %w", jet.Unavailable(err))
	}
	defer stopWatching(customers)
	if err := r.read(customers, back, r.applyCustomer); err != nil {
		return err
	}
	endpoints, err := r.store.endpoints.Watch(ctx, endpointKeys)
	if err != nil {
		return fmt.Errorf("watching endpoints: %w", jet.Unavailable(err))
	}
	defer stopWatching(endpoints)
	seen := map[string]bool{}
	err = r.read(endpoints, back, func(e jetstream.KeyValueEntry) error {
		seen[endpointID(e.Key())] = true
		return r.applyEndpoint(e)
	})
	if err != nil {
		return err
	}
	r.forget(seen)
	r.setState(registryLoaded)
	loaded()
	return r.follow(customers, endpoints, back)
}

// stopWatching: a watcher that cannot be stopped ended with its connection.
func stopWatching(w jetstream.KeyWatcher) { _ = w.Stop() }

// read applies what is there already: up to the watcher's nil.
func (r *Registry) read(w jetstream.KeyWatcher, back <-chan struct{}, apply func(jetstream.KeyValueEntry) error) error {
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return errLost
			}
			if e == nil {
				return nil
			}
			if err := apply(e); err != nil {
				return err
			}
		case <-back:
			return errLost
		case <-r.quit:
			return errQuit
		}
	}
}

// follow applies changes. A record that cannot be read is logged and passed
// over: the endpoint stays as it was.
func (r *Registry) follow(customers, endpoints jetstream.KeyWatcher, back <-chan struct{}) error {
	for {
		var err error
		select {
		case e, ok := <-customers.Updates():
			if !ok {
				return errLost
			}
			err = r.applyCustomer(e)
		case e, ok := <-endpoints.Updates():
			if !ok {
				return errLost
			}
			err = r.applyEndpoint(e)
		case <-back:
			return errLost
		case <-r.quit:
			return errQuit
		}
		if err != nil {
			r.store.log.Error("a change of the registry is not taken", "err", err)
		}
	}
}

// applyEndpoint takes one entry in. Its error is that of a sealed value; any
// other fault is the record's own, logged, and does not stand in the way.
func (r *Registry) applyEndpoint(e jetstream.KeyValueEntry) error {
	id, customer := endpointID(e.Key()), customerOf(e.Key())
	defer r.reached(e.Revision())
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

func (r *Registry) reached(rev uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rev > r.applied {
		r.applied = rev
		r.tellMoved()
	}
}

// forget drops endpoints that a full reading did not show: they were removed
// while the watch was down, and so long ago that not even the mark is left.
func (r *Registry) forget(seen map[string]bool) {
	r.mu.RLock()
	all, rev := maps.Clone(r.endpoints), r.applied
	r.mu.RUnlock()
	for id, ep := range all {
		if !seen[id] {
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
	if e.Revision() > r.customersApplied {
		r.customersApplied = e.Revision()
		r.tellMoved()
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

func (r *Registry) setState(s registryState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
}

func endpointKey(customer, id string) string { return customer + "." + id }

func endpointID(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

func customerOf(key string) string {
	customer, _, _ := strings.Cut(key, ".")
	return customer
}
