package diagnosis

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// value is a JSON value that keeps the order of keys and the text of numbers.
type value struct {
	// scalar is a string, json.Number, bool or nil.
	scalar any
	// open is { or [, or 0 of a scalar; keys are those of an object's values.
	open   byte
	keys   []string
	values []*value
}

// maxDepth bounds how deep a body may be nested.
const maxDepth = 500

var errNoDocument = errors.New("not one JSON document")

func parse(doc []byte) (*value, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoDocument
	}
	return v, nil
}

func parseValue(d *json.Decoder, depth int) (*value, error) {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return nil, cmp.Or(err, errNoDocument)
	}
	open, isDelim := token.(json.Delim)
	if !isDelim {
		return &value{scalar: token}, nil
	}
	v := &value{open: byte(open)}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v.keys = append(v.keys, name.(string))
		}
		inner, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		v.values = append(v.values, inner)
	}
	_, err = d.Token()
	return v, err
}

// style is a way to write JSON: without anything, no blanks and escapes only
// where they must be.
type style struct {
	// blanks after commas and colons; indent with line ends.
	blanks bool
	indent string
	// ascii, html (<, >, &) and slashes are escaped.
	ascii, html, slashes bool
	// sorted keys; indexes: those that are array indexes first, as in JavaScript.
	sorted, indexes bool
	// numbers as JavaScript prints them.
	numbers bool
}

// maxForm bounds what is written, in bytes: deep nesting makes much of little
// when it is indented. What is cut there is no form that anything was signed in.
const maxForm = 4 * maxRewritten

func (v *value) write(b []byte, s *style) []byte { return v.append(b, s, "\n") }

// append writes v; line is a line end with the indent of the level.
func (v *value) append(b []byte, s *style, line string) []byte {
	if len(b) > maxForm {
		return b
	}
	if v.open == 0 {
		return appendScalar(b, v.scalar, s)
	}
	shut := v.open + 2 // as ASCII has [] and {}
	if len(v.values) == 0 {
		return append(b, v.open, shut)
	}
	inner := line + s.indent
	b = append(b, v.open)
	for n, i := range v.order(s) {
		if n > 0 {
			b = append(b, ',')
			if s.blanks {
				b = append(b, ' ')
			}
		}
		if s.indent != "" {
			b = append(b, inner...)
		}
		if v.open == '{' {
			b = append(appendString(b, v.keys[i], s), ':')
			if s.blanks || s.indent != "" {
				b = append(b, ' ')
			}
		}
		b = v.values[i].append(b, s, inner)
	}
	if s.indent != "" {
		b = append(b, line...)
	}
	return append(b, shut)
}

// order is in which the values are written.
func (v *value) order(s *style) []int {
	all := make([]int, len(v.values))
	for i := range all {
		all[i] = i
	}
	switch {
	case v.open != '{':
	case s.sorted:
		slices.SortStableFunc(all, func(i, j int) int { return strings.Compare(v.keys[i], v.keys[j]) })
	case s.indexes:
		slices.SortStableFunc(all, func(i, j int) int { return cmp.Compare(index(v.keys[i]), index(v.keys[j])) })
	}
	return all
}

// index is a key as an array index, or beyond all of them.
func index(key string) uint64 {
	const none = 1 << 32
	n, err := strconv.ParseUint(key, 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != key {
		return none
	}
	return n
}

func appendScalar(b []byte, v any, s *style) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v, s)
	case json.Number:
		return append(b, numberText(v, s)...)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}

func numberText(n json.Number, s *style) string {
	f, err := n.Float64()
	if !s.numbers || err != nil {
		return n.String()
	}
	if f == 0 {
		return "0"
	}
	text, err := json.Marshal(f) // writes numbers as JavaScript does
	if err != nil {
		return n.String()
	}
	return string(text)
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func appendString(b []byte, text string, s *style) []byte {
	b = append(b, '"')
	for _, r := range text {
		short, has := shortEscapes[r]
		switch {
		case has:
			b = append(b, short...)
		case r == '/' && s.slashes:
			b = append(b, `\/`...)
		case r < ' ', s.html && (r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029'), s.ascii && r > 0x7f && r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		case s.ascii && r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
