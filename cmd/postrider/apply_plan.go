package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postrider/postrider/cmd/postrider/manifest"
)

// object is a thing as the node shows it, numbers and bodies as they are written.
type object map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (o *object) UnmarshalJSON(b []byte) (err error) {
	*o, err = manifest.Shown(b)
	return err
}

func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

// The actions of a plan.
const (
	created, changed, unchanged, removed = "created", "changed", "unchanged", "removed"
)

// step is what becomes of one thing.
type step struct {
	kind, id, customer, label, action string

	doc     *manifest.Document // nil where it is removed
	patch   map[string]any
	tag     string // of the state that the patch was made for
	secret  string // the one to rotate to, or empty
	changes []manifest.Change
	notes   []string
}

// plan compares documents with what a node has.
type plan struct {
	a      *app
	cl     *client
	things map[string][]object // by kind and customer, as they were listed
	steps  []*step
	byKey  map[string]*manifest.Document // which document speaks of which thing
}

var kindPaths = map[string]string{manifest.Customer: customersPath, manifest.Endpoint: endpointsPath, manifest.Alert: alertsPath}

func thingPath(kind, id string) string { return kindPaths[kind] + "/" + url.PathEscape(id) }

func (a *app) planOf(ctx context.Context, cl *client, docs []*manifest.Document, prune bool) (*plan, error) {
	p := &plan{a: a, cl: cl, things: map[string][]object{}, byKey: map[string]*manifest.Document{}}
	look := a.progress("compared", len(docs))
	defer look.end()
	for _, kind := range manifest.Kinds {
		for _, d := range docs {
			if d.Kind != kind {
				continue
			}
			s, err := p.step(ctx, d)
			if err != nil {
				return nil, err
			}
			p.steps = append(p.steps, s)
			look.show(len(p.steps))
		}
	}
	if prune {
		return p, p.prune(ctx, docs)
	}
	return p, nil
}

// listed gives the things of a kind that a customer has.
func (p *plan) listed(ctx context.Context, kind, customer string) ([]object, error) {
	key := kind + " " + customer
	if list, known := p.things[key]; known {
		return list, nil
	}
	list, err := listThings(ctx, p.cl, kind, customer)
	if err == nil {
		p.things[key] = list
	}
	return list, err
}

// listThings reads the things of a kind: a customer's, or all for "".
func listThings(ctx context.Context, cl *client, kind, customer string) ([]object, error) {
	if kind == manifest.Customer && customer != "" {
		var one object
		_, err := cl.call(ctx, http.MethodGet, customerPath(customer), nil, &one)
		var answer *apiError
		if errors.As(err, &answer) && answer.Status == http.StatusNotFound {
			return nil, nil
		}
		return []object{one}, err
	}
	query := url.Values{}
	if customer != "" {
		query.Set("customer", customer)
	}
	return listAll[object](ctx, cl, kindPaths[kind], query, maxThings)
}

// maxThings bounds what is read of one kind.
const maxThings = 1_000_000

// find gives the thing that d speaks of; nil: there is none.
func (p *plan) find(ctx context.Context, d *manifest.Document) (object, error) {
	list, err := p.listed(ctx, d.Kind, d.Customer)
	if err != nil {
		return nil, err
	}
	var named []object
	for _, o := range list {
		if d.ID != "" && o.text("id") == d.ID {
			return o, nil
		}
		if d.Name != "" && (o.text("name") == d.Name || o.text("alert_name") == d.Name) {
			named = append(named, o)
		}
	}
	switch {
	case d.Kind == manifest.Customer || len(named) == 0 && d.Name != "":
		return nil, nil
	case len(named) == 1:
		return named[0], nil
	case len(named) == 0:
		return nil, fmt.Errorf("%s: %s %s is not there; give it a name, so that the one which is made in its place is found again", d.Place(), d.Kind, d.ID)
	}
	return nil, fmt.Errorf("%s: %s has %d of the name %q; give the id of the one that is meant", d.Place(), d.Customer, len(named), oneLine(d.Name))
}

func (p *plan) step(ctx context.Context, d *manifest.Document) (*step, error) {
	unset, err := d.Resolve(p.a.referred(d))
	if err != nil {
		return nil, err
	}
	there, err := p.find(ctx, d)
	if err != nil {
		return nil, err
	}
	s := &step{kind: d.Kind, customer: d.Customer, label: d.Label(), doc: d, action: created}
	if there != nil {
		s.id, s.action = there.text("id"), unchanged
	}
	key := d.Kind + " " + s.id
	if there == nil {
		key = d.Label()
	}
	if before := p.byKey[key]; before != nil {
		return nil, fmt.Errorf("%s: speaks of the same %s as %s; keep one", d.Place(), d.Kind, before.Place())
	}
	p.byKey[key] = d
	if err := s.keep(unset, there); err != nil || there == nil {
		return s, err
	}
	if err := p.compare(ctx, s, there); err != nil {
		return nil, atDocument(d, err)
	}
	return s, nil
}

