package run

import (
	"sync"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Alert is an alert as it is stored; the fields are those of registry.Alert.
type Alert struct {
	matching.Alert
	// CatchUp is up to which detection runs of its type came before it was of
	// that type, 0: it has nothing to catch up.
	CatchUp uint64
	// MovedFrom is the type whose runs it still belongs to, "": its own.
	MovedFrom string
	Revision  uint64
}

// belongs is the type whose runs take the alert along.
func (a *Alert) belongs() string {
	if a.MovedFrom != "" {
		return a.MovedFrom
	}
	return a.AlertType
}

// has tells whether the alert takes part in runs of a key.
func (a *Alert) has(key transport.RunKey) bool {
	if key.Type == transport.RunCatchUp {
		return a.belongs() == matching.AlertLive && a.CatchUp > 0
	}
	return a.belongs() == key.Type
}

// alerts are the active ones of all customers, with the index over them, in
// which each has the type that it belongs to.
type alerts struct {
	index *matching.Index

	mu        sync.RWMutex
	customers map[string]map[string]*Alert // by id
	catchUps  map[string]uint64            // by id, those above 0
	moves     map[string]*Alert            // by id, those with MovedFrom
	// belonging counts a customer's alerts by the type that they belong to,
	// wanted also by the type that they are to have.
	belonging, wanted map[transport.RunKey]int
}

func newAlerts() *alerts {
	return &alerts{index: matching.NewIndex(), customers: map[string]map[string]*Alert{},
		catchUps: map[string]uint64{}, moves: map[string]*Alert{},
		belonging: map[transport.RunKey]int{}, wanted: map[transport.RunKey]int{}}
}

// change takes one state of an alert in; a is nil where it was removed. An
// error is that of an alert that cannot be matched, and leaves it out.
func (s *alerts) change(customer, id string, a *Alert) error {
	if a == nil || !a.IsActive {
		s.index.Remove(id)
		s.forget(customer, id)
		return nil
	}
	indexed := &a.Alert
	if a.MovedFrom != "" {
		other := a.Alert
		other.AlertType = a.MovedFrom
		indexed = &other
	}
	// What it has to catch up is known before the index can name it.
	s.mu.Lock()
	of := s.customers[customer]
	if of == nil {
		of = map[string]*Alert{}
		s.customers[customer] = of
	}
	s.count(of[id], -1)
	s.count(a, 1)
	of[id] = a
	setOrDelete(s.catchUps, id, a.CatchUp, a.CatchUp > 0)
	setOrDelete(s.moves, id, a, a.MovedFrom != "")
	s.mu.Unlock()
	if err := s.index.Put(indexed); err != nil {
		s.index.Remove(id)
		s.forget(customer, id)
		return err
	}
	return nil
}

func setOrDelete[K comparable, V any](m map[K]V, key K, value V, set bool) {
	if set {
		m[key] = value
	} else {
		delete(m, key)
	}
}

func (s *alerts) forget(customer, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.customers[customer]
	s.count(of[id], -1)
	if delete(of, id); len(of) == 0 {
		delete(s.customers, customer)
	}
	delete(s.catchUps, id)
	delete(s.moves, id)
}

// count adds a, if there is one, n times. The lock is held.
func (s *alerts) count(a *Alert, n int) {
	if a == nil {
		return
	}
	add := func(counts map[transport.RunKey]int, alertType string) {
		key := transport.RunKey{Customer: a.Customer, Type: alertType}
		setOrDelete(counts, key, counts[key]+n, counts[key]+n > 0)
	}
	add(s.belonging, a.belongs())
	add(s.wanted, a.belongs())
	if a.AlertType != a.belongs() {
		add(s.wanted, a.AlertType)
	}
}

// bounds tells how many alerts a key has, and where its runs must begin.
func (s *alerts) bounds(key transport.RunKey) (b bounds) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, a := range s.customers[key.Customer] {
		if a.has(key) {
			b.add(a)
		}
	}
	return b
}

// catchingUp lists a key's alerts that have something to catch up.
func (s *alerts) catchingUp(key transport.RunKey) (list []*Alert) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.catchUps) == 0 {
		return nil
	}
	for id := range s.catchUps {
		if a := s.customers[key.Customer][id]; a != nil && a.has(key) {
			list = append(list, a)
		}
	}
	return list
}

// behind are the customers whose live alerts have something to catch up.
func (s *alerts) behind() (customers []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.catchUps) == 0 {
		return nil
	}
	for customer, of := range s.customers {
		key := transport.RunKey{Customer: customer, Type: transport.RunCatchUp}
		for _, a := range of {
			if a.has(key) {
				customers = append(customers, customer)
				break
			}
		}
	}
	return customers
}

// live lists the customers that have live alerts.
func (s *alerts) live() (customers []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for key := range s.belonging {
		if key.Type == matching.AlertLive {
			customers = append(customers, key.Customer)
		}
	}
	return customers
}

// scheduled lists the keys that need a schedule.
func (s *alerts) scheduled() (keys []transport.RunKey) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for key := range s.wanted {
		if key.Type != matching.AlertLive {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *alerts) moving() []*Alert {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*Alert, 0, len(s.moves))
	for _, a := range s.moves {
		list = append(list, a)
	}
	return list
}

// catchUp is up to where an alert may match before its run's From.
func (s *alerts) catchUp(id string) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.catchUps[id]
}
