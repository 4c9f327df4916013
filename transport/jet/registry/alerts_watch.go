package registry

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// watch keeps the alerts as the bucket is, as Registry.watch does endpoints.
func (r *Alerts) watch(loaded chan<- error) {
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
		r.store.log.Warn("reading the alerts again", "because", err)
		select {
		case <-time.After(250 * time.Millisecond):
		case <-back:
		case <-r.quit:
			return
		}
	}
}

// watchOnce reads all, calls loaded, and follows the changes until something
// breaks. Customers come first: alerts need their time zones.
func (r *Alerts) watchOnce(back <-chan struct{}, loaded func()) error {
	ctx, cancel := contextOf(r.quit)
	defer cancel()
	customers, err := r.store.customers.Watch(ctx, customerKeys)
	if err != nil {
		return fmt.Errorf("watching customers: %w", jet.Unavailable(err))
	}
	defer stopWatching(customers)
	if err := r.load(customers, back, r.applyCustomer); err != nil {
		return err
	}
	revision, err := r.Revision(ctx)
	if err != nil {
		return err
	}
	alerts, err := r.store.alerts.Watch(ctx, endpointKeys)
	if err != nil {
		return fmt.Errorf("watching alerts: %w", jet.Unavailable(err))
	}
	defer stopWatching(alerts)
	seen := map[string]bool{}
	err = r.load(alerts, back, func(e jetstream.KeyValueEntry) {
		seen[endpointID(e.Key())] = true
		r.apply(e)
	})
	if err != nil {
		return err
	}
	r.forget(seen, revision)
	r.setState(registryLoaded)
	loaded()
	return r.follow(customers, alerts, back)
}

// load applies what is there already: up to the watcher's nil.
func (r *Alerts) load(w jetstream.KeyWatcher, back <-chan struct{}, apply func(jetstream.KeyValueEntry)) error {
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return errLost
			}
			if e == nil {
				return nil
			}
			apply(e)
		case <-back:
			return errLost
		case <-r.quit:
			return errQuit
		}
	}
}

func (r *Alerts) follow(customers, alerts jetstream.KeyWatcher, back <-chan struct{}) error {
	for {
		select {
		case e, ok := <-customers.Updates():
			if !ok {
				return errLost
			}
			r.applyCustomer(e)
		case e, ok := <-alerts.Updates():
			if !ok {
				return errLost
			}
			r.apply(e)
		case <-back:
			return errLost
		case <-r.quit:
			return errQuit
		}
	}
}

// apply takes one entry in. One that cannot be read is logged and passed over:
// the alert stays as it was.
func (r *Alerts) apply(e jetstream.KeyValueEntry) {
	defer r.reached(e.Revision())
	id := endpointID(e.Key())
	old, known := r.Stored(id)
	if known && old.Revision >= e.Revision() {
		return
	}
	if e.Operation() != jetstream.KeyValuePut {
		if known {
			r.put(AlertChange{ID: id, Customer: old.Customer, Revision: e.Revision()})
		}
		return
	}
	a, err := decodeAlert(e)
	if err != nil {
		r.store.log.Error("a record of the alerts cannot be read", "key", e.Key(), "err", err)
		return
	}
	a.Zone = r.zones[a.Customer]
	r.put(AlertChange{ID: id, Customer: a.Customer, Alert: a, Revision: e.Revision()})
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

// forget drops alerts that a full reading did not show, and takes revision,
// which was the bucket's before it, as reached.
func (r *Alerts) forget(seen map[string]bool, revision uint64) {
	r.mu.RLock()
	var gone []*Alert
	for id, a := range r.alerts {
		if !seen[id] {
			gone = append(gone, a)
		}
	}
	r.mu.RUnlock()
	for _, a := range gone {
		r.put(AlertChange{ID: a.ID, Customer: a.Customer, Revision: revision})
	}
	r.reached(revision)
}

func (r *Alerts) reached(revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if revision > r.applied {
		r.applied = revision
		close(r.moved)
		r.moved = make(chan struct{})
	}
}

func (r *Alerts) setState(s registryState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
}

// applyCustomer takes in where a customer's days begin, and tells its alerts
// again where that has changed.
func (r *Alerts) applyCustomer(e jetstream.KeyValueEntry) {
	if e.Operation() != jetstream.KeyValuePut {
		return
	}
	c, err := decodeCustomer(e)
	if err != nil {
		r.store.log.Error("a record of the registry cannot be read", "key", e.Key(), "err", err)
		return
	}
	zone := c.Zone()
	if was := r.zones[c.ID]; was == nil || was.String() != zone.String() {
		r.zones[c.ID] = zone
		r.rezone(c.ID, zone)
	}
	for _, fn := range r.customerTold {
		fn(c)
	}
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
