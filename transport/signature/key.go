package signature

import (
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// key is a secret made ready. What is signed is head followed by body; head is
// empty but for Standard Webhooks. Keys are safe for concurrent use, each
// caller with its own scratch.
type key interface {
	// append adds the signature to dst as the header has it, prefix and all.
	append(dst []byte, w *scratch, head, body []byte) []byte
	// check tells whether one of the candidates is this key's signature.
	check(w *scratch, candidates []string, head, body []byte) bool
	// form is what a signature of this key looks like.
	form() form
}

// newKey prepares m for signing (and verifying) under the resolved c.
func newKey(c Config, m material) key {
	if m.public != nil {
		return &edKey{m}
	}
	return newHMACKey(c, m.symmetric)
}

// form is the look of a signature: a prefix, then so many characters.
type form struct {
	prefix string
	length int
	base64 bool
}

// fits tells whether s has this form, whoever made it.
func (f form) fits(s string) bool {
	text, found := strings.CutPrefix(s, f.prefix)
	if !found || len(text) != f.length {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return !f.digit(r) })
}

func (f form) digit(r rune) bool {
	if !f.base64 {
		return '0' <= r && r <= '9' || 'a' <= r && r <= 'f'
	}
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		r == '+' || r == '/' || r == '='
}

// edKey is an ed25519 key of Standard Webhooks.
type edKey struct{ material }

const edPrefix = "v1a,"

func (k *edKey) form() form {
	return form{edPrefix, base64.StdEncoding.EncodedLen(ed25519.SignatureSize), true}
}

func (k *edKey) append(dst []byte, w *scratch, head, body []byte) []byte {
	dst = append(dst, edPrefix...)
	return base64.StdEncoding.AppendEncode(dst, ed25519.Sign(k.private, w.join(head, body)))
}

func (k *edKey) check(w *scratch, candidates []string, head, body []byte) bool {
	message := w.join(head, body)
	for _, c := range candidates {
		if !k.form().fits(c) {
			continue
		}
		// Strict, so that one signature has one spelling.
		sig, err := base64.StdEncoding.Strict().DecodeString(c[len(edPrefix):])
		if err == nil && len(sig) == ed25519.SignatureSize && ed25519.Verify(k.public, message, sig) {
			return true
		}
	}
	return false
}

// matches compares the texts of signatures, not their bytes: so that one
// signature has one spelling, and nothing is decoded before it is trusted.
func matches(expected []byte, candidates []string) bool {
	found := 0
	for _, c := range candidates {
		found |= subtle.ConstantTimeCompare(expected, []byte(c))
	}
	return found == 1
}
