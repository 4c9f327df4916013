package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

const lettersPath = "/v1/deadletters"

func (a *app) deadletterCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "deadletter",
		Short:   "What was given up, and why; send it again, or delete it",
		Example: "  postrider deadletter list\n  postrider deadletter replay 17\n  postrider deadletter purge --reason endpoint_removed",
	}
	c.AddCommand(a.deadletterList(), a.deadletterShow(), a.deadletterReplay(), a.deadletterPurge())
	return c
}

// letterFilter is what dead letters are chosen by.
type letterFilter struct {
	customer, endpoint, reason, from, to string
}

func (f *letterFilter) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.customer, "customer", "", "this customer's only")
	c.Flags().StringVar(&f.endpoint, "endpoint", "", "this endpoint's only")
	c.Flags().StringVar(&f.reason, "reason", "", "with this reason only, such as retries_exhausted")
	c.Flags().StringVar(&f.from, "from", "", "given up from this time on (RFC 3339)")
	c.Flags().StringVar(&f.to, "to", "", "given up before this time (RFC 3339)")
}

func (f *letterFilter) any() bool { return f.customer+f.endpoint+f.reason+f.from+f.to != "" }

func (f *letterFilter) query() (url.Values, error) {
	return filterQuery(map[string]string{"customer": f.customer, "endpoint": f.endpoint, "reason": f.reason}, f.from, f.to)
}

// letter is a dead letter in a list.
type letter struct {
	ID       json.Number `json:"id"`
	At       string      `json:"at"`
	Customer string      `json:"customer"`
	Endpoint string      `json:"endpoint"`
	Reason   string      `json:"reason"`
	Detail   string      `json:"detail"`
}

func (a *app) deadletterList() *cobra.Command {
	var filter letterFilter
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List dead letters, newest first",
		Example: "  postrider deadletter list --customer acme --reason retries_exhausted",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			query, err := filter.query()
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if err := resolved(c.Context(), cl, endpointResource, query, "endpoint"); err != nil {
				return err
			}
			rows, err := listAll[json.RawMessage](c.Context(), cl, lettersPath, query, limit)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(orEmpty(rows))
			}
			return a.printLetters(rows, a.endpointNames(c.Context(), cl))
		},
	}
	filter.flags(c)
	c.Flags().IntVar(&limit, "limit", 1000, "at most so many, newest first")
	return c
}

func (a *app) printLetters(rows []json.RawMessage, names endpointNames) error {
	t := table{head: []string{"ID", "AT", "CUSTOMER", "NAME", "ENDPOINT", "REASON", "DETAIL"}}
	for _, row := range rows {
		var l letter
		if err := json.Unmarshal(row, &l); err != nil {
			return fmt.Errorf("a dead letter cannot be read (%w); use the same version as the node, or -o json", err)
		}
		t.add(l.ID, toSeconds(l.At), l.Customer, names.of(l.Endpoint), orDash(l.Endpoint), l.Reason, l.Detail)
	}
	return t.print(a.stdout)
}

// toSeconds leaves out what is below a second, which a table has no room for.
func toSeconds(at string) string {
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return at
}

func (a *app) deadletterShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a dead letter with all its attempts, as JSON",
		Example: "  postrider deadletter show 17",
		Args:    arguments("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if _, err := cl.call(c.Context(), http.MethodGet, lettersPath+"/"+url.PathEscape(args[0]), nil, &raw); err != nil {
				return err
			}
			return a.printJSON(raw)
		},
	}
}

func (a *app) deadletterReplay() *cobra.Command {
	var filter letterFilter
	var how replayFlags
	c := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Deliver dead letters again, by id or by filter",
		Long: `Gives the events of dead letters to their endpoints again, with the same
webhook-id as before. By filter it first tells how many there are, and asks;
then it shows how far the node has come. The letters stay; purge removes them.`,
		Example: "  postrider deadletter replay 17 18\n  postrider deadletter replay --endpoint 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --yes",
		Args:    arguments("[ID...]"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !filter.any() && how.cancel == "" {
				return usagef("postrider deadletter replay needs an ID, or a filter such as --endpoint; see postrider deadletter replay --help")
			}
			if len(args) > 0 && filter.any() {
				return usagef("give ids or a filter, not both")
			}
			query, err := filter.query()
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if err := resolved(c.Context(), cl, endpointResource, query, "endpoint"); err != nil {
				return err
			}
			if len(args) > 0 {
				return a.replayLetters(c, cl, args)
			}
			return a.replayMany(c.Context(), cl, lettersPath+"/replay", noun{"dead letter", "dead letters"}, query, &how)
		},
	}
	filter.flags(c)
	how.flags(c)
	return c
}

func (a *app) deadletterPurge() *cobra.Command {
	var filter letterFilter
	var yes bool
	c := &cobra.Command{
		Use:   "purge",
		Short: "Delete dead letters for good, by filter",
		Long: `Deletes the dead letters that a filter chooses, with their events. It first
tells how many there are, and asks. What was given up stays counted as such.`,
		Example: "  postrider deadletter purge --endpoint 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --to 2026-01-01T00:00:00Z",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			if !filter.any() {
				return usagef("postrider deadletter purge needs a filter such as --endpoint; see postrider deadletter purge --help")
			}
			query, err := filter.query()
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if err := resolved(c.Context(), cl, endpointResource, query, "endpoint"); err != nil {
				return err
			}
			return a.purgeLetters(c.Context(), cl, query, yes)
		},
	}
	filter.flags(c)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) purgeLetters(ctx context.Context, cl *client, query url.Values, yes bool) error {
	var answer struct{ Count uint64 }
	path := lettersPath + "?" + query.Encode()
	if _, err := cl.call(ctx, http.MethodDelete, path+"&dry_run=true", nil, &answer); err != nil {
		return err
	}
	if answer.Count > 0 {
		if err := a.confirm(counted(answer.Count, "dead letter", "dead letters")+" will be deleted for good", "nothing was deleted", yes); err != nil {
			return err
		}
		if _, err := cl.call(ctx, http.MethodDelete, path, nil, &answer); err != nil {
			return err
		}
	}
	if a.output == "json" {
		return a.printJSON(map[string]uint64{"deleted": answer.Count})
	}
	_, err := fmt.Fprintf(a.stdout, "deleted %s\n", grouped(answer.Count))
	return err
}

func (a *app) replayLetters(c *cobra.Command, cl *client, ids []string) error {
	p := a.progress("replayed", len(ids))
	for i, id := range ids {
		if _, err := cl.call(c.Context(), http.MethodPost, lettersPath+"/"+url.PathEscape(id)+"/replay", struct{}{}, nil); err != nil {
			p.end()
			var answer *apiError
			if errors.As(err, &answer) && answer.Status == http.StatusNotFound { // names it already
				return fmt.Errorf("%w%s", err, soFar(i, len(ids)))
			}
			return fmt.Errorf("dead letter %s: %w%s", oneLine(id), err, soFar(i, len(ids)))
		}
		p.show(i + 1)
	}
	p.end()
	if a.output == "json" {
		return a.printJSON(map[string]int{"replayed": len(ids)})
	}
	_, err := fmt.Fprintf(a.stdout, "replayed %s\n", grouped(uint64(len(ids))))
	return err
}

// soFar says how far a replay of many came.
func soFar(done, all int) string {
	if all == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d were replayed)", done, all)
}
