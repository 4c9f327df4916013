package signature

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The headers of Standard Webhooks, as http.Header has them.
const (
	idHeader        = "Webhook-Id"
	timestampHeader = "Webhook-Timestamp"
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
	standard         bool
	header, previous string
	current, old     key
	oldUntil         time.Time
}

// NewSigner prepares the keys. The error is a *ConfigError, and shows no secret.
func NewSigner(c Config, s Secrets) (*Signer, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	if c.Scheme == none {
		return &Signer{}, nil
	}
	header := http.CanonicalHeaderKey(c.Header)
	signer := &Signer{
		standard: c.Scheme == standard,
		header:   header,
		previous: http.CanonicalHeaderKey(header + previousSuffix),
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

// Sign sets the signature's headers for one attempt, made at the given time,
// to send body; it replaces what an earlier attempt left in h. It never fails,
// and does not keep body.
//
// id is signed and sent by "standard" alone, as webhook-id. It must arrive as
// it is given: no control characters, no blanks at its ends.
func (s *Signer) Sign(h http.Header, id string, at time.Time, body []byte) {
	if s.current == nil {
		return
	}
	w := borrow()
	if s.standard {
		s.signStandard(w, h, id, at, body)
	} else {
		s.signBody(w, h, at, body)
	}
	w.giveBack()
}

func (s *Signer) oldHolds(at time.Time) bool {
	return s.old != nil && at.Before(s.oldUntil)
}

// signBody leaves one string and one slice behind, shared by both headers.
func (s *Signer) signBody(w *scratch, h http.Header, at time.Time, body []byte) {
	w.text = s.current.append(w.text[:0], w, nil, body)
	if !s.oldHolds(at) {
		h[s.header] = []string{string(w.text)}
		if s.old != nil {
			delete(h, s.previous)
		}
		return
	}
	end := len(w.text)
	w.text = s.old.append(w.text, w, nil, body)
	text := string(w.text)
	values := []string{text[:end], text[end:]}
	h[s.header], h[s.previous] = values[0:1:1], values[1:2:2]
}

// signStandard leaves one string and one slice behind, shared by all headers.
func (s *Signer) signStandard(w *scratch, h http.Header, id string, at time.Time, body []byte) {
	timestamp := w.setHeadAt(id, at.Unix())
	w.text = append(w.text[:0], timestamp...)
	end := len(w.text)
	w.text = s.current.append(w.text, w, w.head, body)
	if s.oldHolds(at) {
		w.text = s.old.append(append(w.text, ' '), w, w.head, body)
	}
	text := string(w.text)
	values := []string{id, text[:end], text[end:]}
	h[idHeader], h[timestampHeader], h[s.header] = values[0:1:1], values[1:2:2], values[2:3:3]
}
