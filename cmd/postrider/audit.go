package main

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
)

func (a *app) auditCommand() *cobra.Command {
	var from, to string
	c := &cobra.Command{
		Use:   "audit",
		Short: "Check that everything owed was delivered, given up, skipped, or waits",
		Long: `Reads the log up to a cut and counts, per endpoint: what was owed, and what
became of it. What lacks an outcome at the cut is waiting. Where the sum does
not add up, the exit code is 1.`,
		Example: "  postrider audit\n  postrider audit --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z -o json",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, text := range map[string]string{"from": from, "to": to} {
				if err := setTime(query, name, text); err != nil {
					return err
				}
			}
			return a.audit(c, query)
		},
	}
	c.Flags().StringVar(&from, "from", "", "count events from this time on (RFC 3339)")
	c.Flags().StringVar(&to, "to", "", "count events before this time (RFC 3339)")
	return c
}

// setTime puts a time that was given as a flag into a query.
func setTime(query url.Values, name, text string) error {
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return usagef("--%s %q is not a time such as 2026-01-02T15:04:05Z", name, text)
	}
	query.Set(name, t.Format(time.RFC3339Nano))
	return nil
}

func (a *app) audit(c *cobra.Command, query url.Values) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	path := "/v1/audit"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var audit transport.Audit
	if _, err := cl.call(c.Context(), http.MethodGet, path, nil, &audit); err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(audit)
	} else {
		err = a.printAudit(&audit, a.endpointNames(c.Context(), cl))
	}
	if err == nil && !audit.OK {
		return silentError{}
	}
	return err
}

func (a *app) printAudit(audit *transport.Audit, names endpointNames) error {
	t := table{head: []string{"CUSTOMER", "NAME", "ENDPOINT", "OWED", "DELIVERED", "DEAD-LETTERED", "SKIPPED", "WAITING", "MISSING", "REPEATED"}}
	for _, e := range audit.Endpoints {
		t.add(e.Customer, names.of(e.Endpoint), e.Endpoint, e.Owed, e.Delivered, e.DeadLettered, e.Skipped, e.Waiting, e.Missing, e.Repeated)
	}
	if err := t.print(a.stdout); err != nil {
		return err
	}
	if audit.JournalGaps > 0 {
		fmt.Fprintf(a.stdout, "\n%s gone from the middle of the journal\n", counted(audit.JournalGaps, "message is", "messages are"))
	}
	for _, l := range audit.Lost {
		fmt.Fprintf(a.stdout, "\n%s had lost its end, %s messages (%d to %d), when the node started at %s\n",
			l.Stream, grouped(l.Count()), l.From, l.To, l.At.UTC().Format(time.RFC3339))
	}
	verdict := "it adds up"
	if !audit.OK {
		verdict = "IT DOES NOT ADD UP; keep the data folder and report it"
		if len(audit.Lost) > 0 {
			verdict = "IT DOES NOT ADD UP; see \"A stream that lost its end\" in docs/operations.md"
		}
	}
	_, err := fmt.Fprintf(a.stdout, "\n%s up to sequence %d (%s, %s wanted by no endpoint): %s\n",
		counted(audit.Events, "event", "events"), audit.Cut, counted(audit.Duplicates, "duplicate", "duplicates"), grouped(audit.Unrouted), verdict)
	return err
}
