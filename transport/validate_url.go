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
	fault := func(message string) error { return wrong("url", message) }
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
		return fault("has user info before the @; send credentials in a header")
	case u.Scheme == "http" && !dev:
		return fault("http is not encrypted; give an https URL (http is for development nodes, serve --dev)")
	case u.Scheme != "https" && u.Scheme != "http":
		return fault("not an https URL; give one such as https://example.com/hook")
	case u.Hostname() == "":
		return fault("has no host; give one such as https://example.com/hook")
	case !validPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		return fault("has a bad port; give 1 to 65535, or none")
	}
	if dev {
		return nil
	}
	return checkHost(u.Hostname(), allow)
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

// checkHost refuses hosts that are no public address by their spelling alone.
func checkHost(host string, allow []netip.Prefix) error {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		if publicAddress(addr) || slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) }) {
			return nil
		}
		return wrongValue("url", host, "names a private, loopback or otherwise not public address; give a public one, "+
			"or have the operator list it in egress.allow_cidrs")
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case last == "localhost":
		return wrongValue("url", host, "names this machine itself; give a public host")
	case last == "" || last[0] >= '0' && last[0] <= '9':
		return wrongValue("url", host, "is neither a host name nor an address in its usual form; give one such as example.com")
	}
	return nil
}

// notPublic holds the special-purpose networks (IANA's registries) that a
// receiver on the internet cannot have, with those that embed IPv4 addresses.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
	"2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/9", "ff00::/8",
)

func prefixes(all ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(all))
	for i, s := range all {
		list[i] = netip.MustParsePrefix(s)
	}
	return list
}

func publicAddress(addr netip.Addr) bool {
	return addr.Zone() == "" && !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(addr) })
}
