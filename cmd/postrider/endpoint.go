package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
)

const endpointsPath = "/v1/endpoints"

func (a *app) endpointCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "endpoint",
		Short:   "Manage endpoints: who gets deliveries, and how",
		Example: "  postrider endpoint add --customer acme --url https://example.com/hook\n  postrider endpoint list",
	}
	c.AddCommand(a.endpointAdd(), a.endpointList(), a.endpointShow(), a.endpointEdit(), a.endpointRemove(),
		a.endpointTest(), a.endpointSecret(), a.endpointRotate(), a.endpointPause(), a.endpointResume())
	return c
}

func (a *app) endpointAdd() *cobra.Command {
	var customer, from string
	c := &cobra.Command{
		Use:   "add",
		Short: "Add an endpoint; its secret is printed this once",
		Long: `Adds an endpoint and prints it, with its secret. On a terminal, without --url and
--recipe, it asks for customer, name, URL, profile and version where these were
not given. With a --from in the past, the events since then that are still kept
are delivered too.`,
		Example: `  postrider endpoint add --customer acme --url https://example.com/hook
  postrider endpoint add --customer acme --url https://example.com/genea --profile genea --version v2
  postrider endpoint add --customer acme --url https://example.com/x --profile custom --scheme hmac \
      --signature-header X-Acme --signature-algorithm sha256 --events 'access.>' --header 'X-Team=doors' --schedule 10s,1m,1h
  postrider endpoint add --customer acme --recipe datadog-logs --set api_key=0123 --set site=datadoghq.eu
  postrider endpoint add --customer acme --url https://example.com/hook --from 2026-01-01T00:00:00Z`,
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			body, err := a.endpointBody(c)
			if err != nil {
				return err
			}
			if body, err = withRecipe(c, body); err != nil {
				return err
			}
			if customer != "" {
				body["customer"] = customer
			}
			if err := a.completeEndpoint(body); err != nil {
				return err
			}
			if err := setFrom(body, from); err != nil {
				return err
			}
			if secret, err := a.secretFrom(c); err != nil {
				return err
			} else if secret != "" {
				body["secret"] = secret
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			return a.changeEndpoint(c.Context(), cl, http.MethodPost, endpointsPath, body)
		},
	}
	addEndpointFlags(c)
	addRecipeFlags(c)
	addSecretFlags(c)
	c.Flags().StringVar(&customer, "customer", "", "the customer whose events it gets (default the token's)")
	c.Flags().StringVar(&from, "from", "", "events from this time on (RFC 3339), in the past too as far as they are kept (default now)")
	return c
}

// completeEndpoint asks for what a new endpoint lacks, where somebody can answer.
func (a *app) completeEndpoint(body map[string]any) error {
	if body["url"] == nil && canAnswer(a.stdin) {
		if err := a.askFor(body, endpointQuestions); err != nil && !errors.Is(err, errNoAnswer) {
			return err
		}
	}
	if body["url"] == nil {
		return usagef("postrider endpoint add needs --url, or a --recipe; see postrider endpoint add --help")
	}
	return nil
}

// setFrom checks --from and puts it in.
func setFrom(body map[string]any, from string) error {
	values := url.Values{}
	if err := setTime(values, "from", from); err != nil {
		return err
	}
	if from != "" {
		body["from"] = values.Get("from")
	}
	return nil
}

func (a *app) endpointEdit() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "edit ENDPOINT",
		Short: "Change an endpoint; what is not named stays",
		Long: `Changes an endpoint and prints what that changes, and the endpoint. What is not
named stays, but for one thing: another --profile or --version brings its own
format, events, signature, schedule and success, where these were never named
for this endpoint. --dry-run shows what would change.`,
		Example: "  postrider endpoint edit 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --timeout 30s --no-retries\n  postrider endpoint edit 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --profile genea --dry-run",
		Args:    arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			body, err := a.endpointBody(c)
			if err != nil {
				return err
			}
			if len(body) == 0 {
				return usagef("nothing to change was given; see postrider endpoint edit --help")
			}
			return a.withEndpoint(c, args[0], func(cl *client, id string) error {
				path := endpointPath(id, "")
				if dry {
					path += "?dry_run=true"
				}
				return a.changeEndpoint(c.Context(), cl, http.MethodPatch, path, body)
			})
		},
	}
	addEndpointFlags(c)
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would change, and change nothing")
	return c
}

