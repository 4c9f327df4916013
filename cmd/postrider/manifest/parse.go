package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/postrider/postrider/transport"
)

// Parse reads the documents of a file: YAML with --- between them, or JSON,
// one after the other. Its errors are *Error.
func Parse(file string, content []byte) ([]*Document, error) {
	nodes, err := read(file, content)
	if err != nil {
		return nil, err
	}
	var all []*Document
	for i, n := range nodes {
		if n == nil || isNull(n) {
			continue // nothing between two ---
		}
		p := &parser{file: file, nth: i + 1}
		d, err := p.document(n)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func read(file string, content []byte) ([]*yaml.Node, error) {
	if len(content) > MaxFile {
		return nil, &Error{File: file, Document: 1, Message: fmt.Sprintf("the file is larger than %d bytes; split it", MaxFile)}
	}
	if begin := bytes.TrimSpace(content); len(begin) > 0 && begin[0] == '{' {
		nodes, err := readJSON(file, content)
		if err == nil || path.Ext(file) == ".json" {
			return nodes, err
		}
	}
	return readYAML(file, content)
}

func readYAML(file string, content []byte) ([]*yaml.Node, error) {
	var nodes []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return nodes, nil
		}
		if err != nil {
			return nil, &Error{File: file, Document: len(nodes) + 1, Message: "not YAML: " + withoutContent(err)}
		}
		var root *yaml.Node
		if len(n.Content) > 0 {
			root = n.Content[0]
		}
		if nodes = append(nodes, root); len(nodes) > MaxDocuments {
			return nil, tooMany(file)
		}
	}
}

func tooMany(file string) error {
	return &Error{File: file, Document: MaxDocuments, Message: fmt.Sprintf("more than %d documents in one file; split it", MaxDocuments)}
}

var inQuotes = regexp.MustCompile(`(?s)['"\x60].*['"\x60]`)

// withoutContent is the library's error without what it quotes of the file.
func withoutContent(err error) string {
	return inQuotes.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "(text)")
}

// parser reads one document.
type parser struct {
	file string
	nth  int // of the document, from 1
}

func (p *parser) wrong(n *yaml.Node, field, message string) error {
	return &Error{File: p.file, Document: p.nth, Line: n.Line, Field: shortened(field), Message: message}
}

// shortened keeps a name from outside to the length of a line.
func shortened(name string) string {
	const most = 100
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return strings.ToValidUTF8(name, "�")
}

func (p *parser) document(n *yaml.Node) (*Document, error) {
	if n.Kind != yaml.MappingNode {
		return nil, p.wrong(n, "", "not a document; write \"kind: endpoint\" and its fields")
	}
	kind, id := valueOf(n, "kind"), valueOf(n, "id")
	if kind == nil || shapes[kind.Value] == nil || kind.Kind != yaml.ScalarNode {
		return nil, p.wrong(n, "kind", "missing or unknown; give endpoint, alert or customer")
	}
	d := &Document{Kind: kind.Value, File: p.file, Number: p.nth}
	fields, err := p.object(without(n, "kind", "id"), shapes[d.Kind], "", 0)
	if err != nil {
		return nil, err
	}
	d.Fields = fields
	if id != nil {
		if d.ID = id.Value; id.Kind != yaml.ScalarNode || transport.CheckCustomer(d.ID) != nil {
			return nil, p.wrong(id, "id", "not an id; give 1 to 64 of A-Z a-z 0-9 _ -")
		}
	}
	return d, p.identify(n, d)
}

// identify tells whose thing d is and how it is found again.
func (p *parser) identify(n *yaml.Node, d *Document) error {
	d.Name, _ = d.Fields[nameFields[d.Kind]].(string)
	if d.Kind == Customer {
		if d.Customer = d.ID; d.ID == "" {
			return p.wrong(n, "id", "missing; give the customer's id")
		}
		return nil
	}
	d.Customer, _ = d.Fields["customer"].(string)
	delete(d.Fields, "customer")
	if transport.CheckCustomer(d.Customer) != nil {
		return p.wrong(n, "customer", "missing or not an id; give the customer whose "+d.Kind+" it is")
	}
	if d.ID == "" && d.Name == "" {
		return p.wrong(n, nameFields[d.Kind], "missing; give it a name or an id, by which it is found again")
	}
	if d.Kind != Endpoint {
		return nil
	}
	const plain = "stands in the file itself; give it by reference, {env: NAME} or {file: PATH}"
	if at := valueOf(n, "secret"); at != nil && isText(d.Fields["secret"]) {
		return p.wrong(at, "secret", plain)
	}
	if tls, _ := d.Fields["tls"].(map[string]any); isText(tls["client_key"]) {
		return p.wrong(valueOf(valueOf(n, "tls"), "client_key"), "tls.client_key", plain)
	}
	return nil
}

func isText(v any) bool { text, ok := v.(string); return ok && text != "" }

// valueOf is the value under a name of a mapping, or nil.
func valueOf(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// without is a mapping without the first of each of names, so that one that is
// there twice is still found.
func without(n *yaml.Node, names ...string) *yaml.Node {
	rest := &yaml.Node{Kind: n.Kind, Line: n.Line}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if at := slices.Index(names, n.Content[i].Value); at >= 0 {
			names = slices.Delete(slices.Clone(names), at, at+1)
			continue
		}
		rest.Content = append(rest.Content, n.Content[i], n.Content[i+1])
	}
	return rest
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
