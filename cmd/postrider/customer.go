package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/api"
)

const customersPath = "/v1/customers"

func customerPath(id string) string { return customersPath + "/" + url.PathEscape(id) }

// customerFlags are the fields of a customer.
var customerFlags = []fieldFlag{
	{"name", "name", text, "a name for people"},
	{"email", "email", text, "address that gets mail when endpoints or runs fail and deliveries are given up"},
	{"time-zone", "time_zone", text, "such as America/Chicago (default UTC)"},
	{"normal", "schedules.normal", text, "when normal alerts run, as cron of five fields (default '0 7 * * *')"},
	{"hot", "schedules.hot", text, "when hot alerts run (default '*/15 * * * *')"},
	{"locations", "locations", document, `JSON file of its sites, [{"uuid":"…","name":"…","hardware":"vertx|mercury"}]; - for stdin`},
	{"customer-id", "customer_id", number, "its number, in GenLogs payloads (default: CUSTOMER or --name where that is a number, else one is made); for operators"},
	{"quota", "quotas", amounts, "a bound of its own in place of the setting, as NAME=NUMBER, repeatable: endpoints=20000 (0: without limit; NAME= brings the setting back); for operators"},
}

func (a *app) customerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "customer",
		Short:   "Manage customers: whom endpoints and alerts belong to",
		Example: "  postrider customer list\n  postrider customer edit acme --time-zone America/Chicago --email ops@example.com",
	}
	c.AddCommand(a.customerList(), a.customerShow(), a.customerAdd(), a.customerEdit(), a.customerUsage())
	return c
}

func (a *app) customerAdd() *cobra.Command {
	c := &cobra.Command{
		Use:     "add CUSTOMER",
		Short:   "Add a customer (one also comes to be with its first endpoint or alert)",
		Example: "  postrider customer add acme --name 'Acme Inc' --time-zone America/Chicago --normal '0 6 * * mon-fri'",
		Args:    arguments("CUSTOMER"),
		RunE: func(c *cobra.Command, args []string) error {
			body, err := a.fieldBody(c, customerFlags)
			if err != nil {
				return err
			}
			body["id"] = args[0]
			return a.ask(c, http.MethodPost, customersPath, body, a.printCustomer)
		},
	}
	addFieldFlags(c, customerFlags)
	return c
}

func (a *app) customerEdit() *cobra.Command {
	c := &cobra.Command{
		Use:     "edit CUSTOMER",
		Short:   "Change a customer; what is not named stays, '' brings a default back",
		Example: "  postrider customer edit acme --hot '*/5 * * * *' --email ''",
		Args:    arguments("CUSTOMER"),
		RunE: func(c *cobra.Command, args []string) error {
			body, err := a.fieldBody(c, customerFlags)
			if err != nil {
				return err
			}
			if len(body) == 0 {
				return usagef("nothing to change was given; see postrider customer edit --help")
			}
			return a.with(c, customerResource, args[0], func(cl *client, id string) error {
				return a.askOf(c.Context(), cl, http.MethodPatch, customerPath(id), body, a.printCustomer)
			})
		},
	}
	addFieldFlags(c, customerFlags)
	return c
}

func (a *app) customerShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show CUSTOMER",
		Short:   "Show a customer",
		Example: "  postrider customer show acme",
		Args:    arguments("CUSTOMER"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c, customerResource, args[0], func(cl *client, id string) error {
				return a.askOf(c.Context(), cl, http.MethodGet, customerPath(id), nil, a.printCustomer)
			})
		},
	}
}

func (a *app) customerList() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List customers: one's own, for operators all",
		Example: "  postrider customer list -o json",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.askAll(c, customersPath, nil, limit, a.printCustomers)
		},
	}
	c.Flags().IntVar(&limit, "limit", 10_000, "at most so many")
	return c
}