// endpointAnswer is an endpoint as the API answers it; Secret is there after
// create and rotate only.
type endpointAnswer struct {
	transport.Endpoint
	Secret    string   `json:"secret,omitempty"`
	PublicKey string   `json:"public_key,omitempty"`
	Replay    string   `json:"replay,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Changes   []struct {
		Field    string
		From, To json.RawMessage
	} `json:"changes,omitempty"`
	ChangedUnseen []string `json:"changed_unseen,omitempty"`
}

// printChanges shows what a change changes, line by line.
func (a *app) printChanges(e *endpointAnswer) {
	for _, change := range e.Changes {
		fmt.Fprintf(a.stdout, "%s: %s -> %s\n", oneLine(change.Field), oneLine(cmp.Or(string(change.From), "unset")), oneLine(cmp.Or(string(change.To), "unset")))
	}
	for _, field := range e.ChangedUnseen {
		fmt.Fprintf(a.stdout, "%s: another value\n", oneLine(field))
	}
	if len(e.Changes)+len(e.ChangedUnseen) > 0 {
		fmt.Fprintln(a.stdout)
	}
}

func endpointPath(id, rest string) string { return endpointsPath + "/" + url.PathEscape(id) + rest }

// withEndpoint is do for the endpoint that given means.
func (a *app) withEndpoint(c *cobra.Command, given string, do func(cl *client, id string) error) error {
	return a.with(c, endpointResource, given, do)
}

func (a *app) changeEndpoint(ctx context.Context, cl *client, method, path string, body any) error {
	var raw json.RawMessage
	status, err := cl.call(ctx, method, path, body, &raw)
	if err != nil {
		return err
	}
	var e endpointAnswer
	if err := json.Unmarshal(raw, &e); err != nil && a.output != "json" {
		return fmt.Errorf("%s gave an endpoint that cannot be read (%w); use the same version as the node", cl.base, err)
	}
	for _, warning := range e.Warnings {
		fmt.Fprintf(a.stderr, "warning: %s\n", oneLine(warning))
	}
	if a.output == "json" {
		return a.printJSON(raw)
	}
	a.printChanges(&e)
	a.printEndpoint(&e.Endpoint)
	if e.PublicKey != "" {
		fmt.Fprintf(a.stdout, "%-12s %s\n", "public key", oneLine(e.PublicKey))
	}
	if e.Secret != "" {
		fmt.Fprintf(a.stdout, "\nsecret       %s\n             keep it now: list and show do not show it (endpoint secret does)\n", oneLine(e.Secret))
	}
	if e.Replay != "" {
		fmt.Fprintf(a.stdout, "\nthe events since then are delivered by replay %s; %s delivery replay --cancel %s ends it\n", oneLine(e.Replay), program, oneLine(e.Replay))
	}
	if status == http.StatusAccepted {
		fmt.Fprintln(a.stdout, "\nstored; it takes effect within some seconds")
	}
	return nil
}

func (a *app) endpointShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show ENDPOINT",
		Short:   "Show an endpoint",
		Example: "  postrider endpoint show 6f9619ff-8b86-4d01-b42d-00cf4fc964ff -o json",
		Args:    arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withEndpoint(c, args[0], func(cl *client, id string) error {
				return a.changeEndpoint(c.Context(), cl, http.MethodGet, endpointPath(id, ""), nil)
			})
		},
	}
}

func (a *app) endpointList() *cobra.Command {
	var customer, kind string
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List endpoints",
		Example: "  postrider endpoint list --customer acme\n  postrider endpoint list --kind email",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			query := url.Values{}
			if customer != "" {
				query.Set("customer", customer)
			}
			if kind != "" {
				query.Set("kind", kind)
			}
			rows, err := listAll[json.RawMessage](c.Context(), cl, endpointsPath, query, limit)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(orEmpty(rows))
			}
			return a.printEndpoints(rows)
		},
	}
	c.Flags().StringVar(&customer, "customer", "", "this customer's only")
	c.Flags().StringVar(&kind, "kind", "", "webhook (the default), or email: the mailboxes made from the addresses of alerts")
	c.Flags().IntVar(&limit, "limit", 10_000, "at most so many")
	return c
}

func (a *app) printEndpoints(rows []json.RawMessage) error {
	t := table{head: []string{"ID", "CUSTOMER", "NAME", "URL", "PROFILE", "EVENTS", "STATE"}}
	for _, row := range rows {
		var e transport.Endpoint
		if err := json.Unmarshal(row, &e); err != nil {
			return fmt.Errorf("an endpoint cannot be read (%w); use the same version as the node, or -o json", err)
		}
		t.add(e.ID, e.Customer, e.Name, cmp.Or(e.URL, e.Address), cmp.Or(e.Profile, e.Kind), firstOf(e.Events), e.Shown())
	}
	return t.print(a.stdout)
}

// firstOf is a list as a table has room for it.
func firstOf(list []string) string {
	const room = 3
	if len(list) <= room {
		return strings.Join(list, " ")
	}
	return fmt.Sprintf("%s +%d", strings.Join(list[:room], " "), len(list)-room)
}

func (a *app) endpointRemove() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "remove ENDPOINT",
		Short: "Remove an endpoint; what waits for it becomes dead letters",
		Long: `Removes an endpoint, its secret and its settings. What waits for it becomes dead
letters, endpoint_removed. It first tells what it is and how much waits, and asks.`,
		Example: "  postrider endpoint remove 6f9619ff-8b86-4d01-b42d-00cf4fc964ff\n  postrider endpoint remove 'Front desk' --yes",
		Args:    arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withEndpoint(c, args[0], func(cl *client, id string) error {
				var e transport.Endpoint
				if _, err := cl.call(c.Context(), http.MethodGet, endpointPath(id, ""), nil, &e); err != nil {
					return err
				}
				what := fmt.Sprintf("the endpoint %s of %s will be removed; %s for it", oneLine(cmp.Or(e.Name, e.URL, e.Address)), e.Customer,
					counted(uint64(max(0, e.Waiting)), "event waits", "events wait"))
				return a.remove(c.Context(), cl, endpointPath(id, ""), id, what, yes)
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) printEndpoint(e *transport.Endpoint) {
	line := func(name string, value any) {
		if text := oneLine(fmt.Sprint(value)); text != "" && text != "0" {
			fmt.Fprintf(a.stdout, "%-12s %s\n", name, text)
		}
	}
	line("id", e.ID)
	line("customer", e.Customer)
	line("name", e.Name)
	line("description", e.Description)
	line("address", e.Address)
	line("url", e.URL)
	line("enabled", e.Enabled)
	line("profile", strings.TrimSpace(e.Profile+" "+e.Version))
	line("format", e.Format)
	line("events", strings.Join(e.Events, " "))
	line("filter", e.Filter)
	if len(e.Body) > 0 {
		line("body", strings.TrimSpace(e.BodyMode+" "+string(e.Body)))
	}
	line("signature", strings.Join(strings.Fields(e.Signature.Scheme+" "+e.Signature.Header+" "+e.Signature.Algorithm+" "+e.Signature.Encoding), " "))
	line("headers", strings.Join(headerNames(e.Headers), " "))
	line("delivery", deliveryText(&e.Delivery))
	line("state", strings.TrimSpace(e.Shown()+" "+e.StateReason))
	line("waiting", e.Waiting)
}
