package manifest

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"time"

	yaml "go.yaml.in/yaml/v3"

	"github.com/postrider/postrider/transport"
)

var (
	durationType = reflect.TypeFor[transport.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	rawType      = reflect.TypeFor[json.RawMessage]()
)

// value reads n as a value of t. Where t is text the text counts as it is
// written, so that a plate of 0123 stays one.
func (p *parser) value(n *yaml.Node, t reflect.Type, path string, depth int) (any, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return nil, p.wrong(n, path, "is an alias (*name); write the value out")
	case depth > maxDepth:
		return nil, p.wrong(n, path, fmt.Sprintf("nested more than %d deep", maxDepth))
	case isNull(n):
		return nil, nil
	case t == rawType:
		return p.raw(n, path, depth)
	case t == durationType, t == timeType:
		return p.text(n, path)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return p.value(n, t.Elem(), path, depth)
	case reflect.String:
		return p.text(n, path)
	case reflect.Bool:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			return nil, p.wrong(n, path, "expected true or false")
		}
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, p.wrong(n, path, "expected true or false")
		}
		return b, nil
	case reflect.Slice:
		return p.list(n, t.Elem(), path, depth)
	case reflect.Map:
		return p.named(n, path, func(value *yaml.Node, name string) (any, error) {
			return p.value(value, t.Elem(), under(path, name), depth+1)
		})
	case reflect.Struct:
		return p.object(n, t, path, depth)
	}
	return p.number(n, path)
}

func (p *parser) object(n *yaml.Node, t reflect.Type, path string, depth int) (map[string]any, error) {
	return p.named(n, path, func(value *yaml.Node, name string) (any, error) {
		for i := range t.NumField() {
			if field := t.Field(i); jsonName(field) == name {
				return p.value(value, field.Type, under(path, name), depth+1)
			}
		}
		return nil, p.wrong(value, under(path, name), "unknown field; check its spelling, or leave it out")
	})
}

// named reads a mapping, each value by read.
func (p *parser) named(n *yaml.Node, path string, read func(value *yaml.Node, name string) (any, error)) (map[string]any, error) {
	if n.Kind != yaml.MappingNode {
		return nil, p.wrong(n, path, "expected fields, written as \"name: value\"")
	}
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" {
			return nil, p.wrong(name, path, "a name here is no plain text; write the fields out")
		}
		if _, twice := object[name.Value]; twice {
			return nil, p.wrong(name, under(path, name.Value), "is there twice; keep one")
		}
		v, err := read(n.Content[i+1], name.Value)
		if err != nil {
			return nil, err
		}
		object[name.Value] = v
	}
	return object, nil
}

func (p *parser) list(n *yaml.Node, t reflect.Type, path string, depth int) (any, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, p.wrong(n, path, "expected a list")
	}
	list := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		v, err := p.value(item, t, fmt.Sprintf("%s[%d]", path, i), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// text is a scalar as it is written, or a Reference.
func (p *parser) text(n *yaml.Node, path string) (any, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, nil
	case yaml.MappingNode:
		return p.reference(n, path)
	}
	return nil, p.wrong(n, path, "expected text")
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

func (p *parser) reference(n *yaml.Node, path string) (any, error) {
	var r Reference
	env, file := valueOf(n, "env"), valueOf(n, "file")
	switch {
	case len(n.Content) != 2 || env == nil && file == nil:
		return nil, p.wrong(n, path, "expected text, {env: NAME} or {file: PATH}")
	case env != nil:
		r.Env = env.Value
		if env.Kind != yaml.ScalarNode || !envName.MatchString(r.Env) {
			return nil, p.wrong(n, path, "env is not the name of an environment variable, such as ACME_SECRET")
		}
	default:
		r.File = file.Value
		if file.Kind != yaml.ScalarNode || r.File == "" {
			return nil, p.wrong(n, path, "file is not the name of a file")
		}
	}
	return r, nil
}

func (p *parser) number(n *yaml.Node, path string) (any, error) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" && n.Tag != "!!float" {
		return nil, p.wrong(n, path, "expected a number")
	}
	if plain := json.Number(n.Value); json.Valid([]byte(n.Value)) {
		return plain, nil
	}
	var f float64
	if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, p.wrong(n, path, "expected a number")
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