func (a *app) customerUsage() *cobra.Command {
	var all, near bool
	c := &cobra.Command{
		Use:   "usage [CUSTOMER]",
		Short: "Show what a customer uses of each quota",
		Long: `Shows how much a customer uses of each quota, its bound, and since when use has
been over 80 % of it. Rates are of the last ten seconds. Without CUSTOMER it is
the token's own; with --all, for operators, each customer's.`,
		Example: "  postrider customer usage acme\n  postrider customer usage acme -o json\n  postrider customer usage --all --near",
		Args:    arguments("[CUSTOMER]"),
		RunE: func(c *cobra.Command, args []string) error {
			path := "/v1/usage"
			switch {
			case all && len(args) > 0:
				return usagef("--all is of each customer: leave %s out", args[0])
			case near && !all:
				return usagef("--near goes with --all")
			case all:
				return a.usages(c, near)
			}
			if len(args) == 0 {
				return a.ask(c, http.MethodGet, path, nil, a.printUsage)
			}
			return a.with(c, customerResource, args[0], func(cl *client, id string) error {
				return a.askOf(c.Context(), cl, http.MethodGet, path+"?customer="+url.QueryEscape(id), nil, a.printUsage)
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "each customer's, for operators")
	c.Flags().BoolVar(&near, "near", false, "with --all: those alone that use over 80 % of a bound")
	return c
}

func (a *app) printUsage(raw json.RawMessage) error {
	usage, err := readRow[api.Usage](raw, "a customer's usage")
	if err != nil {
		return err
	}
	t := table{head: []string{"QUOTA", "USED", "BOUND", "NEAR SINCE"}}
	for i := range usage.Quotas {
		t.add(usageRow(&usage.Quotas[i])...)
	}
	return t.print(a.stdout)
}

// usages shows what each customer uses anything of, or of what it uses most.
func (a *app) usages(c *cobra.Command, near bool) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	customers, err := listAll[api.ShownCustomer](c.Context(), cl, customersPath, url.Values{"now": {"true"}}, 10_000)
	if err != nil {
		return err
	}
	all := []api.Usage{}
	for i := range customers {
		used := slices.DeleteFunc(customers[i].Use, func(q transport.QuotaUse) bool { return q.Since == nil && (near || q.Used == 0) })
		if len(used) > 0 {
			all = append(all, api.Usage{Customer: customers[i].ID, Quotas: used})
		}
	}
	if a.output == "json" {
		return a.printJSON(all)
	}
	t := table{head: []string{"CUSTOMER", "QUOTA", "USED", "BOUND", "NEAR SINCE"}}
	for _, u := range all {
		for i := range u.Quotas {
			t.add(append([]any{u.Customer}, usageRow(&u.Quotas[i])...)...)
		}
	}
	return t.print(a.stdout)
}

func usageRow(q *transport.QuotaUse) []any {
	bound, since := "none", "-"
	if q.Bound > 0 {
		bound = amount(q.Bound)
	}
	if q.Since != nil {
		since = q.Since.UTC().Format(time.RFC3339)
	}
	return []any{q.Quota, amount(q.Used), bound, since}
}

// amount is a number for people: whole where it is large.
func amount(f float64) string {
	if f >= 100 || f == math.Trunc(f) {
		return grouped(uint64(math.Round(f)))
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

func (a *app) printCustomers(rows []json.RawMessage) error {
	t := table{head: []string{"ID", "NUMBER", "NAME", "EMAIL", "TIME ZONE", "NORMAL", "HOT", "LOCATIONS"}}
	for _, row := range rows {
		c, err := readRow[transport.Customer](row, "a customer")
		if err != nil {
			return err
		}
		t.add(c.ID, c.CustomerID, orDash(c.Name), orDash(c.Email), c.TimeZone, c.Schedules["normal"], c.Schedules["hot"], len(c.Locations))
	}
	return t.print(a.stdout)
}

func (a *app) printCustomer(raw json.RawMessage) error {
	c, err := readRow[transport.Customer](raw, "a customer")
	if err != nil {
		return err
	}
	lines := [][2]string{{"id", c.ID}, {"customer_id", fmt.Sprint(c.CustomerID)}, {"name", c.Name}, {"email", c.Email}, {"time zone", c.TimeZone},
		{"normal alerts run", c.Schedules["normal"]}, {"hot alerts run", c.Schedules["hot"]}}
	for _, name := range slices.Sorted(maps.Keys(c.Quotas)) {
		lines = append(lines, [2]string{"own quota", name + " " + amount(c.Quotas[name])})
	}
	for _, l := range c.Locations {
		lines = append(lines, [2]string{"location", l.UUID + " " + l.Hardware + " " + l.Name})
	}
	return a.printLines(lines)
}
