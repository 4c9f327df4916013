package shard

import (
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

const (
	// maxScanned is the number of a customer's endpoints up to which looking
	// through them costs no more than an index, which takes memory.
	maxScanned = 64
	// maxRemembered bounds what is remembered of types, in bytes.
	maxRemembered = 16 << 20
)

// routes knows which endpoints want what. A registered endpoint costs its
// place here and nothing else.
type routes struct {
	byID       map[string]*transport.Endpoint
	byCustomer map[string]*customerRoutes
	revision   uint64
	remembered int
	found      []*transport.Endpoint // room for a search
}

// customerRoutes are a customer's endpoints that want anything at all: those
// that are not closed.
type customerRoutes struct {
	few   []*transport.Endpoint
	index *patterns // in place of few
	count int
	// wanted remembers which endpoints' patterns take in a type.
	wanted     map[string]*targets
	remembered int
}

// targets are the endpoints of one type, in order of their ids.
type targets struct {
	ids       []string
	endpoints []*transport.Endpoint
	// filtered: one of them has a filter.
	filtered bool
	// from is the time from which on all of them want events.
	from time.Time
}

func newRoutes() *routes {
	return &routes{byID: map[string]*transport.Endpoint{}, byCustomer: map[string]*customerRoutes{}}
}

// apply takes one change in.
func (r *routes) apply(c transport.Change) {
	r.revision = max(r.revision, c.Revision)
	old, open := r.byID[c.ID], !endpoint.IsClosed(c.Endpoint)
	if !endpoint.IsClosed(old) {
		r.drop(old)
	}
	if open {
		r.add(c.Endpoint)
	}
	if c.Endpoint == nil {
		delete(r.byID, c.ID)
		return
	}
	r.byID[c.ID] = c.Endpoint
}

func (r *routes) add(ep *transport.Endpoint) {
	cr := r.byCustomer[ep.Customer]
	if cr == nil {
		cr = &customerRoutes{}
		r.byCustomer[ep.Customer] = cr
	}
	r.forget(cr)
	cr.count++
	if cr.index == nil && cr.count <= maxScanned {
		cr.few = append(cr.few, ep)
		return
	}
	if cr.index == nil {
		cr.index = &patterns{}
		for _, one := range cr.few {
			cr.index.addAll(one)
		}
		cr.few = nil
	}
	cr.index.addAll(ep)
}

func (r *routes) drop(ep *transport.Endpoint) {
	cr := r.byCustomer[ep.Customer]
	r.forget(cr)
	if cr.count--; cr.count == 0 {
		delete(r.byCustomer, ep.Customer)
		return
	}
	if cr.index != nil {
		cr.index.dropAll(ep)
		return
	}
	cr.few = slices.DeleteFunc(cr.few, func(one *transport.Endpoint) bool { return one == ep })
}

// match gives the ids of the endpoints that want ev, in their order, and those
// of which a filter must tell.
func (r *routes) match(ev *transport.Event) (ids []string, questions []Question) {
	cr := r.byCustomer[ev.Customer]
	if cr == nil {
		return nil, nil
	}
	t := cr.wanted[ev.Type]
	if t == nil {
		t = r.search(cr, ev.Type)
	}
	if !t.filtered && !ev.Stored.Before(t.from) {
		return t.ids, nil
	}
	return t.choose(ev)
}

// search finds the endpoints of a type and remembers them.
func (r *routes) search(cr *customerRoutes, typ string) *targets {
	found := cr.find(typ, r.found[:0])
	slices.SortFunc(found, func(a, b *transport.Endpoint) int { return strings.Compare(a.ID, b.ID) })
	t := targetsOf(slices.Compact(found))
	clear(found)
	r.found = found
	r.remember(cr, typ, t)
	return t
}

func (cr *customerRoutes) find(typ string, found []*transport.Endpoint) []*transport.Endpoint {
	if cr.index != nil {
		return cr.index.find(typ, found)
	}
	for _, ep := range cr.few {
		if slices.ContainsFunc(ep.Events, func(p string) bool { return transport.MatchType(p, typ) }) {
			found = append(found, ep)
		}
	}
	return found
}

func targetsOf(found []*transport.Endpoint) *targets {
	t := &targets{ids: make([]string, len(found)), endpoints: slices.Clone(found)}
	for i, ep := range found {
		t.ids[i] = ep.ID
		if ep.From.After(t.from) {
			t.from = ep.From
		}
		t.filtered = t.filtered || ep.Filter != ""
	}
	return t
}

// choose leaves out the endpoints that want only what came after ev. An event
// that has lost its data is taken by all, to be given up by name.
func (t *targets) choose(ev *transport.Event) (ids []string, questions []Question) {
	lost := ev.Object != "" && len(ev.Data) == 0
	for _, ep := range t.endpoints {
		switch {
		case ev.Stored.Before(ep.From):
		case ep.Filter == "" || lost:
			ids = append(ids, ep.ID)
		default:
			questions = append(questions, Question{ep.ID, ep.Filter})
		}
	}
	return ids, questions
}

// remember keeps t until the customer's endpoints change, or the room is used
// up: then all is found anew.
func (r *routes) remember(cr *customerRoutes, typ string, t *targets) {
	size := t.size() + len(typ)
	if r.remembered+size > maxRemembered {
		for _, other := range r.byCustomer {
			r.forget(other)
		}
	}
	if cr.wanted == nil {
		cr.wanted = map[string]*targets{}
	}
	cr.wanted[typ] = t
	cr.remembered += size
	r.remembered += size
}

func (r *routes) forget(cr *customerRoutes) {
	r.remembered -= cr.remembered
	cr.remembered, cr.wanted = 0, nil
}

// size is about what t takes, with its place among those remembered.
func (t *targets) size() int { return 160 + 24*len(t.ids) }
