package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/postrider/postrider/cmd/postrider/manifest"
)

// apply shows what the documents change, asks, and carries it out.
func (a *app) apply(ctx context.Context, docs []*manifest.Document, how *applyFlags) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	p, err := a.planOf(ctx, cl, docs, how.prune)
	if err != nil {
		return err
	}
	switch {
	case a.output != "json":
		printPlan(a.stdout, p)
	case !how.dryRun && !how.yes:
		printPlan(a.stderr, p) // to ask about
	}
	if !how.dryRun {
		if err := a.agree(p, how.yes); err != nil {
			return err
		}
		if err := a.carryOut(ctx, p); err != nil {
			return err
		}
	}
	if a.output == "json" {
		return a.printPlanJSON(p, how.dryRun)
	}
	return a.printSum(p, how.dryRun)
}

// agree asks about changes, and apart from them about removals.
func (a *app) agree(p *plan, yes bool) error {
	if n := p.count(created) + p.count(changed); n > 0 {
		if err := a.confirm(fmt.Sprintf("%d will be created and %d changed", p.count(created), p.count(changed)), "nothing was changed", yes); err != nil {
			return err
		}
	}
	if n := p.count(removed); n > 0 {
		return a.confirm(fmt.Sprintf("%d will be REMOVED; what waits for them becomes dead letters", n), "nothing was changed", yes)
	}
	return nil
}

func (p *plan) count(action string) int {
	n := 0
	for _, s := range p.steps {
		if s.action == action {
			n++
		}
	}
	return n
}

// carryOut does the steps in their order: customers, endpoints, alerts, then
// removals.
func (a *app) carryOut(ctx context.Context, p *plan) error {
	all := len(p.steps) - p.count(unchanged)
	show := a.progress("applied", all)
	defer show.end()
	done := 0
	for _, s := range p.steps {
		if s.action == unchanged {
			continue
		}
		if err := s.carryOut(ctx, p.cl); err != nil {
			show.end()
			return fmt.Errorf("%s: %w (%d of %d were applied; mend it, and apply again to go on)", oneLine(s.label), err, done, all)
		}
		done++
		show.show(done)
	}
	return nil
}

func (s *step) carryOut(ctx context.Context, cl *client) error {
	switch s.action {
	case created:
		body := maps.Clone(s.doc.Fields)
		if s.kind == manifest.Customer {
			body["id"] = s.doc.ID
		} else {
			body["customer"] = s.doc.Customer
		}
		var made object
		if _, err := cl.call(ctx, http.MethodPost, kindPaths[s.kind], body, &made); err != nil {
			return err
		}
		s.id = made.text("id")
		if s.kind == manifest.Endpoint && body["secret"] == nil && made.text("secret") != "" {
			s.notes = append(s.notes, "a secret was made: "+program+" endpoint secret "+s.id+" prints it")
		}
		return nil
	case removed:
		_, err := cl.call(ctx, http.MethodDelete, thingPath(s.kind, s.id), nil, nil)
		return err
	}
	tag := s.tag
	if len(s.patch) > 0 {
		var err error
		if tag, err = cl.change(ctx, http.MethodPatch, thingPath(s.kind, s.id), tag, s.patch, nil); err != nil {
			return err
		}
	}
	if s.secret == "" {
		return nil
	}
	_, err := cl.change(ctx, http.MethodPost, thingPath(s.kind, s.id)+"/rotate", tag, map[string]string{"secret": s.secret}, nil)
	return err
}

func printPlan(w io.Writer, p *plan) {
	for _, s := range p.steps {
		mark := map[string]string{created: "+", changed: "~", removed: "-", unchanged: " "}[s.action]
		id := ""
		if s.id != "" && s.kind != manifest.Customer && !strings.HasSuffix(s.label, s.id) {
			id = " (" + s.id + ")"
		}
		fmt.Fprintf(w, "%s %-9s %s%s\n", mark, s.action, oneLine(s.label), id)
		for _, c := range s.changes {
			fmt.Fprintf(w, "    %s\n", changeText(c))
		}
		for _, note := range s.notes {
			fmt.Fprintf(w, "    (%s)\n", oneLine(note))
		}
	}
}

// changeText is "name: a → b".
func changeText(c manifest.Change) string {
	switch {
	case c.Masked && c.From == nil && c.To != nil:
		return oneLine(c.Field) + ": added"
	case c.Masked && c.From != nil && c.To == nil:
		return oneLine(c.Field) + ": taken away"
	case c.Masked:
		return oneLine(c.Field) + ": another value (not shown)"
	}
	return fmt.Sprintf("%s: %s → %s", oneLine(c.Field), valueText(c.From), valueText(c.To))
}

func valueText(v any) string {
	if v == nil || v == "" {
		return "none"
	}
	if text, ok := v.(string); ok {
		return cut(oneLine(text), 200)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return cut(oneLine(string(b)), 200)
}

func (a *app) printSum(p *plan, dry bool) error {
	begin := ""
	if dry {
		begin = "dry run: "
	}
	_, err := fmt.Fprintf(a.stdout, "%s%d created, %d changed, %d unchanged, %d removed\n", begin,
		p.count(created), p.count(changed), p.count(unchanged), p.count(removed))
	return err
}

func (a *app) printPlanJSON(p *plan, dry bool) error {
	type row struct {
		Kind     string            `json:"kind"`
		ID       string            `json:"id"`
		Customer string            `json:"customer"`
		Name     string            `json:"name"`
		Action   string            `json:"action"`
		Changes  []manifest.Change `json:"changes"`
		Notes    []string          `json:"notes"`
	}
	rows := []row{}
	for _, s := range p.steps {
		r := row{Kind: s.kind, ID: s.id, Customer: s.customer, Action: s.action, Changes: orEmpty(s.changes), Notes: orEmpty(s.notes)}
		if s.doc != nil {
			r.Name = s.doc.Name
		}
		rows = append(rows, r)
	}
	return a.printJSON(map[string]any{"dry_run": dry, "things": rows, "created": p.count(created), "changed": p.count(changed),
		"unchanged": p.count(unchanged), "removed": p.count(removed)})
}
