package config

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// Print writes every setting as YAML with its meaning, default and
// environment variable as comments. Secrets are masked.
func (c *Config) Print(w io.Writer) error {
	b := bufio.NewWriter(w)
	section := ""
	for _, f := range fields(c) {
		name, indent := f.key, ""
		if s, rest, ok := strings.Cut(f.key, "."); ok {
			if s != section {
				fmt.Fprintf(b, "\n# %s\n%s:\n", f.section, s)
				section = s
			}
			name, indent = rest, "  "
		}
		fmt.Fprintf(b, "%s# %s\n%s# %s. %s\n", indent, f.help, indent, f.defaultText(), f.env())
		if path := c.files[f.key]; path != "" {
			fmt.Fprintf(b, "%s%s: %s\n", indent, name+fileKey, quoted(path))
			continue
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, name, f.yaml())
	}
	return b.Flush()
}

// Table writes the settings as the Markdown table of docs/operations.md.
func Table(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "| setting | default | meaning |")
	fmt.Fprintln(b, "|---|---|---|")
	for _, f := range fields(Default()) {
		def := "empty"
		if text := show(f.value); text != "" {
			def = "`" + text + "`"
		}
		if f.hasDev {
			def += ", in dev `" + f.dev + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.key, def, f.help+f.choices())
	}
	return b.Flush()
}

func (f *field) choices() string {
	if f.oneof == nil {
		return ""
	}
	return " One of " + strings.Join(f.oneof, ", ") + "."
}

func (f *field) defaultText() string {
	text := "Default: empty"
	if f.def != "" {
		text = "Default: " + f.def
	}
	if f.hasDev {
		text += ", in dev " + f.dev
	}
	if f.oneof != nil {
		text += "; one of " + strings.Join(f.oneof, ", ")
	}
	return text
}

// yaml writes the value so that Load reads the same again.
func (f *field) yaml() string {
	if f.value.Kind() == reflect.Slice {
		parts := make([]string, f.value.Len())
		for i := range parts {
			parts[i] = quoted(shownText(f.value.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	text := shownText(f.value)
	if slices.Contains([]reflect.Kind{reflect.Bool, reflect.Int, reflect.Float64}, f.value.Kind()) {
		return text
	}
	return quoted(text)
}

// shownText is show, with the secrets masked of an address that is no URL by its
// type.
func shownText(v reflect.Value) string {
	text := show(v)
	if v.Kind() == reflect.String && strings.Contains(text, "://") && v.Type() != reflect.TypeFor[URL]() {
		return URL(text).String()
	}
	return text
}

// quoted is text as a YAML scalar on one line.
func quoted(text string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.ContainsAny(text, "\n\r") || text == "" || strings.HasPrefix(text, "*") {
		n.Style = yaml.DoubleQuotedStyle
	}
	b, err := yaml.Marshal(&n)
	if err != nil {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSuffix(string(b), "\n")
}
