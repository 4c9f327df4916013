package payload

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// Limits of templates.
const (
	// MaxTemplate is the largest body template, in bytes.
	MaxTemplate = 64 << 10
	// MaxExpressions is how many an endpoint's body and headers may have together.
	MaxExpressions = 200
	// maxTemplateDepth is how deep a template may be nested.
	maxTemplateDepth = 32
	// maxRenderCost is what all expressions of an endpoint may cost for one
	// event, by estimate and in fact.
	maxRenderCost = 1_000_000
)

// Modes of a body template.
const (
	// ModeReplace: the template takes the place of the profile's body.
	ModeReplace = "replace"
	// ModeMerge: the template's keys are added to the profile's body.
	ModeMerge = "merge"
)

// piece is a run of the result's bytes as they are, followed by what an
// expression gives (nil: nothing follows).
type piece struct {
	literal []byte
	expr    *expression
	place   place
	field   string
}

// place is where the result of an expression stands.
type place int

const (
	asValue  place = iota // a JSON value
	inString              // a part of a JSON string
	inHeader              // a part of a header's value
)

// template is JSON with holes, flat: rendering appends piece by piece. One that
// is merged begins behind the brace that opens its object.
type template struct {
	pieces []piece
	// keys are the root object's, in canonical form with quotes.
	keys map[string]bool
	// usual is about the size of a body, in bytes.
	usual int
}

// compiler makes the templates of one endpoint and adds up what they need.
type compiler struct {
	expressions int
	cost        uint64
}

func hasBody(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// body compiles a body template. Errors are *transport.FieldError with the
// path, such as body.attachments[0].text.
func (c *compiler) body(raw json.RawMessage, merge bool) (*template, error) {
	if len(raw) > MaxTemplate {
		return nil, &transport.FieldError{Field: "body", Message: fmt.Sprintf("%d bytes long; at most %d", len(raw), MaxTemplate)}
	}
	if !json.Valid(raw) {
		return nil, &transport.FieldError{Field: "body", Message: "not valid JSON"}
	}
	b := builder{compiler: c, Reader: jsontext.Reader{Doc: raw}, keys: map[string]bool{}}
	if merge && b.Next() != '{' {
		return nil, &transport.FieldError{Field: "body", Message: "is no object, so that it has no keys to merge; give {…}, or body_mode replace"}
	}
	if err := b.value("body", 0); err != nil {
		return nil, err
	}
	b.flush()
	if merge {
		b.pieces[0].literal = b.pieces[0].literal[1:] // the profile's body has opened the object
	}
	return &template{pieces: b.pieces, keys: b.keys, usual: len(raw) + 64*len(b.pieces)}, nil
}

// expression compiles the source of a segment of the text at field.
func (c *compiler) expression(field string, s segment, secret bool) (*expression, error) {
	if c.expressions++; c.expressions > MaxExpressions {
		return nil, &transport.FieldError{Field: field, Message: fmt.Sprintf("is the expression number %d; at most %d", c.expressions, MaxExpressions)}
	}
	if strings.TrimSpace(s.source) == "" {
		wrong := &fault{line: s.line, column: s.column, message: "an empty expression; write $${ for a plain ${"}
		return nil, wrong.fieldError(field, secret)
	}
	expr, cost, wrong := compile(s.source)
	if wrong != nil {
		wrong.within(s)
		return nil, wrong.fieldError(field, secret)
	}
	if c.cost += cost; c.cost > maxRenderCost {
		return nil, &transport.FieldError{Field: field,
			Message: fmt.Sprintf("all expressions together could cost over %d steps; loop over less", maxRenderCost)}
	}
	return expr, nil
}

// within moves a place in an expression to the place in its text.
func (f *fault) within(s segment) {
	if f.line <= 1 {
		f.column = s.column + max(f.column-1, 0)
	}
	f.line = s.line + max(f.line-1, 0)
}

// builder walks through a template's JSON, whose syntax was checked.
type builder struct {
	*compiler
	jsontext.Reader
	literal []byte
	pieces  []piece
	keys    map[string]bool
}

func (b *builder) flush() {
	b.pieces = append(b.pieces, piece{literal: b.literal})
	b.literal = nil
}

func (b *builder) hole(field string, expr *expression, at place) {
	b.pieces = append(b.pieces, piece{literal: b.literal, expr: expr, place: at, field: field})
	b.literal = nil
}

func (b *builder) value(field string, depth int) error {
	if depth > maxTemplateDepth {
		return &transport.FieldError{Field: "body", Message: fmt.Sprintf("nested over %d deep", maxTemplateDepth)}
	}
	switch b.Next() {
	case '{':
		return b.object(field, depth)
	case '[':
		return b.array(field, depth)
	case '"':
		return b.text(field)
	}
	raw, _ := b.Span()
	b.literal = append(b.literal, raw...)
	return nil
}

func (b *builder) object(field string, depth int) error {
	b.Pos++
	seen := map[string]bool{}
	b.literal = append(b.literal, '{')
	for b.Next() != '}' {
		if len(seen) > 0 {
			b.literal = append(b.literal, ',')
		}
		quoted, _ := b.Span()
		name := jsontext.Text(quoted)
		key := string(jsontext.AppendString(nil, name))
		inner := field + "." + shownName(name)
		switch {
		case seen[key]:
			return &transport.FieldError{Field: inner, Message: "is given twice; keep one"}
		case strings.Contains(name, "${"):
			return &transport.FieldError{Field: inner, Message: "has ${ in its name; expressions belong into values"}
		}
		seen[key] = true
		if depth == 0 {
			b.keys[key] = true
		}
		b.literal = append(append(b.literal, key...), ':')
		b.Next()
		b.Pos++
		if err := b.value(inner, depth+1); err != nil {
			return err
		}
		if b.Next() == ',' {
			b.Pos++
		}
	}
	b.Pos++
	b.literal = append(b.literal, '}')
	return nil
}

func shownName(name string) string {
	const most = 60
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}

func (b *builder) array(field string, depth int) error {
	b.Pos++
	b.literal = append(b.literal, '[')
	for i := 0; b.Next() != ']'; i++ {
		if i > 0 {
			b.literal = append(b.literal, ',')
		}
		if err := b.value(field+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
			return err
		}
		if b.Next() == ',' {
			b.Pos++
		}
	}
	b.Pos++
	b.literal = append(b.literal, ']')
	return nil
}

// text compiles a string: a value where it is one expression and nothing else,
// and a text with expressions in it otherwise.
func (b *builder) text(field string) error {
	quoted, _ := b.Span()
	segments, wrong := split(jsontext.Text(quoted))
	if wrong != nil {
		return wrong.fieldError(field, false)
	}
	if len(segments) == 1 && segments[0].expression {
		expr, err := b.expression(field, segments[0], false)
		b.hole(field, expr, asValue)
		return err
	}
	w := writer{dst: append(b.literal, '"')}
	for _, s := range segments {
		if !s.expression {
			w.text(s.literal)
			continue
		}
		expr, err := b.expression(field, s, false)
		if err != nil {
			return err
		}
		b.literal = w.dst
		b.hole(field, expr, inString)
		w.dst = nil
	}
	b.literal = append(w.dst, '"')
	return nil
}
