package signature

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// previousSuffix makes the header that carries the previous secret's signature.
const previousSuffix = "-Previous"

// Secrets are the current secret and, while a rotation overlaps, the one
// before: Previous signs too until PreviousUntil. Previous may be empty.
type Secrets struct {
	Current, Previous string
	PreviousUntil     time.Time
}

// Format masks, whatever the verb.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// MarshalText masks, for JSON and structured logs.
func (Secrets) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Signer signs for one endpoint. It never changes, and is safe for concurrent
// use: after a rotation make a new one.
type Signer struct {
	standard     bool
	header       headerName
	previous     headerName
	current, old key
	oldUntil     time.Time
}

// headerName is a header's name as it is written, and as http.Header has it.
type headerName struct{ written, canonical string }

func nameOf(written string) headerName {
	return headerName{written, http.CanonicalHeaderKey(written)}
}

// The headers of Standard Webhooks beside the signature, as http.Header has them.
const (
	idHeader        = "Webhook-Id"
	timestampHeader = "Webhook-Timestamp"
)

var (
	idName        = headerName{"webhook-id", idHeader}
	timestampName = headerName{"webhook-timestamp", timestampHeader}
)

// NewSigner prepares the keys. The error is a *ConfigError, and shows no secret.
func NewSigner(c Config, s Secrets) (*Signer, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	if c.Scheme == none {
		return &Signer{}, nil
	}
	signer := &Signer{
		standard: c.Scheme == standard,
		header:   nameOf(c.Header),
		previous: nameOf(c.Header + previousSuffix),
		oldUntil: s.PreviousUntil,
	}
	if signer.current, err = signingKey(c, s.Current); err != nil {
		return nil, err
	}
	if s.Previous == "" {
		return signer, nil
	}
	if signer.old, err = signingKey(c, s.Previous); err != nil {
		return nil, ofPrevious(err)
	}
	return signer, nil
}

func signingKey(c Config, secret string) (key, error) {
	m, err := signingMaterial(c.Scheme, secret)
	if err != nil {
		return nil, err
	}
	return newKey(c, m), nil
}

func ofPrevious(err error) error {
	var c *ConfigError
	if errors.As(err, &c) {
		return &ConfigError{c.Field, "the previous one: " + c.Message}
	}
	return err
}

// Format masks, whatever the verb.
func (s *Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "signature.Signer") }

// AppendLines appends the signature's headers for one attempt, made at the given
// time, to send body: each as a line of an HTTP/1.1 head, "Name: value" and CR
// LF, the name as it was configured. It never fails, does not keep body, and
// allocates nothing where dst has room.
//
// id is signed and sent by "standard" alone, as webhook-id. It must arrive as
// it is given: no control characters, no blanks at its ends.
func (s *Signer) AppendLines(dst []byte, id string, at time.Time, body []byte) []byte {
	if s.current == nil {
		return dst
	}
	w := borrow()
	dst = s.appendLines(dst, w, id, at, body)
	w.giveBack()
	return dst
}

func (s *Signer) appendLines(dst []byte, w *scratch, id string, at time.Time, body []byte) []byte {
	if s.standard {
		return s.appendStandard(dst, w, id, at, body)
	}
	return s.appendOverBody(dst, w, at, body)
}

func (s *Signer) oldHolds(at time.Time) bool {
	return s.old != nil && at.Before(s.oldUntil)
}

func (s *Signer) appendOverBody(dst []byte, w *scratch, at time.Time, body []byte) []byte {
	dst = append(s.current.append(s.header.begin(dst), w, nil, body), lineEnd...)
	if s.oldHolds(at) {
		dst = append(s.old.append(s.previous.begin(dst), w, nil, body), lineEnd...)
	}
	return dst
}

func (s *Signer) appendStandard(dst []byte, w *scratch, id string, at time.Time, body []byte) []byte {
	timestamp := w.setHeadAt(id, at.Unix())
	dst = append(append(idName.begin(dst), id...), lineEnd...)
	dst = append(append(timestampName.begin(dst), timestamp...), lineEnd...)
	dst = s.current.append(s.header.begin(dst), w, w.head, body)
	if s.oldHolds(at) {
		dst = s.old.append(append(dst, ' '), w, w.head, body)
	}
	return append(dst, lineEnd...)
}

const (
	nameEnd = ": "
	lineEnd = "\r\n"
)

func (n headerName) begin(dst []byte) []byte {
	return append(append(dst, n.written...), nameEnd...)
}

// Sign sets in h what AppendLines appends, and takes out what an earlier attempt
// with the previous secret left there.
func (s *Signer) Sign(h http.Header, id string, at time.Time, body []byte) {
	if s.current == nil {
		return
	}
	w := borrow()
	w.text = s.appendLines(w.text[:0], w, id, at, body)
	text := string(w.text)
	w.giveBack()
	names := [...]headerName{s.header, s.previous, {}}
	if s.standard {
		names = [...]headerName{idName, timestampName, s.header}
	} else if !s.oldHolds(at) && s.old != nil {
		delete(h, s.previous.canonical)
	}
	values := make([]string, 0, len(names))
	for line := range strings.SplitSeq(text[:len(text)-len(lineEnd)], lineEnd) {
		n := len(values)
		values = append(values, line[len(names[n].written)+len(nameEnd):])
		h[names[n].canonical] = values[n : n+1 : n+1]
	}
}
