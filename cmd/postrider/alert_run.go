package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) alertPreview() *cobra.Command {
	var customer, from, to string
	c := &cobra.Command{
		Use:   "preview [ALERT]",
		Short: "Tell what an alert would have matched over a past period, delivering nothing",
		Long: `Matches an alert against the detections that came in a period, and shows the
first 1,000 matches. The alert is one that there is (flags change it for this
once), or one made of the flags alone. Nothing is stored or sent.`,
		Example: "  postrider alert preview --customer acme --license-plate 'ABC?23*' --from 2026-01-01T00:00:00Z\n" +
			"  postrider alert preview 456e7890-e12b-34d5-a678-426614174111 --lookalikes",
		Args: arguments("[ALERT]"),
		RunE: func(c *cobra.Command, args []string) error {
			body, err := a.fieldBody(c, alertFlags)
			if err != nil {
				return err
			}
			if len(args) == 0 && len(body) == 0 {
				return usagef("postrider alert preview needs an ALERT, or criteria such as --license-plate; see postrider alert preview --help")
			}
			period := map[string]string{"from": from, "to": to}
			for name, value := range period {
				if _, err := time.Parse(time.RFC3339, value); value != "" && err != nil {
					return usagef("--%s %q is not a time such as 2026-01-02T15:04:05Z", name, value)
				}
			}
			if body, err = a.previewed(c, args, alertBody(body)); err != nil {
				return err
			}
			period["customer"] = customer
			for name, value := range period {
				if value != "" {
					body[name] = value
				}
			}
			return a.ask(c, http.MethodPost, alertsPath+"/preview", body, a.printPreview)
		},
	}
	addFieldFlags(c, alertFlags)
	c.Flags().StringVar(&customer, "customer", "", "whose time zone dates are of (default the token's)")
	c.Flags().StringVar(&from, "from", "", "detections that came from this time on (RFC 3339; default a day before --to)")
	c.Flags().StringVar(&to, "to", "", "detections that came before this time (RFC 3339; default now)")
	return c
}

// previewed is the alert to preview: the one that is named, with changes over it.
func (a *app) previewed(c *cobra.Command, args []string, changes map[string]any) (map[string]any, error) {
	if len(args) == 0 {
		return changes, nil
	}
	cl, err := a.client()
	if err != nil {
		return nil, err
	}
	id, err := alertResource.resolve(c.Context(), cl, args[0])
	if err != nil {
		return nil, err
	}
	alert := map[string]any{}
	if _, err := cl.call(c.Context(), http.MethodGet, alertPath(id), nil, &alert); err != nil {
		return nil, err
	}
	for _, name := range []string{"id", "created_at", "updated_at"} {
		delete(alert, name)
	}
	for name, value := range changes {
		alert[name] = value
	}
	return alert, nil
}

// sighting is a match as tables show it.
type sighting struct {
	AlertName     string `json:"alert_name"`
	Time          string `json:"time"`
	City          string `json:"city"`
	State         string `json:"state"`
	Road          string `json:"road"`
	LicensePlate  string `json:"license_plate"`
	TrailerNumber string `json:"trailer_number"`
	DeepSearch    string `json:"deep_search"`
	ResultURL     string `json:"result_url"`
}

func (a *app) printSightings(matches []sighting) error {
	t := table{head: []string{"TIME", "ALERT", "CITY", "STATE", "ROAD", "PLATE", "TRAILER", "TEXT", "RESULT"}}
	for _, m := range matches {
		t.add(orDash(m.Time), orDash(m.AlertName), orDash(m.City), orDash(m.State), orDash(m.Road), orDash(m.LicensePlate),
			orDash(m.TrailerNumber), orDash(cut(m.DeepSearch, 40)), orDash(m.ResultURL))
	}
	return t.print(a.stdout)
}

func (a *app) printPreview(raw json.RawMessage) error {
	type preview struct {
		Matches    []sighting `json:"matches"`
		Total      int        `json:"total_matches"`
		Detections int        `json:"detections"`
		From, To   string
		Complete   bool
	}
	p, err := readRow[preview](raw, "a preview")
	if err != nil {
		return err
	}
	if len(p.Matches) > 0 {
		if err := a.printSightings(p.Matches); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout)
	}
	fmt.Fprintf(a.stdout, "%s in %s, %s to %s", counted(uint64(p.Total), "match", "matches"), counted(uint64(p.Detections), "detection", "detections"), toSeconds(p.From), toSeconds(p.To))
	if len(p.Matches) < p.Total {
		fmt.Fprintf(a.stdout, "; the first %s are shown", grouped(uint64(len(p.Matches))))
	}
	fmt.Fprintln(a.stdout)
	if !p.Complete {
		fmt.Fprintf(a.stderr, "warning: the time was up before the end of the period; go on with --from %s\n", oneLine(p.To))
	}
	return nil
}

func (a *app) alertRun() *cobra.Command {
	var customer, alertType string
	var wait bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run alerts now, over what came since their last run",
		Long: `Runs a customer's normal and hot alerts now, in one run: all matches of all alerts
are one event. With --wait it tells what came of it, and the exit code is 1 where
the run cannot be made now, has failed, or has not finished within a minute; it is
made or tried again all the same.`,
		Example: "  postrider alert run --customer acme\n  postrider alert run --customer acme --type hot --wait",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			body := map[string]any{}
			for name, value := range map[string]string{"customer": customer, "alert_type": alertType} {
				if value != "" {
					body[name] = value
				}
			}
			if wait {
				body["wait"] = true
			}
			return a.runAlerts(c, body, wait)
		},
	}
	c.Flags().StringVar(&customer, "customer", "", "whose alerts (default the token's)")
	c.Flags().StringVar(&alertType, "type", "", "of this type only: normal or hot (default both in one)")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end, and tell what matched")
	return c
}

func (a *app) runAlerts(c *cobra.Command, body map[string]any, wait bool) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	status, err := cl.call(c.Context(), http.MethodPost, alertsPath+"/run", body, &raw)
	if err != nil {
		return err
	}
	run, err := readRow[alertRun](raw, "a run")
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(raw)
	} else if run.ID != "" {
		err = a.printRuns([]json.RawMessage{raw})
	}
	if note := run.note(); err == nil && note != "" {
		fmt.Fprintln(a.stderr, "postrider: "+note)
	}
	if err == nil && wait && status != http.StatusOK {
		return silentError{}
	}
	return err
}

// note says what is still to come of a run that was started, and why; "" where
// nothing is.
func (r *alertRun) note() string {
	switch reason := oneLine(r.Reason); {
	case r.Status == "waiting":
		return "runs wait: " + reason + "; this one is stored, and made as soon as that is back (postrider run list will show it)"
	case r.Status == "failed":
		return "the run failed: " + reason + "; it is tried again until it succeeds, over the same detections"
	case r.ID == "":
		return "the run is stored, and made when those before it have ended (postrider run list will show it)"
	}
	return ""
}
