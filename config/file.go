package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

const (
	// maxFile bounds the settings file, in bytes.
	maxFile = 1 << 20
	// maxDepth bounds the sections in sections; a setting has one at most.
	maxDepth = 8
)

// fileParser is a koanf parser of YAML that keeps the line of each setting.
// Scalars stay the text that was written, so that a password of 0123 is not
// read as a number.
type fileParser struct {
	name  string
	lines map[string]int
}

// Unmarshal reads the settings of a file into nested maps with string leaves.
func (p *fileParser) Unmarshal(b []byte) (map[string]any, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes, which no settings file is", p.name, maxFile)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: %s; settings are YAML, see postrider serve --print-config", p.name, withoutContent(err))
	}
	out := map[string]any{}
	if len(doc.Content) == 0 {
		return out, nil
	}
	if isNull(doc.Content[0]) {
		return out, nil
	}
	return out, p.walk(out, doc.Content[0], "")
}

var inQuotes = regexp.MustCompile(`(?s)'.*'`)

// withoutContent is the parser's error without what it quotes of the file,
// which may be part of a secret.
func withoutContent(err error) string {
	return inQuotes.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "(text)")
}

// Marshal is what koanf's parser interface asks for besides; Print writes the
// settings, with their meaning.
func (p *fileParser) Marshal(map[string]any) ([]byte, error) {
	return nil, errors.New("config: settings are written by Print")
}

// walk puts the settings under n into out. Names are split at dots, so that
// "nats.listen: x" is the same as a section.
func (p *fileParser) walk(out map[string]any, n *yaml.Node, prefix string) error {
	if n.Kind != yaml.MappingNode {
		return p.fail(n, prefix, "settings are written as \"name: value\"")
	}
	if strings.Count(prefix, ".") > maxDepth {
		return p.fail(n, "", "sections are nested too deeply here; a setting is in one section at most")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Kind != yaml.ScalarNode || name.Value == "" || strings.Trim(name.Value, ".") != name.Value || strings.Contains(name.Value, "..") {
			return p.fail(name, prefix, "a setting's name is missing here")
		}
		key := prefix + name.Value
		if value.Kind == yaml.MappingNode {
			if err := p.walk(out, value, key+"."); err != nil {
				return err
			}
			continue
		}
		text, err := p.text(value, key)
		if err != nil {
			return err
		}
		if line, twice := p.lines[key]; twice {
			return p.fail(name, key, fmt.Sprintf("is set twice, first on line %d; keep one", line))
		}
		p.lines[key] = name.Line
		if !put(out, key, text) {
			return p.fail(name, key, "is both a setting and a section; keep one")
		}
	}
	return nil
}

// text is a setting's value: a scalar's own text, a list's joined by commas.
func (p *fileParser) text(n *yaml.Node, key string) (string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		if isNull(n) {
			return "", nil
		}
		return n.Value, nil
	case yaml.SequenceNode:
		parts := make([]string, 0, len(n.Content))
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || isNull(item) {
				return "", p.fail(item, key, "is a list of plain values")
			}
			parts = append(parts, item.Value)
		}
		return strings.Join(parts, ","), nil
	default:
		return "", p.fail(n, key, "is a plain value or a list of them; write it out")
	}
}

func (p *fileParser) fail(n *yaml.Node, key, problem string) error {
	return &Error{Key: strings.TrimSuffix(key, "."), Origin: Origin{Place: fmt.Sprintf("%s line %d", p.name, n.Line)}, Problem: problem}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// put sets a dotted key in nested maps; false where a part of it is a value already.
func put(out map[string]any, key, text string) bool {
	parts := strings.Split(key, ".")
	for _, part := range parts[:len(parts)-1] {
		if out[part] == nil {
			out[part] = map[string]any{}
		}
		section, ok := out[part].(map[string]any)
		if !ok {
			return false
		}
		out = section
	}
	last := parts[len(parts)-1]
	if _, taken := out[last]; taken {
		return false
	}
	out[last] = text
	return true
}

// sections are the names that hold settings, so that "nats:" with nothing
// under it is no unknown setting.
func sections(list []field) []string {
	var names []string
	for _, f := range list {
		if i := strings.IndexByte(f.key, '.'); i >= 0 && !slices.Contains(names, f.key[:i]) {
			names = append(names, f.key[:i])
		}
	}
	return names
}
