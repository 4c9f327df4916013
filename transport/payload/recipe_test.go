package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// given are values for the parameters that have no default.
var given = map[string]map[string]string{
	"datadog-logs":   {"api_key": "k3y"},
	"datadog-events": {"api_key": "k3y"},
	"slack":          {"url": "https://hooks.slack.com/services/T0/B0/x"},
	"teams":          {"url": "https://prod-01.westus.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=x"},
	"pagerduty":      {"routing_key": "0123456789abcdef0123456789abcdef"},
	"splunk-hec":     {"host": "http-inputs-acme.splunkcloud.com", "token": "t0ken"},
	"opsgenie":       {"api_key": "k3y"},
}

// ofRecipe is the endpoint that a recipe makes, as the API would keep it.
func ofRecipe(t *testing.T, r *Recipe, values map[string]string) *transport.Endpoint {
	t.Helper()
	filled, err := r.Fill(values)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(filled)
	if err != nil {
		t.Fatal(err)
	}
	ep := &transport.Endpoint{ID: "ep-1", Customer: "acme", Enabled: true}
	if err := json.Unmarshal(raw, ep); err != nil {
		t.Fatal(err)
	}
	ep.ApplyDefaults()
	return ep
}

func TestEachRecipeMakesAnEndpoint(t *testing.T) {
	if len(Recipes()) != len(given) {
		t.Errorf("%d recipes, %d of them tried", len(Recipes()), len(given))
	}
	for i := range Recipes() {
		r := &Recipes()[i]
		ep := ofRecipe(t, r, given[r.Name])
		if err := ep.Validate(false); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		if err := Check(ep, event(access), event(audit), event(`{}`)); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		if w := Warnings(ep); len(w) > 0 {
			t.Errorf("%s warns of itself: %v", r.Name, w)
		}
		if r.Name != "splunk-hec" || ep.URL == "https://http-inputs-acme.splunkcloud.com/services/collector/event" {
			continue
		}
		t.Errorf("%s: %s", r.Name, ep.URL)
	}
}

// TestParametersStandWhereTheyMay: inside of an expression only what a pattern
// keeps plain, and none that would make an escape of what follows.
func TestParametersStandWhereTheyMay(t *testing.T) {
	for i := range Recipes() {
		r := &Recipes()[i]
		patterns := map[string]string{}
		for _, p := range r.Parameters {
			patterns[p.Name] = p.Pattern
			if !strings.Contains(string(r.Endpoint), "{{"+p.Name+"}}") {
				t.Errorf("%s: %s is nowhere used", r.Name, p.Name)
			}
		}
		for _, at := range placeholder.FindAllString(string(r.Endpoint), -1) {
			if _, known := patterns[at[2:len(at)-2]]; !known {
				t.Errorf("%s: %s is no parameter", r.Name, at)
			}
		}
		if strings.Contains(string(r.Endpoint), "}}${") {
			t.Errorf("%s: a parameter stands right before an expression", r.Name)
		}
		for _, inside := range regexp.MustCompile(`\$\{[^"]*?'\{\{([a-z_]+)\}\}'`).FindAllStringSubmatch(string(r.Endpoint), -1) {
			if p := patterns[inside[1]]; p == "" || regexp.MustCompile("^(?:"+p+")$").MatchString("'") {
				t.Errorf("%s: %s stands in an expression", r.Name, inside[1])
			}
		}
	}
}

func TestParametersThatAreRefused(t *testing.T) {
	for _, c := range []struct{ recipe, name, value, message string }{
		{"datadog-logs", "api_key", "", "missing"},
		{"datadog-logs", "api_key", "s3cret\n", "has a control character"},
		{"datadog-logs", "api_key", strings.Repeat("s3cret", 1000), "6000 bytes long"},
		{"datadog-logs", "site", "s3cret/x", "does not look like it"},
		{"datadog-logs", "colour", "red", "is no parameter of the recipe datadog-logs; it takes api_key, site, service"},
		{"pagerduty", "routing_key", "s3cret", "does not look like it"},
		{"slack", "url", "http://s3cret", "does not look like it"},
	} {
		r, err := RecipeNamed(c.recipe)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{c.name: c.value}
		for name, value := range given[c.recipe] {
			if name != c.name {
				values[name] = value
			}
		}
		_, err = r.Fill(values)
		var wrong *transport.FieldError
		if !errors.As(err, &wrong) || wrong.Field != "set."+c.name || !strings.HasPrefix(wrong.Message, c.message) {
			t.Errorf("%v; want set.%s: %s", err, c.name, c.message)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v tells a value", err)
		}
	}
	if _, err := RecipeNamed("fax"); err == nil || !strings.Contains(err.Error(), "choose datadog-events, datadog-logs, ") {
		t.Errorf("%v", err)
	}
}

