package registry

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// apply takes one entry in. One that cannot be read is logged and passed over:
// the alert stays as it was.
func (r *Alerts) apply(e jetstream.KeyValueEntry) error {
	id := endpointID(e.Key())
	old, known := r.Stored(id)
	if known && old.Revision >= e.Revision() {
		return nil
	}
	if e.Operation() != jetstream.KeyValuePut {
		if known {
			r.put(AlertChange{ID: id, Customer: old.Customer, Revision: e.Revision()})
		}
		return nil
	}
	a, err := decodeAlert(e)
	if err != nil {
		r.store.log.Error("a record of the alerts cannot be read", "key", e.Key(), "err", err)
		return nil
	}
	a.Zone = r.zones[a.Customer]
	r.put(AlertChange{ID: id, Customer: a.Customer, Alert: a, Revision: e.Revision()})
	return nil
}

// put brings a change into effect.
func (r *Alerts) put(c AlertChange) {
	r.mu.Lock()
	of := r.customers[c.Customer]
	if c.Alert == nil {
		delete(r.alerts, c.ID)
		if delete(of, c.ID); len(of) == 0 {
			delete(r.customers, c.Customer)
		}
	} else {
		if of == nil {
			of = map[string]*Alert{}
			r.customers[c.Customer] = of
		}
		r.alerts[c.ID], of[c.ID] = c.Alert, c.Alert
	}
	r.mu.Unlock()
	for _, fn := range r.subscribers {
		fn(c)
	}
}

// forget drops alerts that a full reading did not show.
func (r *Alerts) forget(seen map[string]bool, revision uint64) {
	r.mu.RLock()
	var gone []*Alert
	for _, a := range r.alerts {
		if !seen[alertKey(a.Customer, a.ID)] {
			gone = append(gone, a)
		}
	}
	r.mu.RUnlock()
	for _, a := range gone {
		r.put(AlertChange{ID: a.ID, Customer: a.Customer, Revision: revision})
	}
}

// applyCustomer takes in where a customer's days begin, and tells its alerts
// again where that has changed.
func (r *Alerts) applyCustomer(e jetstream.KeyValueEntry) error {
	if e.Operation() != jetstream.KeyValuePut {
		return nil
	}
	c, err := decodeCustomer(e)
	if err != nil {
		r.store.log.Error("a record of the registry cannot be read", "key", e.Key(), "err", err)
		return nil
	}
	zone := c.Zone()
	if was := r.zones[c.ID]; was == nil || was.String() != zone.String() {
		r.zones[c.ID] = zone
		r.rezone(c.ID, zone)
	}
	for _, fn := range r.customerTold {
		fn(c)
	}
	return nil
}

func (r *Alerts) rezone(customer string, zone *time.Location) {
	r.mu.RLock()
	var differ []*Alert
	for _, a := range r.customers[customer] {
		differ = append(differ, a)
	}
	r.mu.RUnlock()
	for _, a := range differ {
		next := *a
		next.Zone = zone
		r.put(AlertChange{ID: a.ID, Customer: customer, Alert: &next, Revision: a.Revision})
	}
}
