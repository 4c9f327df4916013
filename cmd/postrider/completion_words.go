package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/payload"
	"github.com/postrider/postrider/transport/payload/catalogue"
)

func words(list ...string) candidates {
	return func(*app, *cobra.Command) []string { return list }
}

// flagCandidates are what may stand behind flags, by their names. A name that
// means something else for some commands is told apart by the command.
func flagCandidates(c *cobra.Command) map[string]candidates {
	all := map[string]candidates{
		"output":              words("table", "json"),
		"customer":            liveCustomers,
		"endpoint":            liveEndpoints,
		"profile":             words("standard", "genea", "genlogs", "custom"),
		"version":             words("v1", "v2", "v3"),
		"format":              words("standard", "cloudevents", "raw", "genea", "genlogs"),
		"scheme":              words("standard", "sequr", "genlogs", "hmac", "none"),
		"events":              patterns,
		"role":                words(api.Roles()...),
		"recipe":              recipes,
		"kind":                words("webhook", "email"),
		"body-mode":           words("replace", "merge"),
		"signature-algorithm": words("sha1", "sha256", "sha512"),
		"signature-encoding":  words("hex", "base64"),
		"success":             words("200", "2xx"),
		"match":               words("all", "any"),
		"type":                eventTypes,
		"cancel":              live("/v1/replays", "id", "state"),
	}
	if path := c.CommandPath(); strings.Contains(path, " alert") || strings.Contains(path, " run") {
		all["type"] = words("normal", "hot", "live")
	}
	if c.CommandPath() == program+" delivery list" || c.CommandPath() == program+" delivery replay" {
		all["status"] = words("waiting", "retrying", "delivered", "dead_lettered", "skipped", "failed", "throttled", "gone", "refused")
	}
	return all
}

func eventTypes(*app, *cobra.Command) []string {
	var all []string
	for _, e := range catalogue.All() {
		all = append(all, e.Type+"\t"+oneLine(e.Description))
	}
	return all
}

// patterns are the event types, and each of their beginnings with the rest
// left open.
func patterns(a *app, c *cobra.Command) []string {
	all := []string{">"}
	for _, e := range catalogue.All() {
		for at, r := range e.Type {
			if begin := e.Type[:at] + ".>"; r == '.' && !slices.Contains(all, begin) {
				all = append(all, begin)
			}
		}
	}
	return append(all, eventTypes(a, c)...)
}

func recipes(*app, *cobra.Command) []string {
	var all []string
	for _, r := range payload.Recipes() {
		all = append(all, r.Name)
	}
	return all
}
