package registry

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// BucketAlerts holds the alerts, each under <customer>.<alert id>.
const BucketAlerts = "ALERTS"

// Alert is an alert as it is stored.
type Alert struct {
	matching.Alert
	// CatchUp is up to which detection runs of its type came before it was of
	// that type; what lies between Position and it is still to be read for this
	// alert. 0: nothing.
	CatchUp uint64 `json:"catch_up,omitempty"`
	// MovedFrom is the type it had, as long as runs of that type still take it
	// along: until one of the two types is free.
	MovedFrom string `json:"moved_from,omitempty"`
	// Revision is the bucket's revision of this state.
	Revision uint64 `json:"-"`
}

// AlertChange is one step of the alerts, in order of Revision.
type AlertChange struct {
	ID, Customer string
	// Alert is nil where it was removed.
	Alert    *Alert
	Revision uint64
}

// Alerts are the alerts of all customers, held in memory as the bucket has
// them, and the way to change them. What they give out is not to be changed.
// Every change takes effect by coming back through the watch, on every node
// alike; WaitAlerts tells when it has on this one.
type Alerts struct {
	store *Store

	mu        sync.RWMutex
	alerts    map[string]*Alert // by id
	customers map[string]map[string]*Alert
	zones     map[string]*time.Location

	subscribers  []func(AlertChange)
	customerTold []func(*transport.Customer)
	mirror       *jet.Mirror
}

// The buckets of the mirror. Customers come first: alerts need their time zones.
const (
	mirroredZones = iota
	mirroredAlerts
)

func newAlerts(s *Store) *Alerts {
	r := &Alerts{store: s, alerts: map[string]*Alert{}, customers: map[string]map[string]*Alert{}, zones: map[string]*time.Location{}}
	r.mirror = jet.NewMirror(s.conn, "the alerts",
		jet.Mirrored{Bucket: s.customers, Keys: customerKeys, Apply: r.applyCustomer},
		jet.Mirrored{Bucket: s.alerts, Keys: endpointKeys, Apply: r.apply, Forget: r.forget})
	return r
}

// Subscribe adds fn, before Start. It is called from one goroutine, in the
// order of revisions: first with every alert that is there, before Start
// returns, then with each change. The same state may come twice, so after a
// change of the customer's time zone. fn must not block.
func (r *Alerts) Subscribe(fn func(AlertChange)) { r.subscribers = append(r.subscribers, fn) }

// SubscribeCustomers adds fn, before Start, as Subscribe does: it is told of
// each customer.
func (r *Alerts) SubscribeCustomers(fn func(*transport.Customer)) {
	r.customerTold = append(r.customerTold, fn)
}

// Start loads everything and keeps watching until the store is closed. It
// returns once all subscribers know all alerts.
func (r *Alerts) Start(ctx context.Context) error { return r.mirror.Start(ctx) }

func (r *Alerts) stop() { r.mirror.Stop() }

// Stored gives the alert of that id as it is stored.
func (r *Alerts) Stored(id string) (*Alert, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a, ok := r.alerts[id]
	return a, ok
}

// Alert gives the alert of that id, and the revision of that state.
func (r *Alerts) Alert(id string) (a *matching.Alert, revision uint64, there bool) {
	stored, there := r.Stored(id)
	if !there {
		return nil, 0, false
	}
	return &stored.Alert, stored.Revision, true
}

// Alerts lists a customer's alerts, or all for "", by created_at, then id.
func (r *Alerts) Alerts(customer string) []*matching.Alert {
	r.mu.RLock()
	from := r.customers[customer]
	if customer == "" {
		from = r.alerts
	}
	list := make([]*matching.Alert, 0, len(from))
	for _, a := range from {
		list = append(list, &a.Alert)
	}
	r.mu.RUnlock()
	slices.SortFunc(list, func(a, b *matching.Alert) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// Ready is nil, or tells that alerts are still being read.
func (r *Alerts) Ready() error { return r.mirror.Ready() }

// Revision is that of the last change there was of any alert.
func (r *Alerts) Revision(ctx context.Context) (uint64, error) {
	return r.store.conn.LastSequence(ctx, "KV_"+BucketAlerts)
}

// WaitAlerts returns nil once revision is in effect on this node: all
// subscribers have returned from it.
func (r *Alerts) WaitAlerts(ctx context.Context, revision uint64) error {
	return r.mirror.Wait(ctx, mirroredAlerts, revision)
}