// atDocument names the document that an error of the node is about.
func atDocument(d *manifest.Document, err error) error {
	return fmt.Errorf("%s (%s): %w", d.Place(), oneLine(d.Label()), err)
}

// keep sees that each reference without a value has one at the node.
func (s *step) keep(unset map[string]manifest.Reference, there object) error {
	headers, _ := there["headers"].(map[string]any)
	for _, field := range slices.Sorted(maps.Keys(unset)) {
		_, known := headers[strings.TrimPrefix(field, "headers.")]
		switch {
		case there == nil:
			return fmt.Errorf("%s: %s: the variable %s is not set, and %s is new; set it", s.doc.Place(), field, unset[field].Env, oneLine(s.label))
		case strings.HasPrefix(field, "headers.") && !known, strings.Contains(field, "["):
			return fmt.Errorf("%s: %s: the variable %s is not set, and there is no value to keep; set it", s.doc.Place(), field, unset[field].Env)
		}
		s.notes = append(s.notes, fmt.Sprintf("%s stays as it is: %s is not set", field, unset[field].Env))
	}
	return nil
}

// compare finds what of a thing that is there would change. The node itself
// says what would be, so that its defaults and spellings count as the same.
func (p *plan) compare(ctx context.Context, s *step, there object) error {
	if patch := s.doc.Patch(there); len(patch) > 0 {
		var now, after object
		tag, err := p.cl.look(ctx, thingPath(s.kind, s.id), &now)
		if err != nil {
			return err
		}
		patch = s.doc.Patch(now)
		if _, err := p.cl.change(ctx, http.MethodPatch, thingPath(s.kind, s.id)+"?dry_run=true", tag, patch, &after); err != nil {
			return err
		}
		var masked []string
		unseen, _ := after["changed_unseen"].([]any)
		for _, field := range unseen {
			masked = append(masked, fmt.Sprint(field))
		}
		if s.changes = manifest.Diff(now, after, masked); len(s.changes) > 0 {
			s.action, s.patch, s.tag = changed, patch, tag
		}
	}
	return p.compareSecret(ctx, s)
}

func (p *plan) compareSecret(ctx context.Context, s *step) error {
	secret, given := s.doc.Fields["secret"].(string)
	if !given || secret == "" {
		return nil
	}
	var now object
	if _, err := p.cl.call(ctx, http.MethodGet, thingPath(s.kind, s.id)+"/secret", nil, &now); err != nil {
		return fmt.Errorf("comparing the secret (leave it out to keep it): %w", err)
	}
	if now.text("secret") == secret {
		return nil
	}
	if s.tag == "" {
		tag, err := p.cl.look(ctx, thingPath(s.kind, s.id), nil)
		if err != nil {
			return err
		}
		s.tag = tag
	}
	s.action, s.secret = changed, secret
	s.changes = append(s.changes, manifest.Change{Field: "secret", Masked: true})
	s.notes = append(s.notes, "the old secret signs beside the new for 24 hours")
	return nil
}

// prune adds the removal of what no document speaks of.
func (p *plan) prune(ctx context.Context, docs []*manifest.Document) error {
	named := map[string]map[string]bool{manifest.Alert: {}, manifest.Endpoint: {}} // customers, by kind
	for kind, customers := range named {
		for _, d := range docs {
			if d.Kind == kind || d.Kind == manifest.Customer {
				customers[d.Customer] = true
			}
		}
	}
	for _, kind := range []string{manifest.Alert, manifest.Endpoint} {
		for _, customer := range slices.Sorted(maps.Keys(named[kind])) {
			list, err := p.listed(ctx, kind, customer)
			if err != nil {
				return err
			}
			for _, o := range list {
				if p.byKey[kind+" "+o.text("id")] == nil {
					p.steps = append(p.steps, removal(kind, o))
				}
			}
		}
	}
	return nil
}

func removal(kind string, o object) *step {
	d := manifest.Document{Kind: kind, ID: o.text("id"), Customer: o.text("customer"), Name: o.text("name") + o.text("alert_name")}
	return &step{kind: kind, id: d.ID, customer: d.Customer, label: d.Label(), action: removed}
}
