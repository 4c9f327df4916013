package dial

import (
	"fmt"
	"net/netip"

	"github.com/postrider/postrider/transport"
)

// guard says which addresses may be dialled.
type guard struct {
	dev   bool
	allow []netip.Prefix
}

// AddressRefused is an address that may not be dialled.
type AddressRefused struct {
	addr    netip.Addr
	network string
}

// Error implements error.
func (e *AddressRefused) Error() string {
	return fmt.Sprintf("%s is a %s address", e.addr, e.network)
}

// check allows public addresses, those listed by the operator and, on a
// development node, this machine's and private ones. A listed IPv4 network
// does not take in the IPv6 forms that embed it.
func (g *guard) check(addr netip.Addr) error {
	name, near := transport.SpecialNetwork(addr)
	if name == "" || near && g.dev {
		return nil
	}
	for _, p := range g.allow {
		if p.Contains(addr) {
			return nil
		}
	}
	return &AddressRefused{addr, name}
}
