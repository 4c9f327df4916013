package transport

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// KindEmail is the Kind of an endpoint that is a mailbox.
const KindEmail = "email"

// Limits of RFC 5321 on an address, in bytes.
const (
	MaxAddressLength = 254
	maxLocalLength   = 64
	maxLabelLength   = 63
)

// MailboxID is the id of the customer's endpoint of kind email at address: a
// UUIDv5, the same for every spelling that CheckAddress takes as one.
func MailboxID(customer, address string) string {
	return nameUUID("mailbox", customer, foldDomain(address))
}

// MailID is what a mail about an event is known by at one endpoint, whatever
// the attempt: a UUIDv5, for the left of its Message-ID.
func MailID(event, endpoint string) string { return nameUUID("mail", event, endpoint) }

// names is the namespace of our UUIDs, 49530f76-4d17-5233-8bf2-4c517bc27c8c.
var names = [16]byte{0x49, 0x53, 0x0f, 0x76, 0x4d, 0x17, 0x52, 0x33, 0x8b, 0xf2, 0x4c, 0x51, 0x7b, 0xc2, 0x7c, 0x8c}

// nameUUID is the UUIDv5 (RFC 9562) of parts; SHA-1 is the form's own, and
// nothing's security hangs on it.
func nameUUID(parts ...string) string {
	sum := sha1.Sum(append(names[:], strings.Join(parts, "\x00")...))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	text := hex.EncodeToString(u)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// CheckAddress takes one plain mail address such as ops@example.com and gives
// it with its domain in lower case, otherwise as it is. Refused, with a
// *FieldError of field, are display names, quoted or commented forms, literal
// IP addresses, and what is longer than RFC 5321 allows. A domain with letters
// beyond ASCII stays as it is.
func CheckAddress(field, given string) (string, error) {
	address := foldDomain(given)
	fault := func(message string) (string, error) { return "", wrongValue(field, given, message) }
	switch {
	case address == "":
		return "", wrong(field, "missing; give a mail address such as ops@example.com")
	case len(address) > MaxAddressLength:
		return fault(fmt.Sprintf("%d bytes long; at most %d", len(address), MaxAddressLength))
	case !utf8.ValidString(given) || strings.ContainsFunc(address, notInAddress):
		return fault("has a blank, a control or an invisible character; give a mail address such as ops@example.com")
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return fault("not one plain mail address; give one such as ops@example.com, without a name, quotes or brackets")
	}
	at := strings.LastIndexByte(address, '@')
	if at > maxLocalLength {
		return fault(fmt.Sprintf("has %d bytes before the @; at most %d", at, maxLocalLength))
	}
	if !validDomain(address[at+1:]) {
		return fault("has no domain name after the @; give an address such as ops@example.com")
	}
	return address, nil
}

func foldDomain(address string) string {
	at := strings.LastIndexByte(address, '@')
	return address[:at+1] + strings.ToLower(address[at+1:])
}

func notInAddress(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// validDomain takes names of two labels or more, and localhost.
func validDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) == 1 && !strings.EqualFold(domain, "localhost") {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > maxLabelLength || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

func notInLabel(r rune) bool {
	if r < utf8.RuneSelf {
		return r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	return !unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}
