package payload

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/postrider/postrider/transport"
)

// Recipe is an endpoint for a well-known service, but for what only its user knows.
type Recipe struct {
	Name        string      `json:"name"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Reference   string      `json:"reference" doc:"The service's own documentation"`
	Parameters  []Parameter `json:"parameters"`
	// Hosts are patterns of the service's hosts; * stands for any run of characters.
	Hosts []string `json:"hosts"`
	// Answers is the status with which the service takes a delivery.
	Answers int `json:"answers"`
	// Endpoint is the JSON to create, with {{name}} where a parameter belongs.
	Endpoint json.RawMessage `json:"endpoint"`
}

// Parameter is what a user fills in.
type Parameter struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Default     string `json:"default,omitempty" doc:"Where there is none, a value must be given"`
	Pattern     string `json:"pattern,omitempty" doc:"A regular expression that the whole value must match"`
	Secret      bool   `json:"secret,omitempty"`
}

//go:embed recipes/*.json
var recipeFiles embed.FS

// recipes are read once; a file that is wrong is found by every test.
var recipes = sync.OnceValue(func() []Recipe {
	entries, err := recipeFiles.ReadDir("recipes")
	if err != nil {
		panic(err)
	}
	all := make([]Recipe, len(entries))
	for i, entry := range entries {
		raw, err := recipeFiles.ReadFile("recipes/" + entry.Name())
		if err != nil {
			panic(err)
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&all[i]); err != nil {
			panic(entry.Name() + ": " + err.Error())
		}
	}
	return all
})

// Recipes are all there are, by name. They are shared and not to be changed.
func Recipes() []Recipe { return recipes() }

// RecipeNamed gives one; the *transport.FieldError lists the names there are.
func RecipeNamed(name string) (*Recipe, error) {
	names := make([]string, len(recipes()))
	for i := range recipes() {
		if names[i] = recipes()[i].Name; names[i] == name {
			return &recipes()[i], nil
		}
	}
	return nil, &transport.FieldError{Field: "recipe", Message: "there is none of that name; choose " + strings.Join(names, ", ")}
}

const maxParameter = 2048

// Fill gives the JSON object of the endpoint with values in it. The
// *transport.FieldError names set.<parameter> and never holds a value.
func (r *Recipe) Fill(values map[string]string) (map[string]any, error) {
	filled := map[string]string{}
	for _, p := range r.Parameters {
		value, given := values[p.Name]
		if !given {
			value = p.Default
		}
		if err := p.check(value); err != nil {
			return nil, err
		}
		filled[p.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, known := filled[name]; !known {
			return nil, &transport.FieldError{Field: "set." + shownName(name), Message: "is no parameter of the recipe " + r.Name + "; it takes " + r.names()}
		}
	}
	d := json.NewDecoder(bytes.NewReader(r.Endpoint))
	d.UseNumber()
	var endpoint map[string]any
	if err := d.Decode(&endpoint); err != nil {
		return nil, err
	}
	return fill(endpoint, filled).(map[string]any), nil
}

func (r *Recipe) names() string {
	names := make([]string, len(r.Parameters))
	for i, p := range r.Parameters {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

func (p *Parameter) check(value string) error {
	wrong := func(message string) error { return &transport.FieldError{Field: "set." + p.Name, Message: message} }
	switch {
	case value == "":
		return wrong("missing; " + p.Description)
	case len(value) > maxParameter:
		return wrong(fmt.Sprintf("%d bytes long; at most %d", len(value), maxParameter))
	case strings.ContainsFunc(value, unicode.IsControl):
		return wrong("has a control character; give one line of text")
	case p.Pattern != "" && !regexp.MustCompile("^(?:"+p.Pattern+")$").MatchString(value):
		return wrong("does not look like it; " + p.Description + " (" + p.Pattern + ")")
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{\{[a-z_]+\}\}`)

// fill puts values into the strings of v. A ${ in a value stays one.
func fill(v any, values map[string]string) any {
	switch v := v.(type) {
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(at string) string {
			return strings.ReplaceAll(values[at[2:len(at)-2]], "${", "$${")
		})
	case map[string]any:
		for key, inner := range v {
			v[key] = fill(inner, values)
		}
	case []any:
		for i, inner := range v {
			v[i] = fill(inner, values)
		}
	}
	return v
}

// Warnings tells what of ep will hardly do what was meant, though nothing is
// wrong with it: a success policy that a well-known service does not answer by.
func Warnings(ep *transport.Endpoint) []string {
	u, err := url.Parse(ep.URL)
	if err != nil {
		return nil
	}
	host := strings.ToLower(u.Hostname())
	for i := range recipes() {
		r := &recipes()[i]
		if r.serves(host) && ep.Delivery.Success == "200" && r.Answers != 200 {
			return []string{fmt.Sprintf("%s (%s) answers %d to what it takes, which delivery.success 200 counts as a failure and repeats: set it to 2xx", host, r.Title, r.Answers)}
		}
	}
	return nil
}

func (r *Recipe) serves(host string) bool {
	return slices.ContainsFunc(r.Hosts, func(pattern string) bool {
		matched, _ := path.Match(pattern, host)
		return matched
	})
}
