package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/postrider/postrider/transport"
)

// BucketCustomers holds the customers.
const BucketCustomers = "CUSTOMERS"

// Registry is the customers and endpoints, held in memory as the buckets have
// them, and the way to change them. What it gives out are snapshots that
// nobody may change: copy an endpoint to make its next state.
//
// Every change takes effect by coming back through the watch, on every node
// alike; WaitApplied tells when it has on this one.
type Registry struct {
	store *Store

	mu        sync.RWMutex
	endpoints map[string]*transport.Endpoint // by id
	customers map[string]*transport.Customer // by id
	// applied and customersApplied are the buckets' revisions that are in
	// effect; moved is closed and made anew whenever one of them grows.
	applied, customersApplied uint64
	moved                     chan struct{}
	state                     registryState
	stopped                   bool

	subscribers []func(transport.Change)
	words       words
	quit        chan struct{}
	done        chan struct{} // nil until Start
}

type registryState uint8

const (
	registryIdle    registryState = iota
	registryLoading               // started, or reading all again after a reconnect
	registryLoaded
)

func newRegistry(s *Store) *Registry {
	return &Registry{
		store:     s,
		endpoints: map[string]*transport.Endpoint{},
		customers: map[string]*transport.Customer{},
		moved:     make(chan struct{}),
		words:     words{texts: map[string]string{}, schedules: map[string][]transport.Duration{}},
		quit:      make(chan struct{}),
	}
}

// Subscribe adds fn, before Start. It is called from one goroutine, in the
// order of revisions: first with every endpoint that is there, before Start
// returns, then with each change. The same state may come twice. fn must not
// block and must not change the registry.
func (r *Registry) Subscribe(fn func(transport.Change)) { r.subscribers = append(r.subscribers, fn) }

// Start loads everything and keeps watching until the store is closed. It
// returns once all subscribers know all endpoints. An endpoint that the master
// key does not open is an error.
func (r *Registry) Start(ctx context.Context) error {
	r.mu.Lock()
	if r.done != nil || r.stopped {
		r.mu.Unlock()
		return errors.New("the registry was started before, or its store is closed")
	}
	r.done = make(chan struct{})
	r.state = registryLoading
	r.mu.Unlock()
	loaded := make(chan error, 1)
	go r.watch(loaded)
	select {
	case err := <-loaded:
		return err
	case <-ctx.Done():
		r.stop()
		return fmt.Errorf("loading the registry: %w", ctx.Err())
	}
}

// stop ends the watch and waits for it.
func (r *Registry) stop() {
	r.mu.Lock()
	if !r.stopped {
		r.stopped = true
		close(r.quit)
	}
	done := r.done
	r.mu.Unlock()
	if done != nil {
		<-done
	}
}

// Ready is nil, or tells that the registry is still being read.
func (r *Registry) Ready() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.state == registryLoading {
		return errors.New("the registry of endpoints is still being read")
	}
	return nil
}

// Endpoint gives the endpoint of that id.
func (r *Registry) Endpoint(id string) (*transport.Endpoint, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	ep, ok := r.endpoints[id]
	return ep, ok
}

// Endpoints lists a customer's endpoints, or all for "", by created_at, then id.
func (r *Registry) Endpoints(customer string) []*transport.Endpoint {
	r.mu.RLock()
	var list []*transport.Endpoint
	for _, ep := range r.endpoints {
		if customer == "" || ep.Customer == customer {
			list = append(list, ep)
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(list, func(a, b *transport.Endpoint) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// Customer gives the customer of that id.
func (r *Registry) Customer(id string) (*transport.Customer, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.customers[id]
	return c, ok
}

// Customers lists all customers by id.
func (r *Registry) Customers() []*transport.Customer {
	r.mu.RLock()
	list := make([]*transport.Customer, 0, len(r.customers))
	for _, c := range r.customers {
		list = append(list, c)
	}
	r.mu.RUnlock()
	slices.SortFunc(list, func(a, b *transport.Customer) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// WaitApplied returns nil once the endpoints' revision rev is in effect on
// this node: all subscribers have returned from it.
func (r *Registry) WaitApplied(ctx context.Context, rev uint64) error {
	return r.wait(ctx, func() bool { return r.applied >= rev })
}

func (r *Registry) wait(ctx context.Context, reached func() bool) error {
	for {
		r.mu.RLock()
		ok, moved := reached(), r.moved
		r.mu.RUnlock()
		if ok {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the change to take effect: %w", ctx.Err())
		case <-r.quit:
			return fmt.Errorf("waiting for the change to take effect: %w: the store is closed", transport.ErrUnavailable)
		}
	}
}

// tellMoved wakes the waiting; r.mu is held.
func (r *Registry) tellMoved() {
	close(r.moved)
	r.moved = make(chan struct{})
}
