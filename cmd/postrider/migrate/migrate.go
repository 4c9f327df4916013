package migrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/postrider/postrider/cmd/postrider/manifest"
)

// Endpoint is one of another sender's.
type Endpoint struct {
	// Document is it as apply takes it. Its secrets are values, not references.
	Document *manifest.Document
	// Origin is the other sender's id for it.
	Origin string
	// Carried and Lost tell, in words, what is the same here and what is not.
	Carried, Lost []string
}

// Result is what a file held.
type Result struct {
	Endpoints []*Endpoint
	// Skipped tells of those that are no webhooks, or cannot be read.
	Skipped []string
}

// Sources are the senders that Read knows.
var Sources = []string{"svix", "convoy", "outpost"}

// readers make an endpoint of one object; a reason where it is none of ours.
var readers = map[string]func(*reader) (skip string){"svix": svix, "convoy": convoy, "outpost": outpost}

// maxFile bounds an export, in bytes, maxEndpoints what is in it.
const (
	maxFile      = 32 << 20
	maxEndpoints = 100_000
	maxName      = 200
)

// Read makes documents of what the API of source (one of Sources) lists: the
// answer as it is, its list alone, or several of either, one after the other.
// customer is whose they become; empty: whose they are there.
func Read(source, file string, content []byte, customer string) (*Result, error) {
	read, known := readers[source]
	if !known {
		return nil, fmt.Errorf("no sender %q is known; give one of %s", source, strings.Join(Sources, ", "))
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes; split it", file, maxFile)
	}
	objects, subscriptions, err := listed(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	all := &Result{}
	for i, o := range objects {
		r := &reader{o: o, used: map[string]bool{}, subscriptions: subscriptions,
			e: &Endpoint{Document: &manifest.Document{Kind: manifest.Endpoint, File: file, Number: i + 1, Fields: map[string]any{}}}}
		r.e.Origin = r.text("id", "uid")
		if skip := read(r); skip != "" {
			all.Skipped = append(all.Skipped, fmt.Sprintf("%s: %s", r.label(i), skip))
			continue
		}
		if err := r.finish(customer); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, r.label(i), err)
		}
		all.Endpoints = append(all.Endpoints, r.e)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s holds no endpoint; give the answer of the API that lists them, see postrider import --help", file)
	}
	distinct(all.Endpoints)
	return all, nil
}

// wrappings are the names under which answers hold their lists.
var wrappings = []string{"data", "content", "endpoints", "destinations", "models", "items"}

// listed finds the objects in whatever they are wrapped in; subscriptions, of
// Convoy, are kept apart.
func listed(content []byte) (objects, subscriptions []map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	for d.More() {
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, nil, errors.New("not JSON; give the answer of the API that lists endpoints")
		}
		if o, is := v.(map[string]any); is {
			subscriptions = append(subscriptions, flat(o["subscriptions"], 0)...)
			delete(o, "subscriptions")
		}
		if objects = append(objects, flat(v, 0)...); len(objects) > maxEndpoints {
			return nil, nil, fmt.Errorf("more than %d endpoints; split it", maxEndpoints)
		}
	}
	return objects, subscriptions, nil
}

func flat(v any, depth int) []map[string]any {
	const deepest = 6
	switch v := v.(type) {
	case []any:
		var all []map[string]any
		for _, item := range v {
			if depth < deepest {
				all = append(all, flat(item, depth+1)...)
			}
		}
		return all
	case map[string]any:
		for _, name := range wrappings {
			_, list := v[name].([]any)
			_, object := v[name].(map[string]any)
			if (list || object) && v["url"] == nil && v["config"] == nil && depth < deepest {
				return flat(v[name], depth+1)
			}
		}
		return []map[string]any{v}
	}
	return nil
}

// finish sees to what all have: whose it is, a name, what was left over.
func (r *reader) finish(customer string) error {
	d := r.e.Document
	if customer != "" {
		d.Customer = customer
	}
	if d.Customer = identifier(d.Customer); d.Customer == "" {
		return errors.New("it does not say whose it is; give --customer")
	}
	target, _ := d.Fields["url"].(string)
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return errors.New("its url is no address with a host")
	}
	if d.Name == "" {
		d.Name = u.Host
	}
	d.Name = cut(d.Name, maxName)
	for _, name := range slices.Sorted(maps.Keys(r.o)) {
		if !r.used[name] && means(r.o[name]) {
			r.lost("%s: there is nothing like it here", name)
		}
	}
	return nil
}

// distinct gives endpoints of one customer different names: apply finds a
// thing again by its name.
func distinct(all []*Endpoint) {
	seen := map[string]int{}
	for _, e := range all {
		seen[e.Document.Customer+"\n"+e.Document.Name]++
	}
	for _, e := range all {
		d := e.Document
		if seen[d.Customer+"\n"+d.Name] > 1 && e.Origin != "" {
			d.Name = cut(d.Name, maxName-len(e.Origin)-3) + " (" + e.Origin + ")"
		}
		d.Fields["name"] = d.Name
	}
}

// identifier is text as a customer's id: what may not stand in one is an
// underscore.
func identifier(text string) string {
	text = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, text)
	return text[:min(len(text), 64)]
}

func cut(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "�"))
	return string(runes[:min(len(runes), max(most, 1))])
}

// means tells whether a value says anything.
func means(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		return v.String() != "0"
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}
