package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Masked stands where a header's value is not shown.
const Masked = "***"

const (
	maxHeaderName = 128
	maxPEM        = 64 << 10
)

// reservedHeaders belong to the connection, the request or the sender; in
// lower case. Those that begin with "proxy-" are reserved too.
var reservedHeaders = []string{
	"accept-encoding", "connection", "content-encoding", "content-length", "content-type",
	"expect", "host", "http2-settings", "keep-alive", "proxy", "te", "traceparent", "tracestate",
	"trailer", "transfer-encoding", "upgrade",
	"webhook-id", "webhook-signature", "webhook-timestamp",
	"x-genlogs-event", "x-genlogs-signature", "x-genlogs-signature-previous", "x-genlogs-timestamp",
	"x-sequr-signature", "x-sequr-signature-previous",
}

// checkHeaders looks in order of names, so that the same input gives the same error.
func (e *Endpoint) checkHeaders() error {
	if len(e.Headers) > MaxHeaders {
		return wrong("headers", fmt.Sprintf("%d headers; at most %d", len(e.Headers), MaxHeaders))
	}
	names := make([]string, 0, len(e.Headers))
	for name := range e.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		lower := strings.ToLower(name)
		if err := e.checkHeaderName(name, lower); err != nil {
			return err
		}
		if seen[lower] {
			return wrong("headers."+name, "is given twice with other capitals; header names are case-blind, keep one")
		}
		seen[lower] = true
		if err := checkHeaderValue("headers."+name, e.Headers[name]); err != nil {
			return err
		}
	}
	return nil
}

func (e *Endpoint) checkHeaderName(name, lower string) error {
	if name == "" || len(name) > maxHeaderName || !isToken(name) {
		return wrongValue("headers", name, "has a name that is no header's; letters, digits and - such as X-Api-Key")
	}
	own := strings.ToLower(e.Signature.Header)
	if slices.Contains(reservedHeaders, lower) || strings.HasPrefix(lower, "proxy-") ||
		own != "" && (lower == own || lower == own+"-previous") {
		return wrong("headers."+name, "is set by the sender itself; leave it out")
	}
	return nil
}

// checkHeaderValue never repeats the value: it may be a credential.
func checkHeaderValue(field, value string) error {
	switch {
	case len(value) > MaxHeaderValue:
		return wrong(field, fmt.Sprintf("%d bytes long; at most %d", len(value), MaxHeaderValue))
	case !utf8.ValidString(value):
		return wrong(field, "not valid UTF-8")
	case hasControl(value):
		return wrong(field, "has a control character; give one line of text")
	case strings.TrimSpace(value) != value:
		return wrong(field, "begins or ends with a blank, which is not sent; leave it out")
	case value == Masked:
		return wrong(field, "is "+Masked+", the mask of a value that is not shown; give the value")
	}
	return nil
}

func (t TLS) check() error {
	for _, f := range []struct{ field, pem string }{
		{"tls.client_certificate", t.ClientCertificate}, {"tls.client_key", t.ClientKey}, {"tls.ca", t.CA},
	} {
		if len(f.pem) > maxPEM {
			return wrong(f.field, fmt.Sprintf("%d bytes long; at most %d", len(f.pem), maxPEM))
		}
	}
	switch {
	case t.ClientCertificate != "" && t.ClientKey == "":
		return wrong("tls.client_key", "missing; give the key of tls.client_certificate too, as PEM")
	case t.ClientCertificate == "" && t.ClientKey != "":
		return wrong("tls.client_certificate", "missing; give the certificate of tls.client_key too, as PEM")
	}
	if t.ClientKey != "" {
		if _, err := tls.X509KeyPair([]byte(t.ClientCertificate), []byte(t.ClientKey)); err != nil {
			return wrong("tls.client_certificate", "is no PEM certificate, or tls.client_key is not its key; give both as PEM")
		}
	}
	if t.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(t.CA)) {
		return wrong("tls.ca", "holds no certificate; give one or more as PEM")
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// isToken tells whether s may be a header's name (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}
