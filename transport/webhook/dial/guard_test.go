package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	listed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16")}
	for addr, c := range map[string]struct{ production, dev, listed bool }{
		"8.8.8.8":          {true, true, true},
		"2606:4700::1111":  {true, true, true},
		"127.0.0.1":        {false, true, false},
		"::1":              {false, true, false},
		"10.1.2.3":         {false, true, true},
		"10.2.2.3":         {false, true, false},
		"fd12::1":          {false, true, true},
		"192.168.1.1":      {false, true, false},
		"169.254.169.254":  {false, false, false},
		"fd00:ec2::254":    {false, false, false},
		"224.0.0.1":        {false, false, false},
		"0.0.0.0":          {false, false, false},
		"255.255.255.255":  {false, false, false},
		"::ffff:10.1.2.3":  {false, false, false},
		"::ffff:8.8.8.8":   {false, false, false},
		"64:ff9b::a01:203": {false, false, false},
		"fe80::1%eth0":     {false, false, false},
	} {
		a := netip.MustParseAddr(addr)
		got := []bool{(&guard{}).check(a) == nil, (&guard{dev: true}).check(a) == nil, (&guard{allow: listed}).check(a) == nil}
		if got[0] != c.production || got[1] != c.dev || got[2] != c.listed {
			t.Errorf("%s: allowed in production, dev, listed: %v; want %v", addr, got, c)
		}
	}
}

// TestTheSocketItselfIsChecked: even an address that was never looked at
// before is refused at the moment of connecting.
func TestTheSocketItselfIsChecked(t *testing.T) {
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	d := &Dialer{guard: &guard{}, sources: &sources{}}
	at := netip.MustParseAddrPort(inside.Addr().String())
	c, err := d.connect(context.Background(), []netip.Addr{at.Addr()}, at.Port(), d.guarded)
	if err == nil {
		c.Close()
		t.Fatal("connected to loopback in production")
	}
	if refused := (*AddressRefused)(nil); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}
