package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/manifest"
	"github.com/postrider/postrider/cmd/postrider/migrate"
)

func (a *app) importCommand() *cobra.Command {
	var how applyFlags
	var customer string
	c := &cobra.Command{
		Use:   "import " + strings.Join(migrate.Sources, "|") + " FILE",
		Short: "Take over endpoints from Svix, Convoy or Outpost",
		Long: `Reads what another sender's API lists (its answer as it is, or the list alone),
shows for each endpoint what carries over and what does not, then what would
change here, asks, and applies it, as postrider apply does. An endpoint is known
by customer and name, so a second import changes what has changed there.

  svix     GET /api/v1/app/APP/endpoint/. Secrets are listed apart: put the answer
           of .../endpoint/ID/secret/ under "secret" of its endpoint
  convoy   GET /api/v1/projects/PROJECT/endpoints, alone or, so that event types
           carry over, as {"endpoints": ANSWER, "subscriptions": ANSWER}
  outpost  GET /api/v1/tenants/TENANT/destinations with the admin key

docs/migration.md says what is different afterwards.`,
		Example: "  postrider import svix endpoints.json --customer acme --dry-run\n  postrider import convoy endpoints.json\n  postrider import outpost destinations.json --customer acme --yes",
		Args:    arguments(strings.Join(migrate.Sources, "|"), "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(migrate.Sources, args[0]) {
				return usagef("postrider import knows no sender %q; give one of %s", args[0], strings.Join(migrate.Sources, ", "))
			}
			if !how.yes && !how.dryRun && (!isTerminalInput(a.stdin) || args[1] == "-") {
				return usagef("postrider import asks before it changes anything, and nobody can answer here; give --yes, or --dry-run to look only")
			}
			return a.takeOver(c.Context(), args[0], args[1], customer, &how)
		},
	}
	f := c.Flags()
	f.StringVar(&customer, "customer", "", "whose they become (default: whose they are there)")
	f.BoolVarP(&how.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&how.dryRun, "dry-run", false, "show what would change, and change nothing")
	return c
}

func (a *app) takeOver(ctx context.Context, source, file, customer string, how *applyFlags) error {
	content, err := a.readFile(file, manifest.MaxFile)
	if err != nil {
		return err
	}
	found, err := migrate.Read(source, file, content, customer)
	if err != nil {
		return err
	}
	w := a.stdout
	if a.output == "json" {
		w = a.stderr // the plan alone is JSON
	}
	var docs []*manifest.Document
	for _, e := range found.Endpoints {
		docs = append(docs, e.Document)
		fmt.Fprintf(w, "%s (%s)\n", oneLine(e.Document.Label()), oneLine(e.Origin))
		for _, text := range e.Carried {
			fmt.Fprintf(w, "  = %s\n", oneLine(text))
		}
		for _, text := range e.Lost {
			fmt.Fprintf(w, "  ! %s\n", oneLine(text))
		}
	}
	for _, text := range found.Skipped {
		fmt.Fprintf(w, "skipped %s\n", oneLine(text))
	}
	if len(docs) == 0 {
		return fmt.Errorf("%s has no endpoint that can be taken over", file)
	}
	fmt.Fprintln(w)
	return a.apply(ctx, docs, how)
}
