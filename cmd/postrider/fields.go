package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// kind is how a flag's text becomes the JSON of a field.
type kind int

const (
	text     kind = iota
	flag          // true or false
	number        // any JSON number
	list          // repeatable
	commas        // one value with commas
	pairs         // repeatable NAME=VALUE
	amounts       // repeatable NAME=NUMBER
	contents      // name of a file whose text is the value
	document      // name of a file whose JSON is the value
)

// fieldFlag is one field of what a command makes or changes.
type fieldFlag struct {
	name, field string // field is dotted where nested
	kind        kind
	help        string
}

// maxDocument is the largest JSON file that is read; the node's own limit is lower.
const maxDocument = 1 << 20

// addFieldFlags gives c a flag for each of fields.
func addFieldFlags(c *cobra.Command, fields []fieldFlag) {
	flags := c.Flags()
	for _, f := range fields {
		switch f.kind {
		case flag: // what is not given is not sent, so the help tells no default
			flags.Bool(f.name, false, f.help)
		case list, pairs, amounts:
			flags.StringArray(f.name, nil, f.help)
		default:
			flags.String(f.name, "", f.help)
		}
	}
}

// fieldBody makes the JSON of those of fields whose flags were given.
func (a *app) fieldBody(c *cobra.Command, fields []fieldFlag) (map[string]any, error) {
	body := map[string]any{}
	for _, f := range fields {
		if !c.Flags().Changed(f.name) {
			continue
		}
		v, err := f.value(c, a.readFile)
		if err != nil {
			return nil, err
		}
		setField(body, f.field, v)
	}
	return body, nil
}

func setField(body map[string]any, field string, v any) {
	section, name, nested := strings.Cut(field, ".")
	if !nested {
		body[field] = v
		return
	}
	if body[section] == nil {
		body[section] = map[string]any{}
	}
	body[section].(map[string]any)[name] = v
}

func (f *fieldFlag) value(c *cobra.Command, read func(name string, limit int64) ([]byte, error)) (any, error) {
	flags := c.Flags()
	switch f.kind {
	case flag:
		return flags.GetBool(f.name)
	case list:
		return flags.GetStringArray(f.name)
	case pairs:
		return f.pairs(c)
	case amounts:
		return f.amounts(c)
	}
	s, err := flags.GetString(f.name)
	if err != nil {
		return nil, err
	}
	switch f.kind {
	case number:
		return f.number(s)
	case commas:
		parts := []string{}
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
		return parts, nil
	case document:
		b, err := read(s, maxDocument)
		if err != nil {
			return nil, usagef("--%s: %s", f.name, err)
		}
		if !json.Valid(b) {
			return nil, usagef("--%s: %s is not JSON", f.name, s)
		}
		return json.RawMessage(b), nil
	case contents:
		b, err := read(s, maxDocument)
		if err != nil {
			return nil, usagef("--%s: %s", f.name, err)
		}
		return string(b), nil
	}
	return s, nil
}

func (f *fieldFlag) number(s string) (any, error) {
	if n := json.Number(s); json.Valid([]byte(s)) && n != "" {
		if _, err := n.Float64(); err == nil {
			return n, nil
		}
	}
	return nil, usagef("--%s %q is not a number", f.name, s)
}

// amounts reads NAME=NUMBER; without a number the default is brought back.
func (f *fieldFlag) amounts(c *cobra.Command) (any, error) {
	given, err := c.Flags().GetStringArray(f.name)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for _, pair := range given {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usagef("--%s is given as NAME=NUMBER, for example endpoints=20000", f.name)
		}
		values[name] = nil
		if value != "" {
			if values[name], err = f.number(value); err != nil {
				return nil, err
			}
		}
	}
	return values, nil
}

// pairs reads NAME=VALUE; a wrong one is not repeated, as values may be secret.
func (f *fieldFlag) pairs(c *cobra.Command) (any, error) {
	given, err := c.Flags().GetStringArray(f.name)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for _, pair := range given {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usagef("--%s is given as NAME=VALUE, for example DD-API-KEY=0123", f.name)
		}
		values[name] = value
		if value == "" {
			values[name] = nil
		}
	}
	return values, nil
}

// readFile reads a file, or stdin for "-", up to limit bytes.
func (a *app) readFile(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readAtMost(a.stdin, "stdin", limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, name, limit)
}

func readAtMost(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, usagef("%s is larger than %s bytes", name, grouped(uint64(limit)))
	}
	return b, err
}
