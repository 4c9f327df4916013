package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// Writer writes documents one after the other, and keeps the names of the
// variables that it makes up apart.
type Writer struct {
	w     io.Writer
	json  bool
	count int
	names map[string]bool
}

// NewWriter writes YAML, or JSON with a document a line.
func NewWriter(w io.Writer, asJSON bool) *Writer {
	return &Writer{w: w, json: asJSON, names: map[string]bool{}}
}

// Write writes a thing as the node shows it. What is secret stands as a
// reference to an environment variable whose name is made of customer, name
// and field.
func (w *Writer) Write(kind string, shown map[string]any) error {
	t, known := shapes[kind]
	if !known {
		return fmt.Errorf("no kind of document: %s", kind)
	}
	d := trimmed(shown, t)
	d["kind"], d["id"] = kind, shown["id"]
	if kind == Endpoint {
		delete(d, "from")
		w.hide(d)
	}
	w.count++
	if w.json {
		line, err := encode(d)
		if err == nil {
			_, err = w.w.Write(line)
		}
		return err
	}
	return w.yaml(d, t)
}

// hide puts references in the place of what is secret.
func (w *Writer) hide(d map[string]any) {
	prefix := fmt.Sprint(d["customer"]) + "_"
	if name, _ := d["name"].(string); name != "" {
		prefix += name
	} else {
		prefix += fmt.Sprint(d["id"])
	}
	signature, _ := d["signature"].(map[string]any)
	if signature["scheme"] != "none" {
		d["secret"] = w.reference(prefix + "_secret")
	}
	headers, _ := d["headers"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		headers[name] = w.reference(prefix + "_" + name)
	}
	if tls, _ := d["tls"].(map[string]any); tls["client_certificate"] != nil {
		tls["client_key"] = w.reference(prefix + "_client_key")
	}
}

// reference names a variable that no other of this output has.
func (w *Writer) reference(text string) map[string]any {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, text)
	if name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	const most = 240
	name = name[:min(len(name), most)]
	unique := name
	for n := 2; w.names[unique]; n++ {
		unique = fmt.Sprintf("%s_%d", name, n)
	}
	w.names[unique] = true
	return map[string]any{"env": unique}
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

func (w *Writer) yaml(d map[string]any, t reflect.Type) error {
	n, err := nodeOf(d, orderOf(t))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if w.count > 1 {
		b.WriteString("---\n")
	}
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		return err
	}
	_, err = w.w.Write(b.Bytes())
	return err
}

// orderOf is what comes first in a document: what tells which thing it is,
// then the fields as the API has them.
func orderOf(t reflect.Type) []string {
	order := []string{"kind", "id", "customer", "name", "alert_name"}
	for i := range t.NumField() {
		if name := jsonName(t.Field(i)); name != "" && !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	return order
}

// nodeOf makes YAML of JSON: mappings in the order given, then by name; texts
// quoted where they would be read as something else.
func nodeOf(v any, order []string) (*yaml.Node, error) {
	n := &yaml.Node{}
	switch v := v.(type) {
	case json.RawMessage:
		return nodeOfRaw(v)
	case map[string]any:
		n.Kind = yaml.MappingNode
		for _, name := range slices.SortedFunc(maps.Keys(v), byOrder(order)) {
			value, err := nodeOf(v[name], nil)
			if err != nil {
				return nil, err
			}
			key := &yaml.Node{}
			key.SetString(name)
			n.Content = append(n.Content, key, value)
		}
		if v["env"] != nil && len(v) == 1 {
			n.Style = yaml.FlowStyle
		}
	case []any:
		n.Kind = yaml.SequenceNode
		for _, item := range v {
			value, err := nodeOf(item, nil)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, value)
		}
	case json.Number:
		n.Kind, n.Value = yaml.ScalarNode, v.String()
	default:
		if err := n.Encode(v); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// nodeOfRaw makes YAML of any JSON, keys in their order.
func nodeOfRaw(text json.RawMessage) (*yaml.Node, error) {
	read, err := readJSON("", text)
	if err != nil {
		return nil, err
	}
	return read[0], styled(read[0])
}

// styled sees that scalars are read back as what they are.
func styled(n *yaml.Node) error {
	switch n.Tag {
	case "!!str":
		text := n.Value
		return n.Encode(text)
	case "!!null":
		n.Value = "null"
	}
	for _, inner := range n.Content {
		if err := styled(inner); err != nil {
			return err
		}
	}
	return nil
}

func byOrder(order []string) func(a, b string) int {
	place := func(name string) int {
		if at := slices.Index(order, name); at >= 0 {
			return at
		}
		return len(order)
	}
	return func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	}
}
