package transport

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// sourceDigits are the hex digits of a source's hash in an event's id.
	sourceDigits = 16
	// MaxEventID is the most bytes of Event.ID: a producer's id and its source's hash.
	MaxEventID = MaxIDLength + 1 + sourceDigits
)

// EventID brings an id to the one form that headers, signatures, the log and
// dedup have of it, whatever way it came in: visible ASCII. Blanks at its ends
// are left out, as headers lose them on their way; what else is beyond visible
// ASCII is percent-encoded, byte by byte. What has this form already stays as
// it is. "" gives "": no id. The error is a *FieldError: the id is over
// MaxIDLength bytes long in this form, or has a control character.
func EventID(id string) (string, error) {
	id = strings.Trim(id, " \t\r\n")
	for i := range len(id) {
		if !visible(id[i]) {
			return checkedID(percentEncoded(id, i), id)
		}
	}
	return checkedID(id, id)
}

func visible(b byte) bool { return b > ' ' && b < 0x7f }

// percentEncoded encodes what is not visible from the byte at on.
func percentEncoded(id string, at int) string {
	const digits = "0123456789ABCDEF"
	out := append(make([]byte, 0, 3*len(id)), id[:at]...)
	for i := at; i < len(id); i++ {
		if b := id[i]; visible(b) {
			out = append(out, b)
		} else {
			out = append(out, '%', digits[b>>4], digits[b&15])
		}
	}
	return string(out)
}

func checkedID(id, given string) (string, error) {
	switch {
	case strings.ContainsFunc(given, unicode.IsControl):
		return "", &FieldError{Field: "id", Value: shown(given), Message: "has a control character; leave those out"}
	case len(id) > MaxIDLength:
		return "", &FieldError{Field: "id", Value: shown(given),
			Message: strconv.Itoa(len(id)) + " bytes long, what is no visible ASCII percent-encoded; at most " + strconv.Itoa(MaxIDLength)}
	}
	return id, nil
}

// SourcedID is the id of an event from a CloudEvents source: two sources' same
// id are two events, for dedup and for receivers. Without a source it is id.
func SourcedID(id, source string) string {
	if id == "" || source == "" {
		return id
	}
	sum := sha256.Sum256([]byte(source))
	return id + "_" + hex.EncodeToString(sum[:sourceDigits/2])
}

// CheckID tells whether id can be an event's id: 1 to MaxIDLength bytes of
// UTF-8 without control characters, no space at either end.
func CheckID(id string) error {
	fault := func(message string) error {
		return &FieldError{Field: "id", Value: shown(id), Message: message}
	}
	switch {
	case id == "":
		return fault("empty; leave it out, or give up to " + strconv.Itoa(MaxIDLength) + " bytes")
	case len(id) > MaxIDLength:
		return fault(strconv.Itoa(len(id)) + " bytes long; at most " + strconv.Itoa(MaxIDLength))
	case !utf8.ValidString(id):
		return fault("not valid UTF-8")
	case strings.ContainsFunc(id, unicode.IsControl):
		return fault("has a control character")
	case strings.TrimSpace(id) != id:
		return fault("begins or ends with a space")
	}
	return nil
}
