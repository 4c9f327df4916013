package transport

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxCustomerLength is the most bytes of a customer's id.
const MaxCustomerLength = 64

const (
	eventsRoot     = "events"
	opsRoot        = "ops"
	detectionsRoot = "detections"
)

// EventSubject gives the NATS subject events.<customer>.<type> that a producer
// publishes on. Types below "ops" are refused: those are Postrider's own, see
// OpsSubject. The error is a *FieldError naming customer or type.
func EventSubject(customer, typ string) (string, error) {
	if err := CheckCustomer(customer); err != nil {
		return "", err
	}
	if err := CheckType(typ); err != nil {
		return "", err
	}
	if reserved(typ) {
		return "", &FieldError{Field: "type", Value: typ,
			Message: `types below "ops" are published by Postrider alone; choose another first word`}
	}
	return eventsRoot + "." + customer + "." + typ, nil
}

// OpsSubject gives the subject ops.<customer>.<what> that Postrider reports on;
// the event's type is then "ops.<what>".
func OpsSubject(customer, what string) (string, error) {
	if err := CheckCustomer(customer); err != nil {
		return "", err
	}
	if err := CheckType(opsRoot + "." + what); err != nil {
		return "", err
	}
	return opsRoot + "." + customer + "." + what, nil
}

// ParseEventSubject reads events.<customer>.<type> and ops.<customer>.<what>
// (type "ops.<what>"). It accepts exactly what EventSubject and OpsSubject make.
func ParseEventSubject(subject string) (customer, typ string, err error) {
	root, rest, _ := strings.Cut(subject, ".")
	customer, typ, found := strings.Cut(rest, ".")
	if root != eventsRoot && root != opsRoot || !found {
		return "", "", &FieldError{Field: "subject", Value: shown(subject),
			Message: "not events.<customer>.<type>, e.g. events.acme.access.granted"}
	}
	if root == opsRoot {
		typ = opsRoot + "." + typ
	}
	if err := CheckCustomer(customer); err != nil {
		return "", "", err
	}
	if err := CheckType(typ); err != nil {
		return "", "", err
	}
	if root == eventsRoot && reserved(typ) {
		return "", "", &FieldError{Field: "type", Value: typ,
			Message: `types below "ops" are published by Postrider alone; choose another first word`}
	}
	return customer, typ, nil
}

// CheckDetectionSubject tells whether subject is detections.<words>, which
// producers publish detections on; the words are theirs to choose.
func CheckDetectionSubject(subject string) error {
	words, found := strings.CutPrefix(subject, detectionsRoot+".")
	if !found {
		return &FieldError{Field: "subject", Value: shown(subject), Message: "not detections.<words>, e.g. detections.i45.north"}
	}
	return checkTokens("subject", words, false)
}

// CheckCustomer tells whether id is 1 to 64 of A-Z a-z 0-9 _ -.
func CheckCustomer(id string) error {
	if id == "" {
		return &FieldError{Field: "customer", Message: "empty; give 1 to 64 of A-Z a-z 0-9 _ -"}
	}
	if len(id) > MaxCustomerLength {
		return &FieldError{Field: "customer", Value: shown(id),
			Message: strconv.Itoa(len(id)) + " bytes long; give 1 to 64 of A-Z a-z 0-9 _ -"}
	}
	for i := 0; i < len(id); i++ {
		if !customerByte(id[i]) {
			r, _ := utf8.DecodeRuneInString(id[i:])
			return &FieldError{Field: "customer", Value: shown(id),
				Message: "has " + strconv.QuoteRune(r) + "; give 1 to 64 of A-Z a-z 0-9 _ -"}
		}
	}
	return nil
}

func customerByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// CheckType tells whether typ is an event type: dot-separated tokens, none
// empty, no spaces, control characters or wildcards, at most MaxTypeLength bytes.
func CheckType(typ string) error { return checkTokens("type", typ, false) }

// CheckPattern tells whether pattern is a NATS pattern over types: a token "*"
// stands for any one token, a last ">" for one or more.
func CheckPattern(pattern string) error { return checkTokens("events", pattern, true) }

func checkTokens(field, s string, wildcards bool) error {
	fault := func(message string) error {
		return &FieldError{Field: field, Value: shown(s), Message: message}
	}
	if s == "" {
		return fault("empty; give dot-separated words, e.g. access.granted")
	}
	if len(s) > MaxTypeLength {
		return fault(strconv.Itoa(len(s)) + " bytes long; at most " + strconv.Itoa(MaxTypeLength))
	}
	if !utf8.ValidString(s) {
		return fault("not valid UTF-8")
	}
	for rest, more := s, true; more; {
		var token string
		token, rest, more = strings.Cut(rest, ".")
		switch {
		case token == "":
			return fault("has an empty word; dots stand between words, e.g. access.granted")
		case strings.ContainsFunc(token, notPrintable):
			return fault("has a space or control character")
		case !strings.ContainsAny(token, "*>"):
		case !wildcards:
			return fault("has a wildcard; * and > are for patterns only")
		case token == ">" && more:
			return fault("has > before its end; > is the last word only")
		case token != "*" && token != ">":
			return fault("has a wildcard inside a word; * and > stand for whole words")
		}
	}
	return nil
}

func notPrintable(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// MatchType tells whether typ is one that pattern wants, both being valid.
// A plain ">" does not take in types below "ops": ask for those with "ops.>".
func MatchType(pattern, typ string) bool {
	if pattern == ">" {
		return !reserved(typ)
	}
	for {
		p, pRest, pMore := strings.Cut(pattern, ".")
		if p == ">" && !pMore {
			return true
		}
		t, tRest, tMore := strings.Cut(typ, ".")
		if p != "*" && p != t {
			return false
		}
		if !pMore || !tMore {
			return pMore == tMore
		}
		pattern, typ = pRest, tRest
	}
}

// reserved tells whether typ is "ops" or below it.
func reserved(typ string) bool {
	return strings.HasPrefix(typ, opsRoot) && (len(typ) == len(opsRoot) || typ[len(opsRoot)] == '.')
}

// shown bounds an outside value for an error.
func shown(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
