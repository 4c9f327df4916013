package transport

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// Veil masks an endpoint's own values (of its headers, and its secrets) in what
// its receiver says, which may be what it was sent. It knows a value as it is
// and as JSON, URLs and HTML write it, credentials also without their scheme. A
// value that a receiver writes in some other way is not found. Safe for
// concurrent use; the zero Veil masks nothing.
type Veil struct{ forms [][]byte } // the longest first

const (
	// wholeWords: shorter values are masked where they stand by themselves, so
	// that one like "1" does not make an answer unreadable.
	wholeWords = 8
	// minCut is how much of a value must be there for the end of a text to count
	// as the beginning of it.
	minCut = 4
)

// NewVeil masks values and nothing else; empty ones are left aside.
func NewVeil(values ...string) Veil {
	var v Veil
	for _, value := range values {
		v.add(value)
	}
	slices.SortFunc(v.forms, func(a, b []byte) int { return len(b) - len(a) })
	return v
}

// Veil masks the values of e's headers, but for what expressions in them give,
// and its secrets.
func (e *Endpoint) Veil() Veil {
	values := []string{e.Secrets.Current, e.Secrets.Previous}
	for _, secret := range values {
		for _, prefix := range []string{"whsec_", "whsk_"} {
			if key, prefixed := strings.CutPrefix(secret, prefix); prefixed {
				values = append(values, key)
			}
		}
	}
	for _, value := range e.Headers {
		values = append(values, value)
	}
	return NewVeil(values...)
}

func (v *Veil) add(value string) {
	v.addForms(value)
	scheme, credentials, two := strings.Cut(value, " ")
	if !two {
		return
	}
	v.addForms(credentials)
	if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "basic") {
		_, password, _ := strings.Cut(string(plain), ":")
		v.addForms(string(plain))
		v.addForms(password)
	}
}

func (v *Veil) addForms(value string) {
	if value == "" {
		return
	}
	escaped, _ := json.Marshal(value) // of a string: cannot fail
	asJSON := string(escaped[1 : len(escaped)-1])
	plain := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(asJSON)
	for _, form := range []string{value, asJSON, plain, strings.ReplaceAll(plain, "/", `\/`),
		url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value)} {
		if !slices.ContainsFunc(v.forms, func(f []byte) bool { return string(f) == form }) {
			v.forms = append(v.forms, []byte(form))
		}
	}
}

// Mask gives text with Masked in the place of each value; text itself is not
// changed. The beginning of a value at the end of it, where it was cut, counts too.
func (v Veil) Mask(text []byte) []byte {
	for _, form := range v.forms {
		text = maskAll(text, form)
	}
	for _, form := range v.forms {
		for n := min(len(form)-1, len(text)); n >= minCut; n-- {
			if bytes.HasSuffix(text, form[:n]) {
				return append(bytes.Clone(text[:len(text)-n]), Masked...)
			}
		}
	}
	return text
}

func maskAll(text, form []byte) []byte {
	var out []byte
	done := 0
	for from := 0; ; {
		at := bytes.Index(text[from:], form)
		if at < 0 {
			break
		}
		at += from
		end := at + len(form)
		from = end
		if len(form) < wholeWords && !alone(text, at, end) {
			from = at + 1
			continue
		}
		out = append(append(out, text[done:at]...), Masked...)
		done = end
	}
	if done == 0 {
		return text
	}
	return append(out, text[done:]...)
}

// alone tells whether no word goes on before or behind text[at:end].
func alone(text []byte, at, end int) bool {
	return (at == 0 || !wordByte(text[at-1]) || !wordByte(text[at])) &&
		(end == len(text) || !wordByte(text[end]) || !wordByte(text[end-1]))
}

func wordByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b >= 0x80
}
