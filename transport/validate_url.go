package transport

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkURL refuses what could never be delivered to, and literal addresses
// that the sender would refuse to dial.
func checkURL(raw string, dev bool, allow []netip.Prefix) error {
	fault := func(message string) error { return wrongURL(raw, message) }
	switch {
	case raw == "":
		return fault("missing; give the https URL that events are to be posted to")
	case len(raw) > MaxURLLength:
		return fault(fmt.Sprintf("%d bytes long; at most %d", len(raw), MaxURLLength))
	case strings.ContainsFunc(raw, notPrintable):
		return fault("has a space or control character; write those as %20 and the like")
	case strings.Contains(raw, "#"):
		return fault("has a fragment (#…), which is never sent; leave it out")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fault("not a URL; give one such as https://example.com/hook")
	}
	switch {
	case u.User != nil:
		return wrong("url", "has user info before the @; send credentials in a header")
	case u.Scheme == "http" && !dev:
		return fault("http is not encrypted; give an https URL (http is for development nodes, serve --dev)")
	case u.Scheme != "https" && u.Scheme != "http":
		return fault("not an https URL; give one such as https://example.com/hook")
	case u.Hostname() == "":
		return fault("has no host; give one such as https://example.com/hook")
	case !validPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		return fault("has a bad port; give 1 to 65535, or none")
	}
	return checkHost(raw, u.Hostname(), dev, allow)
}

// wrongURL holds the URL as it was given, for the one who gave it; one that is
// too long to be any is cut.
func wrongURL(raw, message string) error {
	_, rest, _ := strings.Cut(raw, "//")
	authority, _, _ := strings.Cut(rest, "/")
	switch {
	case strings.Contains(authority, "@"):
		return wrong("url", message) // there may be a password in it
	case len(raw) > MaxURLLength:
		raw = shown(raw)
	}
	return &FieldError{Field: "url", Value: strings.ToValidUTF8(raw, "\uFFFD"), Message: message}
}

// SameHost tells whether two URLs lead to the same scheme, host and port.
func SameHost(a, b string) bool { return origin(a) == origin(b) && origin(a) != "" }

// origin is empty for what is no URL with a host.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Scheme) + "://" + strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") + ":" + port
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

// checkHost refuses hosts that are no public address by their spelling alone.
func checkHost(raw, host string, dev bool, allow []netip.Prefix) error {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return checkAddress(raw, host, addr, dev, allow)
	}
	if dev {
		return nil
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case last == "localhost":
		return wrongURL(raw, "names this machine itself; give a public host")
	case last == "" || last[0] >= '0' && last[0] <= '9':
		return wrongURL(raw, "is neither a host name nor an address in its usual form; give one such as example.com")
	}
	return nil
}

// checkAddress refuses what the sender's guard would refuse to dial.
func checkAddress(raw, host string, addr netip.Addr, dev bool, allow []netip.Prefix) error {
	network, near := SpecialNetwork(addr)
	if network == "" || near && dev || slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	return wrongURL(raw, "is no public address ("+network+"); give a public one, "+
		"or have the operator list it in egress.allow_cidrs")
}
