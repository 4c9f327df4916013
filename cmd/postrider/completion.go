package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// completionTimeout bounds a completion that asks the node: a shell waits.
	completionTimeout = time.Second
	// completionRows is the most that is read of a list: nobody chooses from more.
	completionRows = "500"
)

// candidates give what may stand somewhere, each as text, or text, tab and a
// description; nil where nothing is known.
type candidates func(a *app, c *cobra.Command) []string

// completions gives every command below c what the shell offers for its
// arguments, told by their names in Use, and for its flags, by theirs.
func (a *app) completions(c *cobra.Command) {
	if of := argumentCandidates(c); of != nil && c.ValidArgsFunction == nil {
		c.ValidArgsFunction = func(c *cobra.Command, given []string, begin string) ([]string, cobra.ShellCompDirective) {
			if len(given) > 0 && !strings.Contains(c.Use, "...") {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return offered(of(a, c), given, begin), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for name, of := range flagCandidates(c) {
		if c.LocalFlags().Lookup(name) == nil {
			continue
		}
		// It fails only for a flag that is not there, or was named before.
		_ = c.RegisterFlagCompletionFunc(name, func(c *cobra.Command, _ []string, begin string) ([]string, cobra.ShellCompDirective) {
			return offered(of(a, c), nil, begin), cobra.ShellCompDirectiveNoFileComp
		})
	}
	for _, sub := range c.Commands() {
		a.completions(sub)
	}
}

// offered are those of all that begin so and were not given before.
func offered(all, given []string, begin string) []string {
	var kept []string
	for _, one := range all {
		text, _, _ := strings.Cut(one, "\t")
		if strings.HasPrefix(text, begin) && !slices.Contains(given, text) {
			kept = append(kept, one)
		}
	}
	return kept
}

// argumentCandidates are those of a command's first argument.
func argumentCandidates(c *cobra.Command) candidates {
	words := strings.Fields(c.Use)
	if len(words) < 2 || c.Name() == "add" {
		return nil
	}
	switch name := strings.Trim(words[1], "[].") + " of " + c.Parent().Name(); name {
	case "ENDPOINT of endpoint":
		return liveEndpoints
	case "ALERT of alert":
		return live(alertsPath, "id", "alert_name", "alert_type")
	case "CUSTOMER of customer":
		return liveCustomers
	case "RUN of run":
		return live(runsPath, "run_id", "customer", "alert_type", "status", "started_at")
	case "ID of delivery":
		return live(deliveriesPath, "id", "customer", "state", "created_at")
	case "ID of deadletter":
		return live(lettersPath, "id", "customer", "reason", "at")
	case "TYPE of " + program:
		return eventTypes
	}
	return nil
}

var (
	liveEndpoints = live(endpointsPath, "id", "name", "url", "address")
	liveCustomers = live(customersPath, "id", "name")
)

// live asks the node for a list, and gives its rows' first field with the
// others as description. Where no node answers in time it gives nothing.
func live(path, id string, described ...string) candidates {
	return func(a *app, c *cobra.Command) []string {
		cl, err := a.client()
		if err != nil {
			return nil
		}
		ctx := c.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeout(ctx, completionTimeout)
		defer cancel()
		query := "?limit=" + completionRows
		var page struct{ Items []map[string]any }
		if _, err := cl.call(ctx, http.MethodGet, path+query, nil, &page); err != nil {
			return nil
		}
		var all []string
		for _, row := range page.Items {
			var words []string
			for _, name := range described {
				if text, _ := row[name].(string); text != "" {
					words = append(words, oneLine(text))
				}
			}
			all = append(all, strings.TrimSuffix(idText(row[id])+"\t"+cut(strings.Join(words, " "), 80), "\t"))
		}
		return all
	}
}

// idText is an id, a text or a number.
func idText(v any) string {
	if text, ok := v.(string); ok {
		return oneLine(text)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
