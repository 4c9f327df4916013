package manifest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/postrider/postrider/transport/api"
)

// rawFields are the fields that hold any JSON, the order of whose keys is their
// writer's: a receiver may read them in that order.
var rawFields = func() (names []string) {
	for _, t := range shapes {
		for i := range t.NumField() {
			if f := t.Field(i); f.Type == rawType {
				names = append(names, jsonName(f))
			}
		}
	}
	return names
}()

// Shown reads a thing as the node shows it: as a Document's Fields are.
func Shown(text []byte) (map[string]any, error) {
	var all map[string]any
	if err := decode(text, &all); err != nil {
		return nil, err
	}
	var asWritten map[string]json.RawMessage
	if err := json.Unmarshal(text, &asWritten); err != nil {
		return nil, err
	}
	for _, name := range rawFields {
		if all[name] == nil {
			continue
		}
		var b bytes.Buffer
		if err := json.Compact(&b, asWritten[name]); err != nil {
			return nil, err
		}
		all[name] = json.RawMessage(b.Bytes())
	}
	return all, nil
}

// decode reads JSON, numbers as they are written.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

// raw reads any value as JSON, keys in their order.
func (p *parser) raw(n *yaml.Node, path string, depth int) (any, error) {
	var b bytes.Buffer
	if err := p.writeRaw(&b, n, path, depth); err != nil {
		return nil, err
	}
	return json.RawMessage(b.Bytes()), nil
}

func (p *parser) writeRaw(b *bytes.Buffer, n *yaml.Node, path string, depth int) error {
	switch {
	case isNull(n):
		b.WriteString("null")
		return nil
	case n.Kind == yaml.MappingNode:
		b.WriteByte('{')
		_, err := p.named(n, path, func(value *yaml.Node, name string) (any, error) {
			if b.Bytes()[b.Len()-1] != '{' {
				b.WriteByte(',')
			}
			writeScalar(b, name)
			b.WriteByte(':')
			return nil, p.inner(b, value, under(path, name), depth)
		})
		b.WriteByte('}')
		return err
	case n.Kind == yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := p.inner(b, item, path+"[]", depth); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	v, err := p.scalar(n, path, depth)
	if err == nil {
		writeScalar(b, v)
	}
	return err
}

// inner is a value within another: value looks at its depth and kind.
func (p *parser) inner(b *bytes.Buffer, n *yaml.Node, path string, depth int) error {
	v, err := p.value(n, rawType, path, depth+1)
	if err != nil {
		return err
	}
	if text, is := v.(json.RawMessage); is {
		b.Write(text)
	} else {
		writeScalar(b, v)
	}
	return nil
}

// scalar is a value that holds no other.
func (p *parser) scalar(n *yaml.Node, path string, depth int) (any, error) {
	switch n.Tag {
	case "!!bool":
		return p.value(n, reflect.TypeFor[bool](), path, depth)
	case "!!int", "!!float":
		return p.number(n, path)
	}
	return n.Value, nil
}

func writeScalar(b *bytes.Buffer, v any) {
	text, _ := encode(v) // of a text, number, truth value or nil: cannot fail
	b.WriteString(strings.TrimSuffix(string(text), "\n"))
}

// rawPatch is the merge patch that makes wanted of current, both any JSON.
func rawPatch(wanted, current any) any {
	text, is := wanted.(json.RawMessage)
	before, was := current.(json.RawMessage)
	if !is || !was {
		return wanted
	}
	return api.PatchRaw(before, text)
}

// plain is a raw field's value, for comparing: the order of keys aside.
func plain(v any) any {
	var inner any
	if text, is := v.(json.RawMessage); is && decode(text, &inner) == nil {
		return inner
	}
	return v
}
