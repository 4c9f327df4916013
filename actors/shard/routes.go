package shard

import "github.com/postrider/postrider/transport"

// maxCachedTypes bounds the answers remembered for one customer.
const maxCachedTypes = 4096

// routes knows which endpoints want what. A registered endpoint costs its
// place here and nothing else.
type routes struct {
	byID       map[string]*transport.Endpoint
	byCustomer map[string]*customerRoutes
	revision   uint64
}

type customerRoutes struct {
	endpoints []*transport.Endpoint
	// wanted remembers which endpoints' patterns take in a type.
	wanted map[string]*targets
}

// targets are the endpoints of one fan-out, with their ids beside them.
type targets struct {
	endpoints []*transport.Endpoint
	ids       []string
}

func newRoutes() *routes {
	return &routes{byID: map[string]*transport.Endpoint{}, byCustomer: map[string]*customerRoutes{}}
}

// apply takes one change in.
func (r *routes) apply(c transport.Change) {
	r.revision = max(r.revision, c.Revision)
	if old := r.byID[c.ID]; old != nil {
		r.remove(old)
	}
	if c.Endpoint == nil {
		return
	}
	r.byID[c.ID] = c.Endpoint
	cr := r.byCustomer[c.Endpoint.Customer]
	if cr == nil {
		cr = &customerRoutes{}
		r.byCustomer[c.Endpoint.Customer] = cr
	}
	cr.endpoints = append(cr.endpoints, c.Endpoint)
	cr.wanted = nil
}

func (r *routes) remove(old *transport.Endpoint) {
	delete(r.byID, old.ID)
	cr := r.byCustomer[old.Customer]
	for i, ep := range cr.endpoints {
		if ep.ID == old.ID {
			last := len(cr.endpoints) - 1
			cr.endpoints[i] = cr.endpoints[last]
			cr.endpoints[last] = nil
			cr.endpoints = cr.endpoints[:last]
			break
		}
	}
	cr.wanted = nil
	if len(cr.endpoints) == 0 {
		delete(r.byCustomer, old.Customer)
	}
}

// match gives the endpoints that want ev; nil where none does.
func (r *routes) match(ev *transport.Event) *targets {
	cr := r.byCustomer[ev.Customer]
	if cr == nil {
		return nil
	}
	t := cr.wanted[ev.Type]
	if t == nil {
		t = cr.find(ev.Type)
	}
	for _, ep := range t.endpoints {
		if ev.Stored.Before(ep.From) {
			return t.since(ev)
		}
	}
	return t
}

func (cr *customerRoutes) find(typ string) *targets {
	t := &targets{}
	for _, ep := range cr.endpoints {
		if wants(ep, typ) {
			t.endpoints = append(t.endpoints, ep)
			t.ids = append(t.ids, ep.ID)
		}
	}
	if cr.wanted == nil || len(cr.wanted) >= maxCachedTypes {
		cr.wanted = map[string]*targets{}
	}
	cr.wanted[typ] = t
	return t
}

func wants(ep *transport.Endpoint, typ string) bool {
	if !ep.Enabled || ep.State == "disabled" {
		return false
	}
	for _, p := range ep.Events {
		if transport.MatchType(p, typ) {
			return true
		}
	}
	return false
}

// since leaves out the endpoints that want only what came after ev.
func (t *targets) since(ev *transport.Event) *targets {
	out := &targets{}
	for i, ep := range t.endpoints {
		if !ev.Stored.Before(ep.From) {
			out.endpoints = append(out.endpoints, ep)
			out.ids = append(out.ids, t.ids[i])
		}
	}
	return out
}
