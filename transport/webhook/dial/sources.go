package dial

import (
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/postrider/postrider/transport"
)

// sources are the addresses that connections are bound to, in turn.
type sources struct {
	v4, v6   []netip.Addr
	at4, at6 atomic.Uint32
}

// ErrNoSource says that the operator's source addresses cannot reach any of a name's.
var ErrNoSource = errors.New("no source address of the receiver's address family: add one to egress.source_ips")

func newSources(addrs []netip.Addr) (*sources, error) {
	s := new(sources)
	for _, addr := range addrs {
		switch {
		case !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast():
			return nil, &transport.FieldError{Field: "egress.source_ips", Value: addr.String(),
				Message: "not an address of this machine; give one that its interfaces have"}
		case addr.Unmap().Is4():
			s.v4 = append(s.v4, addr.Unmap())
		default:
			s.v6 = append(s.v6, addr)
		}
	}
	return s, nil
}

// usable keeps the addresses that a source address can reach.
func (s *sources) usable(addrs []netip.Addr) ([]netip.Addr, error) {
	if len(s.v4) == 0 && len(s.v6) == 0 {
		return addrs, nil
	}
	kept := make([]netip.Addr, 0, len(addrs))
	for _, addr := range addrs {
		if addr.Is4() && len(s.v4) > 0 || addr.Is6() && len(s.v6) > 0 {
			kept = append(kept, addr)
		}
	}
	if len(kept) == 0 {
		return nil, ErrNoSource
	}
	return kept, nil
}

// next is whose turn it is in addr's family; invalid where none is set.
func (s *sources) next(addr netip.Addr) netip.Addr {
	list, at := s.v4, &s.at4
	if addr.Is6() {
		list, at = s.v6, &s.at6
	}
	if len(list) == 0 {
		return netip.Addr{}
	}
	return list[(at.Add(1)-1)%uint32(len(list))]
}
