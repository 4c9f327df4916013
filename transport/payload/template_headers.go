package payload

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/transport"
)

// headerTemplate is a header whose value differs from event to event.
type headerTemplate struct {
	name   string // canonical
	field  string
	pieces []piece
}

// headers splits those of an endpoint: those with expressions are compiled, and
// the others given with what $${ stands for put in. Errors are of the field
// headers.<name> and never hold a value.
func (c *compiler) headers(given map[string]string) (templates []headerTemplate, fixed map[string]string, err error) {
	fixed = make(map[string]string, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		if !strings.Contains(value, "${") {
			fixed[name] = value
			continue
		}
		h, plain, err := c.header(name, value)
		switch {
		case err != nil:
			return nil, nil, err
		case h == nil:
			fixed[name] = plain
		default:
			templates = append(templates, *h)
		}
	}
	return templates, fixed, nil
}

func (c *compiler) header(name, value string) (*headerTemplate, string, error) {
	h := &headerTemplate{name: http.CanonicalHeaderKey(name), field: "headers." + name}
	segments, wrong := split(value)
	if wrong != nil {
		return nil, "", wrong.fieldError(h.field, true)
	}
	literal, found := "", false
	for _, s := range segments {
		if !s.expression {
			literal = s.literal
			continue
		}
		expr, err := c.expression(h.field, s, true)
		if err != nil {
			return nil, "", err
		}
		h.pieces = append(h.pieces, piece{literal: []byte(literal), expr: expr, place: inHeader, field: h.field})
		literal, found = "", true
	}
	if !found {
		return nil, literal, nil
	}
	h.pieces = append(h.pieces, piece{literal: []byte(literal)})
	return h, "", nil
}

// render gives the header's value for one event, without blanks around it.
func (h *headerTemplate) render(run *rendering) (string, error) {
	w := writer{most: MaxRendered}
	if err := run.append(&w, h.pieces); err != nil {
		return "", err
	}
	value := strings.Trim(string(w.dst), " ")
	switch {
	case len(value) > transport.MaxHeaderValue:
		return "", h.refused(fmt.Sprintf("makes %d bytes of this event, at most %d", len(value), transport.MaxHeaderValue))
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", h.refused("makes a control character of this event, which no header can carry; take it out with replace")
	}
	return value, nil
}

func (h *headerTemplate) refused(text string) error {
	return &renderError{field: h.field, err: &evalError{text: text}}
}
