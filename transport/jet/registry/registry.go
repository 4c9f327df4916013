package registry

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
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

	mu          sync.RWMutex
	endpoints   map[string]*transport.Endpoint // by id
	customers   map[string]*transport.Customer // by id
	subscribers []func(transport.Change)
	words       words
	mirror      *jet.Mirror
}

// The buckets of the registry's mirror.
const (
	mirroredCustomers = iota
	mirroredEndpoints
)

func newRegistry(s *Store) *Registry {
	r := &Registry{
		store:     s,
		endpoints: map[string]*transport.Endpoint{},
		customers: map[string]*transport.Customer{},
		words:     words{texts: map[string]string{}, schedules: map[string][]transport.Duration{}},
	}
	r.mirror = jet.NewMirror(s.conn, "customers and endpoints",
		jet.Mirrored{Bucket: s.customers, Keys: customerKeys, Apply: r.applyCustomer},
		jet.Mirrored{Bucket: s.endpoints, Keys: endpointKeys, Apply: r.applyEndpoint, Forget: r.forget})
	return r
}

// Subscribe adds fn, before Start. It is called from one goroutine, in the
// order of revisions: first with every endpoint that is there, before Start
// returns, then with each change. The same state may come twice. fn must not
// block and must not change the registry.
func (r *Registry) Subscribe(fn func(transport.Change)) { r.subscribers = append(r.subscribers, fn) }

// Start loads everything and keeps watching until the store is closed. It
// returns once all subscribers know all endpoints. An endpoint that the master
// key does not open is an error.
func (r *Registry) Start(ctx context.Context) error { return r.mirror.Start(ctx) }

func (r *Registry) stop() { r.mirror.Stop() }

// Ready is nil, or tells that the registry is still being read.
func (r *Registry) Ready() error { return r.mirror.Ready() }

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
	return r.mirror.Wait(ctx, mirroredEndpoints, rev)
}
