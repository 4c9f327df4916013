package transport

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
)

// TestSpecialNetworksAtTheirEdges: each range's first and last address belongs
// to it, and those beside it do not (or belong to the neighbour that is named).
func TestSpecialNetworksAtTheirEdges(t *testing.T) {
	for _, c := range []struct{ network, before, first, last, after string }{
		{"unspecified", "", "0.0.0.0", "0.255.255.255", "1.0.0.0="},
		{"private", "9.255.255.255=", "10.0.0.0", "10.255.255.255", "11.0.0.0="},
		{"carrier-grade NAT", "100.63.255.255=", "100.64.0.0", "100.127.255.255", "100.128.0.0="},
		{"loopback", "126.255.255.255=", "127.0.0.0", "127.255.255.255", "128.0.0.0="},
		{"link-local", "169.253.255.255=", "169.254.0.0", "169.254.255.255", "169.255.0.0="},
		{"metadata service", "169.254.169.253=link-local", "169.254.169.254", "169.254.169.254", "169.254.169.255=link-local"},
		{"metadata service", "168.63.129.15=", "168.63.129.16", "168.63.129.16", "168.63.129.17="},
		{"metadata service", "100.100.100.199=carrier-grade NAT", "100.100.100.200", "100.100.100.200", "100.100.100.201=carrier-grade NAT"},
		{"private", "172.15.255.255=", "172.16.0.0", "172.31.255.255", "172.32.0.0="},
		{"protocol assignments", "191.255.255.255=", "192.0.0.0", "192.0.0.255", "192.0.1.0="},
		{"documentation", "192.0.1.255=", "192.0.2.0", "192.0.2.255", "192.0.3.0="},
		{"6to4 relay", "192.88.98.255=", "192.88.99.0", "192.88.99.255", "192.88.100.0="},
		{"private", "192.167.255.255=", "192.168.0.0", "192.168.255.255", "192.169.0.0="},
		{"benchmarking", "198.17.255.255=", "198.18.0.0", "198.19.255.255", "198.20.0.0="},
		{"documentation", "198.51.99.255=", "198.51.100.0", "198.51.100.255", "198.51.101.0="},
		{"documentation", "203.0.112.255=", "203.0.113.0", "203.0.113.255", "203.0.114.0="},
		{"multicast", "223.255.255.255=", "224.0.0.0", "239.255.255.255", "240.0.0.0=reserved"},
		{"reserved", "239.255.255.255=multicast", "240.0.0.0", "255.255.255.254", "255.255.255.255=broadcast"},

		{"unspecified", "", "::", "::", "::1=loopback"},
		{"loopback", "::=unspecified", "::1", "::1", "::2=IPv4-compatible"},
		{"IPv4-compatible", "::1=loopback", "::2", "::ffff:ffff", "::1:0:0=reserved"},
		{"IPv4-mapped", "::fffe:ffff:ffff=reserved", "::ffff:0:0", "::ffff:ffff:ffff", "::1:0:0:0=reserved"},
		{"NAT64", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff=reserved", "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9b::1:0:0=reserved"},
		{"NAT64", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff=reserved", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::=reserved"},
		{"Teredo", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff=", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2001:1::=protocol assignments"},
		{"protocol assignments", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff=Teredo", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::="},
		{"documentation", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff=", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::="},
		{"6to4", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff=", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::="},
		{"documentation", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff=", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::="},
		{"reserved", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff=", "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::=unique local"},
		{"unique local", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff=reserved", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::=reserved"},
		{"metadata service", "fd00:ec2::253=unique local", "fd00:ec2::254", "fd00:ec2::254", "fd00:ec2::255=unique local"},
		{"link-local", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff=reserved", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::=site-local"},
		{"site-local", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff=link-local", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::=multicast"},
		{"multicast", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff=site-local", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
		{"ISATAP of private", "2a00::5efe:9.255.255.255=", "2a00::5efe:10.0.0.0", "2a00::200:5efe:10.255.255.255", "2a00::200:5efe:11.0.0.0="},
	} {
		expect(t, c.first, c.network)
		expect(t, c.last, c.network)
		for _, beside := range []string{c.before, c.after} {
			if addr, network, given := strings.Cut(beside, "="); given {
				expect(t, addr, network)
			}
		}
	}
	for _, public := range []string{"1.1.1.1", "8.8.8.8", "34.205.175.141", "2606:4700::1111", "2a00:1450:4001::200e"} {
		expect(t, public, "")
	}
	expect(t, "fe80::1%eth0", "zoned")
	expect(t, "2606:4700::1111%1", "zoned")
	if name, _ := SpecialNetwork(netip.Addr{}); name == "" {
		t.Error("no address at all counts as public")
	}
}

func expect(t *testing.T, addr, network string) {
	t.Helper()
	if got, _ := SpecialNetwork(netip.MustParseAddr(addr)); got != network {
		t.Errorf("%s is %q, want %q", addr, got, network)
	}
}

// FuzzSpecialNetwork: whatever embeds an IPv4 address that is not public is
// not public either, and none of those forms is near.
func FuzzSpecialNetwork(f *testing.F) {
	for _, seed := range []uint32{0, 0x7f000001, 0x0a000001, 0xa9fea9fe, 0x08080808, 0xffffffff} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, n uint32) {
		var v4 [4]byte
		binary.BigEndian.PutUint32(v4[:], n)
		plain, _ := SpecialNetwork(netip.AddrFrom4(v4))
		for prefix, at := range map[string]int{
			"::ffff:0:0": 12, "::": 12, "64:ff9b::": 12, "64:ff9b:1::": 12, "2002::": 2,
			"2606:4700::5efe:0:0": 12, "2606:4700::200:5efe:0:0": 12,
		} {
			b := netip.MustParseAddr(prefix).As16()
			copy(b[at:], v4[:])
			addr := netip.AddrFrom16(b)
			name, near := SpecialNetwork(addr)
			if plain != "" && name == "" || near && addr != netip.IPv6Loopback() {
				t.Errorf("%s (%s) as %s: %q, near %v", netip.AddrFrom4(v4), plain, addr, name, near)
			}
		}
	})
}
