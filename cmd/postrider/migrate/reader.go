package migrate

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/postrider/postrider/transport"
)

// reader makes one endpoint of one object, and notes what it looked at.
type reader struct {
	o             map[string]any
	used          map[string]bool
	subscriptions []map[string]any
	e             *Endpoint
}

func (r *reader) carried(format string, args ...any) {
	r.e.Carried = append(r.e.Carried, fmt.Sprintf(format, args...))
}

func (r *reader) lost(format string, args ...any) {
	r.e.Lost = append(r.e.Lost, fmt.Sprintf(format, args...))
}

func (r *reader) label(i int) string {
	if r.e.Origin != "" {
		return cut(r.e.Origin, 100)
	}
	return fmt.Sprintf("endpoint %d", i+1)
}

// pass marks fields that say nothing about deliveries.
func (r *reader) pass(names ...string) {
	for _, name := range names {
		r.used[name] = true
	}
}

// value is the first of names that is there.
func (r *reader) value(names ...string) any {
	r.pass(names...)
	for _, name := range names {
		if v := r.o[name]; v != nil {
			return v
		}
	}
	return nil
}

func (r *reader) text(names ...string) string {
	text, _ := r.value(names...).(string)
	return strings.TrimSpace(text)
}

func (r *reader) flag(names ...string) bool {
	flag, _ := r.value(names...).(bool)
	return flag
}

func (r *reader) number(names ...string) float64 {
	n, _ := r.value(names...).(json.Number)
	f, _ := n.Float64()
	return f
}

func (r *reader) object(names ...string) map[string]any {
	o, _ := r.value(names...).(map[string]any)
	return o
}

func (r *reader) set(field string, value any) { r.e.Document.Fields[field] = value }

func (r *reader) delivery(field string, value any) {
	d, there := r.e.Document.Fields["delivery"].(map[string]any)
	if !there {
		d = map[string]any{}
		r.set("delivery", d)
	}
	d[field] = value
}

func (r *reader) header(name, value string) {
	h, there := r.e.Document.Fields["headers"].(map[string]any)
	if !there {
		h = map[string]any{}
		r.set("headers", h)
	}
	h[name] = value
}

// target takes the URL; a note where it will be refused.
func (r *reader) target(address string) {
	r.set("url", address)
	if !strings.HasPrefix(strings.ToLower(address), "https://") {
		r.lost("url: it is not https, which a production node refuses")
	}
}

// secret takes the key that receivers verify with.
func (r *reader) secret(value string) {
	const least = 16
	switch {
	case value == "":
		r.lost("secret: it is not in the export; a new one is made, and the receiver must get it")
	case len(value) < least:
		r.lost("secret: it has under %d bytes; a new one is made, and the receiver must get it", least)
	default:
		r.set("secret", value)
		r.carried("secret: the same; receivers go on verifying with it")
	}
}

// events takes event types; none at all, or *, are all there are.
func (r *reader) events(types []any) {
	var patterns []any
	all := len(types) == 0
	for _, t := range types {
		text, _ := t.(string)
		switch text = strings.TrimSpace(text); {
		case text == "*":
			all = true
		case transport.CheckPattern(text) != nil:
			r.lost("events: %q is no type or pattern here; it is left out", cut(text, 100))
		default:
			patterns = append(patterns, text)
		}
	}
	switch {
	case all:
		r.set("events", []any{">"})
		r.carried("events: all")
	case len(patterns) == 0:
		r.set("enabled", false)
		r.lost("events: none of its types can be one here; it is switched off until it has some")
	default:
		r.set("events", patterns)
		r.carried("events: %d types", len(patterns))
	}
}

// headers takes fixed headers. What looks like an expression is one here.
func (r *reader) headers(from map[string]any) {
	for name, v := range from {
		value, is := v.(string)
		if !is || strings.Contains(value, "${") {
			r.lost("header %s: its value cannot stand in one here as it is", cut(name, 100))
			continue
		}
		r.header(name, value)
		r.carried("header %s", cut(name, 100))
	}
}
