package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits on what an endpoint says about itself: name and description in
// characters, the secret in bytes.
const (
	MaxNameLength        = 200
	MaxDescriptionLength = 2000
	MaxSecretLength      = 1024
)

// Validate tells the first thing that is wrong with e, as a *FieldError whose
// Field is the JSON name, dotted where nested ("delivery.timeout"). Defaults
// are expected to be applied. With dev, http URLs and private addresses are
// allowed; allow lists the networks that are allowed besides public ones.
// Addresses behind names are checked when they are dialled. A secret that is
// there is checked for its length; its form belongs to the signature scheme.
// Filter, Body and expressions in headers are for payload.Check. Of a mailbox
// (kind email) there is an address in place of all that belongs to HTTP.
func (e *Endpoint) Validate(dev bool, allow ...netip.Prefix) error {
	checks := []func() error{
		func() error { return CheckCustomer(e.Customer) },
		e.checkTexts,
		func() error { return checkURL(e.URL, dev, allow) },
		e.checkProfile,
		e.checkEvents,
		e.checkHeaders,
		e.Signature.check,
		e.Delivery.check,
		e.TLS.check,
		e.Secrets.Check,
	}
	if e.Kind == KindEmail {
		checks = []func() error{
			func() error { return CheckCustomer(e.Customer) }, e.checkTexts, e.checkAddress, e.checkEvents, e.Delivery.check,
		}
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func wrong(field, message string) error { return &FieldError{Field: field, Message: message} }

func wrongValue(field, value, message string) error {
	return &FieldError{Field: field, Value: shown(value), Message: message}
}

func (e *Endpoint) checkTexts() error {
	if err := checkText("name", e.Name, MaxNameLength); err != nil {
		return err
	}
	return checkText("description", e.Description, MaxDescriptionLength)
}

func (e *Endpoint) checkAddress() error {
	_, err := CheckAddress("address", e.Address)
	return err
}

func checkText(field, s string, most int) error {
	switch n := utf8.RuneCountInString(s); {
	case !utf8.ValidString(s):
		return wrong(field, "not valid UTF-8")
	case n > most:
		return wrong(field, fmt.Sprintf("%d characters long; at most %d", n, most))
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return wrong(field, "has a control character; only line ends and tabs are allowed")
	}
	return nil
}

func (e *Endpoint) checkProfile() error {
	if _, known := profiles[e.Profile]; !known {
		return wrongValue("profile", e.Profile, "not a profile; choose genea, genlogs, standard or custom")
	}
	switch e.Format {
	case "genea", "genlogs", "standard", "cloudevents", "raw":
	default:
		return wrongValue("format", e.Format, "not a format; choose genea, genlogs, standard, cloudevents or raw")
	}
	switch {
	case e.Format != "genea" && e.Version != "":
		return wrongValue("version", e.Version, "belongs to the format genea alone; leave it out")
	case e.Format != "genea" || e.Version == "v1" || e.Version == "v2" || e.Version == "v3":
		return nil
	}
	return wrongValue("version", e.Version, "not a version; choose v1 (VertX hardware), v2 (Mercury) or v3 (both)")
}

func (e *Endpoint) checkEvents() error {
	if len(e.Events) == 0 {
		return wrong("events", `empty; give at least one pattern such as access.> or leave it out for the profile's own`)
	}
	if len(e.Events) > MaxPatterns {
		return wrong("events", fmt.Sprintf("%d patterns; at most %d: join some with * or >", len(e.Events), MaxPatterns))
	}
	for i, pattern := range e.Events {
		if err := CheckPattern(pattern); err != nil {
			return atIndex(err, "events", i)
		}
	}
	return nil
}

// atIndex gives a *FieldError the field of a list's element.
func atIndex(err error, field string, i int) error {
	var fe *FieldError
	if errors.As(err, &fe) {
		return &FieldError{Field: field + "[" + strconv.Itoa(i) + "]", Message: fe.Message, Value: fe.Value}
	}
	return err
}

// Check tells whether the secret has a length that is allowed; the *FieldError
// never holds it.
func (s Secrets) Check() error {
	if len(s.Current) > MaxSecretLength {
		return wrong("secret", fmt.Sprintf("%d bytes long; at most %d", len(s.Current), MaxSecretLength))
	}
	if s.Current != "" && len(s.Current) < MinSecretLength {
		return wrong("secret", fmt.Sprintf("%d bytes long; give %d or more, or leave it out to have one made", len(s.Current), MinSecretLength))
	}
	return nil
}

func (s Signature) check() error {
	switch s.Scheme {
	case "sequr", "genlogs", "standard", "hmac", "none":
	default:
		return wrongValue("signature.scheme", s.Scheme, "not a scheme; choose sequr, genlogs, standard, hmac or none")
	}
	switch {
	case s.Scheme == "hmac" && s.Header == "":
		return wrong("signature.header", "missing; the scheme hmac needs the name of a header such as X-Signature")
	case s.Header != "" && !isToken(s.Header):
		return wrongValue("signature.header", s.Header, "not a header name; letters, digits and - such as X-Signature")
	case s.Algorithm != "" && s.Algorithm != "sha1" && s.Algorithm != "sha256" && s.Algorithm != "sha512":
		return wrongValue("signature.algorithm", s.Algorithm, "not an algorithm; choose sha1, sha256 or sha512")
	case s.Encoding != "" && s.Encoding != "hex" && s.Encoding != "base64":
		return wrongValue("signature.encoding", s.Encoding, "not an encoding; choose hex or base64")
	case len(s.Prefix) > 128 || hasControl(s.Prefix):
		return wrong("signature.prefix", "too long or with control characters; at most 128 printable characters such as sha256=")
	}
	return nil
}

func (d *Delivery) check() error {
	switch timeout := time.Duration(d.Timeout); {
	case timeout < time.Second || timeout > time.Minute:
		return wrongValue("delivery.timeout", timeout.String(), "out of range; give 1s to 60s (1m)")
	case d.Concurrency < 1 || d.Concurrency > MaxConcurrency:
		return wrongValue("delivery.concurrency", strconv.Itoa(d.Concurrency), fmt.Sprintf("out of range; give 1 to %d", MaxConcurrency))
	case !(d.Jitter >= 0 && d.Jitter <= 0.5):
		return wrongValue("delivery.jitter", strconv.FormatFloat(d.Jitter, 'g', -1, 64), "out of range; give 0 to 0.5, the share by which waits vary")
	case d.Success != "200" && d.Success != "2xx":
		return wrongValue("delivery.success", d.Success, "not a policy; choose 200 or 2xx")
	case d.MaxAge < 0:
		return wrongValue("delivery.max_age", time.Duration(d.MaxAge).String(), "negative; give a duration such as 24h, or leave it empty for no limit")
	case len(d.Schedule) > MaxSchedule:
		return wrong("delivery.schedule", fmt.Sprintf("%d waits; at most %d", len(d.Schedule), MaxSchedule))
	case d.MaxWaiting < 1 || d.MaxWaiting > MaxWaitingEvents:
		return wrongValue("delivery.max_waiting", strconv.Itoa(d.MaxWaiting), fmt.Sprintf("out of range; give 1 to %d", MaxWaitingEvents))
	}
	if err := d.checkRate(); err != nil {
		return err
	}
	for i, wait := range d.Schedule {
		if wait <= 0 || time.Duration(wait) > MaxRetryWait {
			return wrongValue("delivery.schedule["+strconv.Itoa(i)+"]", time.Duration(wait).String(), "out of range; a wait is more than 0s and at most 24h")
		}
	}
	return nil
}

// minRate is one delivery in about a quarter of an hour.
const minRate = 0.001

func (d *Delivery) checkRate() error {
	switch {
	case !(d.Rate == 0 || d.Rate >= minRate && d.Rate <= MaxRate):
		return wrongValue("delivery.rate", strconv.FormatFloat(d.Rate, 'g', -1, 64),
			fmt.Sprintf("out of range; give %g to %d deliveries a second, or 0 for no limit", minRate, MaxRate))
	case d.Burst < 0 || d.Burst > MaxBurst:
		return wrongValue("delivery.burst", strconv.Itoa(d.Burst), fmt.Sprintf("out of range; give 1 to %d, or leave it out for twice the rate", MaxBurst))
	case d.Rate == 0 && d.Burst != 0:
		return wrongValue("delivery.burst", strconv.Itoa(d.Burst), "belongs to a rate; set delivery.rate too, or leave it out")
	}
	return nil
}