func TestAParameterIsNoExpression(t *testing.T) {
	r, err := RecipeNamed("datadog-logs")
	if err != nil {
		t.Fatal(err)
	}
	ep := ofRecipe(t, r, map[string]string{"api_key": "a${event.id}{{site}}", "service": "s${1}"})
	renderer, err := New(ep)
	if err != nil {
		t.Fatal(err)
	}
	body, err := renderer.Body(event(`{}`))
	if err != nil || !strings.Contains(string(body), `"service":"s${1}"`) || renderer.FixedHeaders()["DD-API-KEY"] != "a${event.id}{{site}}" {
		t.Errorf("%s, %v, %v", body, renderer.FixedHeaders(), err)
	}
}

func TestWarnings(t *testing.T) {
	for url, warned := range map[string]bool{
		"https://http-intake.logs.datadoghq.eu/api/v2/logs":           true,
		"https://API.us5.datadoghq.com/api/v1/events":                 true,
		"https://events.pagerduty.com/v2/enqueue":                     true,
		"https://api.eu.opsgenie.com/v2/alerts":                       true,
		"https://prod-7.westeurope.logic.azure.com/workflows/x":       true,
		"https://hooks.slack.com/services/x":                          false,
		"https://http-inputs-acme.splunkcloud.com/services/collector": false,
		"https://example.com/events.pagerduty.com":                    false,
	} {
		for _, success := range []string{"200", "2xx"} {
			w := Warnings(&transport.Endpoint{URL: url, Delivery: transport.Delivery{Success: success}})
			if want := warned && success == "200"; len(w) > 0 != want {
				t.Errorf("%s with %s: %q", url, success, w)
			}
		}
	}
}

// TestTheRecipesDocument: docs/recipes.md is made of the recipes' files.
func TestTheRecipesDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Recipes

An endpoint for a well-known service in one command. What differs from user to user is given by ` + "`--set`" + `; any other flag of ` + "`endpoint add`" + ` changes what the recipe says.

` + "```sh\n" + `postrider endpoint add --customer acme --recipe datadog-logs --set api_key=… --set site=datadoghq.eu
postrider endpoint test <id> --dry-run      # the request, without sending it
` + "```\n" + `
` + "`GET /v1/recipes`" + ` has the same as JSON. How the expressions in bodies work is in [templates.md](templates.md). This page is made from transport/payload/recipes by ` + "`make docs`" + `.

| recipe | service | answers |
|---|---|---|
`)
	for _, r := range Recipes() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %d |\n", r.Name, r.Name, r.Title, r.Answers)
	}
	b.WriteString("\nThe services answer with these statuses to what they take. Where `delivery.success` is 200 and the service answers 202, create and edit warn.\n\nA key that belongs into a header is sealed at rest and shown nowhere. One that the service wants in the body or the URL (PagerDuty, Slack, Teams) is shown to whoever may see the endpoint.\n")
	for _, r := range Recipes() {
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s [Reference](%s)\n\n| parameter | what | default |\n|---|---|---|\n", r.Name, r.Title, r.Description, r.Reference)
		for _, p := range r.Parameters {
			what := p.Description
			if p.Secret {
				what += " (secret)"
			}
			fallback := p.Default
			if fallback == "" {
				fallback = "none: must be given"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, what, fallback)
		}
		var pretty strings.Builder
		e := json.NewEncoder(&pretty)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(r.Endpoint); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n```json\n%s```\n", pretty.String())
	}
	sameFile(t, filepath.Join("..", "..", "docs", "recipes.md"), b.String())
}

// sameFile compares with a file, or writes it with -update.
func sameFile(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the recipes say; write it anew with -update", file)
	}
}
