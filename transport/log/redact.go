package log

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/postrider/postrider/transport"
)

// Redactor masks what paths name in JSON documents that are shown.
//
// A path is keys with dots between them: data.card.number. The word * is any
// one key, ** any number of keys, none included. Elements of an array are
// reached by the path of the array: data.cards.number masks the number of
// each card. Keys that have dots themselves are reached by * alone.
type Redactor struct{ paths [][]string }

const (
	maxPaths      = 100
	maxPathLength = 256
	anyKey        = "*"
	anyKeys       = "**"
)

// NewRedactor reads paths; a wrong one is a *transport.FieldError.
func NewRedactor(paths []string) (*Redactor, error) {
	r := &Redactor{}
	fault := func(path, message string) error {
		return &transport.FieldError{Field: "log.redact", Value: path, Message: message}
	}
	if len(paths) > maxPaths {
		return nil, fault("", "more than 100 paths")
	}
	for _, path := range paths {
		words := strings.Split(path, ".")
		for _, word := range words {
			if word == "" || len(path) > maxPathLength {
				return nil, fault(path, "not a path such as data.card.number or **.secret, of at most 256 bytes")
			}
		}
		r.paths = append(r.paths, plain(words))
	}
	return r, nil
}

// plain leaves out each ** that changes nothing: beside another, or at the end
// behind a key, all below which is masked with it.
func plain(words []string) []string {
	words = slices.CompactFunc(words, func(a, b string) bool { return a == anyKeys && b == anyKeys })
	if last := len(words) - 1; last > 0 && words[last] == anyKeys {
		words = words[:last]
	}
	return words
}

// Redact gives doc with every value that a path names replaced by transport.Masked, and
// all other bytes as they are; doc itself is not changed. Where there are
// paths, what is no JSON is masked as a whole: nothing can be found in it.
func (r *Redactor) Redact(doc []byte) []byte {
	if len(r.paths) == 0 {
		return doc
	}
	if !json.Valid(doc) {
		return []byte(`"` + transport.Masked + `"`)
	}
	m := &masking{doc: doc, json: json.NewDecoder(bytes.NewReader(doc))}
	m.json.UseNumber()
	m.value(r.paths)
	return append(m.out, doc[m.done:]...)
}

// masking walks a valid document; its depth is bounded by json.Valid.
type masking struct {
	doc  []byte
	json *json.Decoder
	out  []byte
	done int // bytes of doc that are in out
}

// value walks over the next value; paths are what may be masked below it.
func (m *masking) value(paths [][]string) {
	if len(paths) == 0 {
		m.skip()
		return
	}
	switch token, _ := m.json.Token(); token {
	case json.Delim('{'):
		for m.json.More() {
			key, _ := m.json.Token()
			below, hit := step(paths, key.(string))
			if hit {
				m.mask()
				continue
			}
			m.value(below)
		}
	case json.Delim('['):
		for m.json.More() {
			m.value(paths)
		}
	default:
		return
	}
	_, _ = m.json.Token() // the closing one
}

func (m *masking) skip() (length int) {
	var raw json.RawMessage
	_ = m.json.Decode(&raw) // valid, as the whole is
	return len(raw)
}

// mask leaves the next value out and puts the mask in its place.
func (m *masking) mask() {
	length := m.skip()
	end := int(m.json.InputOffset())
	m.out = append(m.out, m.doc[m.done:end-length]...)
	m.out = append(m.out, `"`+transport.Masked+`"`...)
	m.done = end
}

// step gives what is left of paths below a key; hit: one of them ends there.
func step(paths [][]string, key string) (below [][]string, hit bool) {
	for _, path := range paths {
		if path[0] == anyKeys {
			below = with(below, path)
			if path = path[1:]; len(path) == 0 {
				return nil, true
			}
		}
		if path[0] != anyKey && path[0] != key {
			continue
		}
		if len(path) == 1 {
			return nil, true
		}
		below = with(below, path[1:])
	}
	return below, false
}

// with adds a path that is not there yet. All are ends of those configured, so
// they never become more than those have words.
func with(paths [][]string, path []string) [][]string {
	for _, p := range paths {
		if &p[0] == &path[0] {
			return paths
		}
	}
	return append(paths, path)
}
