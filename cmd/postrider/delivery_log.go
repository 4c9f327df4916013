package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

const deliveriesPath = "/v1/deliveries"

func (a *app) deliveryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "delivery",
		Short:   "The delivery log: what became of each event at each endpoint; and deliver it again",
		Example: "  postrider delivery list --status dead_lettered\n  postrider delivery replay --status dead_lettered --from 2026-01-01T00:00:00Z\n  postrider delivery show 17-6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
	}
	c.AddCommand(a.deliveryList(), a.deliveryShow(), a.deliveryReplay())
	return c
}

// deliveryFilter is what deliveries are chosen by.
type deliveryFilter struct {
	customer, endpoint, event, kind, status, from, to string
}

func (f *deliveryFilter) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.customer, "customer", "", "this customer's only")
	c.Flags().StringVar(&f.endpoint, "endpoint", "", "to this endpoint only")
	c.Flags().StringVar(&f.event, "event", "", "of the event with this id only")
	c.Flags().StringVar(&f.kind, "type", "", "of events of this type only, or of a pattern such as 'access.>'")
	c.Flags().StringVar(&f.status, "status", "", "waiting, retrying, delivered, dead_lettered or skipped; or, of the last attempt, failed, throttled, gone, refused or an HTTP status; several with commas between them")
	c.Flags().StringVar(&f.from, "from", "", "owed from this time on (RFC 3339)")
	c.Flags().StringVar(&f.to, "to", "", "owed before this time (RFC 3339)")
}

func (f *deliveryFilter) query() (url.Values, error) {
	return filterQuery(map[string]string{"customer": f.customer, "endpoint": f.endpoint, "event": f.event,
		"type": f.kind, "status": f.status}, f.from, f.to)
}

