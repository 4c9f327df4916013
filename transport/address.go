package transport

import "net/netip"

// network is a special-purpose range that no receiver on the internet has.
type network struct {
	netip.Prefix
	name string
	// near: allowed on a development node.
	near bool
}

// specialNetworks follow IANA's registries, and add the metadata services of
// clouds. Of overlapping ranges the first gives the name. What embeds an IPv4
// address is refused whole, whatever it embeds.
var specialNetworks = []network{
	special("169.254.169.254/32", "metadata service"), special("168.63.129.16/32", "metadata service"),
	special("100.100.100.200/32", "metadata service"), special("fd00:ec2::254/128", "metadata service"),

	special("0.0.0.0/8", "unspecified"),
	near("10.0.0.0/8", "private"), near("172.16.0.0/12", "private"), near("192.168.0.0/16", "private"),
	near("127.0.0.0/8", "loopback"), near("169.254.0.0/16", "link-local"), near("100.64.0.0/10", "carrier-grade NAT"),
	special("192.0.0.0/24", "protocol assignments"), special("192.88.99.0/24", "6to4 relay"),
	special("192.0.2.0/24", "documentation"), special("198.51.100.0/24", "documentation"),
	special("203.0.113.0/24", "documentation"), special("198.18.0.0/15", "benchmarking"),
	special("224.0.0.0/4", "multicast"), special("255.255.255.255/32", "broadcast"), special("240.0.0.0/4", "reserved"),

	special("::/128", "unspecified"), near("::1/128", "loopback"),
	special("::ffff:0:0/96", "IPv4-mapped"), special("::/96", "IPv4-compatible"),
	special("64:ff9b::/96", "NAT64"), special("64:ff9b:1::/48", "NAT64"), special("2002::/16", "6to4"),
	special("2001::/32", "Teredo"), special("2001::/23", "protocol assignments"),
	special("2001:db8::/32", "documentation"), special("3fff::/20", "documentation"),
	near("fc00::/7", "unique local"), near("fe80::/10", "link-local"), special("fec0::/10", "site-local"),
	special("ff00::/8", "multicast"),
	// Of all else in IPv6, 2000::/3 alone is given out.
	special("::/3", "reserved"), special("4000::/2", "reserved"), special("8000::/1", "reserved"),
}

func special(prefix, name string) network { return network{netip.MustParsePrefix(prefix), name, false} }

func near(prefix, name string) network { return network{netip.MustParsePrefix(prefix), name, true} }

// SpecialNetwork names the network that makes addr no public address, in words
// ("loopback", "private", "IPv4-mapped", …); "" is a public one. near tells
// that a development node may use it all the same.
func SpecialNetwork(addr netip.Addr) (name string, near bool) {
	if !addr.IsValid() {
		return "invalid", false
	}
	if addr.Zone() != "" {
		return "zoned", false
	}
	for i := range specialNetworks {
		if n := &specialNetworks[i]; n.Contains(addr) {
			return n.name, n.near
		}
	}
	if inner, is := isatap(addr); is {
		if name, _ := SpecialNetwork(inner); name != "" {
			return "ISATAP of " + name, false
		}
	}
	return "", false
}

// isatap gives the IPv4 address in an interface identifier 0:5efe or 200:5efe.
func isatap(addr netip.Addr) (inner netip.Addr, is bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	if b[8]&^2 != 0 || b[9] != 0 || b[10] != 0x5e || b[11] != 0xfe {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(b[12:])), true
}
