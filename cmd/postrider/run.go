package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

const runsPath = "/v1/runs"

func (a *app) runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "run",
		Short:   "Runs of alerts, with their matches",
		Example: "  postrider run list --customer acme\n  postrider run show 0199c3a0-0000-5000-8000-000000000002",
	}
	c.AddCommand(a.runList(), a.runShow())
	return c
}

// alertRun is a run as the API shows it.
type alertRun struct {
	ID        string `json:"run_id"`
	Customer  string `json:"customer"`
	AlertType string `json:"alert_type"`
	Status    string `json:"status"`
	Reason    string `json:"reason"`
	From, To  uint64
	Read      int    `json:"detections"`
	Alerts    int    `json:"alerts"`
	Matches   int    `json:"total_matches"`
	Started   string `json:"started_at"`
	Finished  string `json:"finished_at"`
	Report    *struct {
		Matches []sighting `json:"matches"`
	} `json:"report"`
	ReportNote string `json:"report_note"`
}

// read says in words what the run read.
func (r *alertRun) read() string {
	switch {
	case r.Status == "running" || r.Status == "failed":
		return "not read to the end yet"
	case r.To == 0:
		return "0: none came since the last run"
	}
	return fmt.Sprintf("%s, from %d to %d of the log", grouped(uint64(r.Read)), r.From, r.To)
}

func (a *app) runList() *cobra.Command {
	var customer, alertType string
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List runs, newest first",
		Example: "  postrider run list --customer acme --type hot --limit 20",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.askAll(c, runsPath, map[string]string{"customer": customer, "alert_type": alertType}, limit, a.printRuns)
		},
	}
	c.Flags().StringVar(&customer, "customer", "", "this customer's only")
	c.Flags().StringVar(&alertType, "type", "", "of this type only: normal, hot, live or summary (both by hand)")
	c.Flags().IntVar(&limit, "limit", 100, "at most so many")
	return c
}

func (a *app) printRuns(rows []json.RawMessage) error {
	t := table{head: []string{"ID", "STARTED", "CUSTOMER", "TYPE", "STATUS", "READ", "ALERTS", "MATCHES", "REASON"}}
	for _, row := range rows {
		r, err := readRow[alertRun](row, "a run")
		if err != nil {
			return err
		}
		t.add(orDash(r.ID), orDash(toSeconds(r.Started)), r.Customer, r.AlertType, r.Status, r.Read, r.Alerts, r.Matches, orDash(r.Reason))
	}
	return t.print(a.stdout)
}

func (a *app) runShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show RUN",
		Short:   "Show a run and its matches",
		Example: "  postrider run show 0199c3a0-0000-5000-8000-000000000002 -o json",
		Args:    arguments("RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, runResource, args[0], func(cl *client, id string) error {
				return a.askOf(c.Context(), cl, http.MethodGet, runsPath+"/"+url.PathEscape(id), nil, a.printRun)
			})
		},
	}
}

func (a *app) printRun(raw json.RawMessage) error {
	r, err := readRow[alertRun](raw, "a run")
	if err != nil {
		return err
	}
	err = a.printLines([][2]string{{"run", r.ID}, {"customer", r.Customer}, {"type", r.AlertType}, {"status", strings.TrimSpace(r.Status + " " + r.Reason)},
		{"detections", r.read()}, {"alerts", fmt.Sprint(r.Alerts)}, {"matches", fmt.Sprint(r.Matches)},
		{"started", toSeconds(r.Started)}, {"finished", toSeconds(r.Finished)}})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if r.Report == nil {
		_, err = fmt.Fprintf(a.stdout, "No matches to show: %s.\n", oneLine(r.ReportNote))
		return err
	}
	return a.printSightings(r.Report.Matches)
}