// filterQuery makes the query of a filter: what is empty is left out.
func filterQuery(texts map[string]string, from, to string) (url.Values, error) {
	q := url.Values{}
	for name, value := range texts {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, text := range map[string]string{"from": from, "to": to} {
		if err := setTime(q, name, text); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (a *app) deliveryList() *cobra.Command {
	var filter deliveryFilter
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List deliveries, newest first",
		Example: "  postrider delivery list --endpoint 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --status 503\n" +
			"  postrider delivery list --event 5fd0aad3d64a99000414d61e\n  postrider delivery list --type 'access.>' --from 2026-01-01T00:00:00Z -o json",
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			query, err := filter.query()
			if err != nil {
				return err
			}
			if limit < 1 {
				return usagef("--limit %d is not 1 or more", limit)
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if err := resolved(c.Context(), cl, endpointResource, query, "endpoint"); err != nil {
				return err
			}
			rows, err := listAll[json.RawMessage](c.Context(), cl, deliveriesPath, query, limit)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(orEmpty(rows))
			}
			return a.printDeliveries(rows, a.endpointNames(c.Context(), cl))
		},
	}
	filter.flags(c)
	c.Flags().IntVar(&limit, "limit", 100, "at most so many, newest first")
	return c
}

// loggedDelivery is a delivery as the API shows it.
type loggedDelivery struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Endpoint string `json:"endpoint"`
	Event    struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`

		CloudEvent struct {
			ID      string `json:"id"`
			Source  string `json:"source"`
			Subject string `json:"subject"`
		} `json:"cloudevent"`
	} `json:"event"`
	State    string `json:"state"`
	Reason   string `json:"reason"`
	Status   int    `json:"status"`
	Count    int    `json:"attempt_count"`
	Since    string `json:"created_at"`
	NextAt   string `json:"next_attempt_at"`
	Attempts []struct {
		Number int     `json:"number"`
		At     string  `json:"at"`
		Took   float64 `json:"took_ms"`
		Resent bool    `json:"resent"`
		Status int     `json:"status"`
		Class  string  `json:"class"`
		Reason string  `json:"reason"`
		Detail string  `json:"detail"`
		Answer string  `json:"answer"`
	} `json:"attempts"`
	TraceID  string `json:"trace_id"`
	Body     string `json:"body"`
	BodyNote string `json:"body_note"`
}

func (d *loggedDelivery) read(row json.RawMessage) error {
	if err := json.Unmarshal(row, d); err != nil {
		return fmt.Errorf("a delivery cannot be read (%w); use the same version as the node, or -o json", err)
	}
	return nil
}

func (a *app) printDeliveries(rows []json.RawMessage, names endpointNames) error {
	t := table{head: []string{"ID", "AT", "CUSTOMER", "ENDPOINT", "TYPE", "EVENT", "STATE", "ATTEMPTS", "STATUS", "REASON"}}
	for _, row := range rows {
		var d loggedDelivery
		if err := d.read(row); err != nil {
			return err
		}
		t.add(d.ID, toSeconds(d.Since), d.Customer, names.of(d.Endpoint), d.Event.Type, d.Event.ID, d.State, d.Count, statusText(d.Status), orDash(d.Reason))
	}
	return t.print(a.stdout)
}

// statusText is an HTTP status; without an answer there is none.
func statusText(status int) string {
	if status == 0 {
		return orDash("")
	}
	return fmt.Sprint(status)
}

// orDash fills an empty cell, so that those behind it stay in their columns.
func orDash(s string) string { return cmp.Or(s, "-") }

func (a *app) deliveryShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a delivery: its attempts with their answers, and what was sent",
		Example: "  postrider delivery show 17-6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
		Args:    arguments("ID"),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			id, err := resolveDelivery(c.Context(), cl, args[0])
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if _, err := cl.call(c.Context(), http.MethodGet, deliveriesPath+"/"+url.PathEscape(id), nil, &raw); err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(raw)
			}
			var d loggedDelivery
			if err := d.read(raw); err != nil {
				return err
			}
			return a.printDelivery(&d, a.endpointNames(c.Context(), cl))
		},
	}
}

func (a *app) printDelivery(d *loggedDelivery, names endpointNames) error {
	fields := table{head: []string{"delivery", oneLine(d.ID)}}
	for _, f := range [][2]string{{"event", d.Event.ID}, {"type", d.Event.Type}, {"customer", d.Customer}, {"endpoint", strings.TrimSpace(d.Endpoint + " " + bracketed(oneLine(names[d.Endpoint])))},
		{"cloudevent id", d.Event.CloudEvent.ID}, {"source", d.Event.CloudEvent.Source}, {"subject", d.Event.CloudEvent.Subject}, {"trace", d.TraceID},
		{"state", d.State}, {"reason", d.Reason}, {"since", toSeconds(d.Since)}, {"next attempt", toSeconds(d.NextAt)}} {
		if f[1] != "" {
			fields.add(f[0], f[1])
		}
	}
	if err := fields.print(a.stdout); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	attempts := table{head: []string{"ATTEMPT", "AT", "TOOK", "STATUS", "CLASS", "REASON", "ANSWER"}}
	for _, t := range d.Attempts {
		answer := t.Answer
		if answer == "" {
			answer = t.Detail
		}
		attempts.add(t.Number, toSeconds(t.At), fmt.Sprintf("%.1f ms", t.Took), statusText(t.Status), t.Class, orDash(t.Reason), orDash(cut(answer, 80)))
	}
	if err := attempts.print(a.stdout); err != nil {
		return err
	}
	for _, t := range d.Attempts {
		if t.Resent {
			fmt.Fprintf(a.stdout, "(attempt %d was sent twice: a kept connection had ended before a byte of an answer)\n", t.Number)
		}
	}
	if d.Count > len(d.Attempts) {
		fmt.Fprintf(a.stdout, "(%s made; the journal no longer has the others)\n", counted(uint64(d.Count), "attempt was", "attempts were"))
	}
	if d.Body == "" {
		_, err := fmt.Fprintf(a.stdout, "\nNo body: %s.\n", oneLine(d.BodyNote))
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "\n%s\n", printable(d.Body))
	return err
}

// cut bounds a text by its characters.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
