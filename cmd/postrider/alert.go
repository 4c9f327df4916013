package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

const alertsPath = "/alerts"

func alertPath(id string) string { return alertsPath + "/" + url.PathEscape(id) }

func (a *app) alertCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "alert",
		Short:   "Manage alerts: what to look for in detections, and whom to tell",
		Example: "  postrider alert add --customer acme --name 'Stolen trailer' --email ops@example.com --trailer-number T-123\n  postrider alert list",
	}
	c.AddCommand(a.alertAdd(), a.alertList(), a.alertShow(), a.alertEdit(), a.alertRemove(), a.alertPreview(), a.alertRun())
	return c
}

func (a *app) alertAdd() *cobra.Command {
	var customer string
	c := &cobra.Command{
		Use:   "add",
		Short: "Add an alert; it matches what comes from now on",
		Example: `  postrider alert add --customer acme --name 'Stolen trailer' --email ops@example.com --trailer-number T-123
  postrider alert add --customer acme --name Plates --email ops@example.com --cc boss@example.com \
      --license-plate 'ABC?23*' --lookalikes --max-differences 1 --location-state TX --type hot`,
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			body, err := a.fieldBody(c, alertFlags)
			if err != nil {
				return err
			}
			if body["alert_name"] == nil || body["email"] == nil {
				return usagef("postrider alert add needs --name and --email; see postrider alert add --help")
			}
			if customer != "" {
				body["customer"] = customer
			}
			return a.ask(c, http.MethodPost, alertsPath, alertBody(body), a.printAlert)
		},
	}
	addFieldFlags(c, alertFlags)
	c.Flags().StringVar(&customer, "customer", "", "whose alert it is (default the token's)")
	return c
}

func (a *app) alertEdit() *cobra.Command {
	c := &cobra.Command{
		Use:   "edit ALERT",
		Short: "Change an alert; what is not named stays",
		Long: `Changes an alert. It matches what comes from then on; where its type alone is
another one, it goes on where it was. A criterion is taken away by ''.`,
		Example: "  postrider alert edit 456e7890-e12b-34d5-a678-426614174111 --type live --cab-number ''",
		Args:    arguments("ALERT"),
		RunE: func(c *cobra.Command, args []string) error {
			body, err := a.fieldBody(c, alertFlags)
			if err != nil {
				return err
			}
			if len(body) == 0 {
				return usagef("nothing to change was given; see postrider alert edit --help")
			}
			return a.with(c, alertResource, args[0], func(cl *client, id string) error {
				return a.askOf(c.Context(), cl, http.MethodPatch, alertPath(id), alertBody(body), a.printAlert)
			})
		},
	}
	addFieldFlags(c, alertFlags)
	return c
}

func (a *app) alertShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show ALERT",
		Short:   "Show an alert",
		Example: "  postrider alert show 456e7890-e12b-34d5-a678-426614174111",
		Args:    arguments("ALERT"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, alertResource, args[0], func(cl *client, id string) error {
				return a.askOf(c.Context(), cl, http.MethodGet, alertPath(id), nil, a.printAlert)
			})
		},
	}
}

func (a *app) alertRemove() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "remove ALERT",
		Short:   "Remove an alert; it tells which, and asks",
		Example: "  postrider alert remove 456e7890-e12b-34d5-a678-426614174111\n  postrider alert remove 'Stolen trailer' --yes",
		Args:    arguments("ALERT"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, alertResource, args[0], func(cl *client, id string) error {
				var alert struct {
					Name     string `json:"alert_name"`
					Customer string `json:"customer"`
				}
				if _, err := cl.call(c.Context(), http.MethodGet, alertPath(id), nil, &alert); err != nil {
					return err
				}
				return a.remove(c.Context(), cl, alertPath(id), id, "the alert "+oneLine(alert.Name)+" of "+alert.Customer+" will be removed", yes)
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) alertList() *cobra.Command {
	var customer, alertType string
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List alerts",
		Example: "  postrider alert list --customer acme --type hot",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.askAll(c, alertsPath, map[string]string{"customer": customer, "alert_type": alertType}, limit, a.printAlerts)
		},
	}
	c.Flags().StringVar(&customer, "customer", "", "this customer's only")
	c.Flags().StringVar(&alertType, "type", "", "of this type only: normal, hot or live")
	c.Flags().IntVar(&limit, "limit", 10_000, "at most so many")
	return c
}

func (a *app) printAlerts(rows []json.RawMessage) error {
	t := table{head: []string{"ID", "CUSTOMER", "NAME", "TYPE", "ACTIVE", "EMAIL", "CRITERIA"}}
	for _, row := range rows {
		alert, err := readRow[map[string]any](row, "an alert")
		if err != nil {
			return err
		}
		t.add(alert["id"], alert["customer"], alert["alert_name"], alert["alert_type"], alert["is_active"], alert["email"], criteriaText(alert))
	}
	return t.print(a.stdout)
}

func (a *app) printAlert(raw json.RawMessage) error {
	alert, err := readRow[map[string]any](raw, "an alert")
	if err != nil {
		return err
	}
	var cc []string
	if list, there := alert["cc_emails"].([]any); there {
		for _, address := range list {
			cc = append(cc, fmt.Sprint(address))
		}
	}
	field := func(name string) string {
		if alert[name] == nil {
			return ""
		}
		return fmt.Sprint(alert[name])
	}
	lines := [][2]string{{"id", field("id")}, {"customer", field("customer")}, {"name", field("alert_name")}, {"description", field("description")},
		{"type", field("alert_type")}, {"active", field("is_active")}, {"email", field("email")}, {"cc", strings.Join(cc, " ")}}
	for _, criterion := range criteriaOf(alert) {
		name, value, _ := strings.Cut(criterion, "=")
		lines = append(lines, [2]string{name, value})
	}
	return a.printLines(append(lines, [2]string{"created", field("created_at")}, [2]string{"updated", field("updated_at")}))
}
