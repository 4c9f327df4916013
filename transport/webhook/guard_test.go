package webhook

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postrider/postrider/transport"
)

func TestRefusedAddresses(t *testing.T) {
	var log bytes.Buffer
	s := newSender(t, resolving(map[string][][]netip.Addr{
		"inside.example":   {addrs("10.0.0.7", "fd00::1", "127.0.0.1")},
		"mapped.example":   {addrs("::ffff:127.0.0.1")},
		"metadata.example": {addrs("169.254.169.254")},
		"2130706433":       {addrs("127.0.0.1")}, // what a C library makes of it
		"0x7f.1":           {addrs("127.0.0.1")},
		"0177.0.0.1":       {addrs("127.0.0.1")},
	}), func(o *Options) { o.Dev, o.Logger = false, slog.New(slog.NewTextHandler(&log, nil)) })
	for _, host := range []string{"inside.example", "mapped.example", "metadata.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
		"[::ffff:8.8.8.8]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "10.0.0.1", "0.0.0.0", "[::]", "2130706433", "0x7f.1", "0177.0.0.1"} {
		a := newTarget(t, s, "https://"+host+":9/hook?token=hidden").Send(context.Background(), newEvent(), 1)
		want(t, a, transport.Refused, transport.ReasonAddressRefused)
		if !strings.Contains(a.Detail, "egress.allow_cidrs") {
			t.Errorf("%s: the detail %q gives no remedy", host, a.Detail)
		}
		if a.Detail != addressDetail {
			t.Errorf("%s: the detail %q tells what it leads to", host, a.Detail)
		}
	}
	for _, line := range []string{"host=inside.example address=10.0.0.7 network=private", "host=metadata.example address=169.254.169.254"} {
		if strings.Count(log.String(), line) != 1 {
			t.Errorf("operators are not told %q once: %s", line, log.String())
		}
	}
	for _, host := range []string{"127.1", "0177.0.0.1.", "nowhere.example"} {
		a := newTarget(t, s, "https://"+host+"/").Send(context.Background(), newEvent(), 1)
		want(t, a, transport.Failed, transport.ReasonDNS)
	}
}

func TestOfSeveralAddressesTheAllowedAreTried(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {})
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	closed := closedPort(t)
	s := newSender(t, resolving(map[string][][]netip.Addr{
		// Refused in dev too, nobody there, and the receiver.
		"some.example":    {addrs("169.254.169.254", "127.0.0.2", "127.0.0.1")},
		"refused.example": {addrs("169.254.169.254", "224.0.0.1")},
		"mixed.example":   {addrs("169.254.169.254", "127.0.0.1")},
	}))
	a := newTarget(t, s, "http://some.example:"+port).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Delivered, "")
	a = newTarget(t, s, "http://refused.example:"+port).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Refused, transport.ReasonAddressRefused)
	// The allowed one was tried and failed: that is the receiver's failure.
	a = newTarget(t, s, "http://mixed.example:"+closed).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Failed, transport.ReasonConnect)
}

// closedPort is a port of loopback on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestANameThatChangesDoesNotSlipThrough: the name is allowed at one look-up
// and inside at the next; no connection is ever made to the inside.
func TestANameThatChangesDoesNotSlipThrough(t *testing.T) {
	var reached atomic.Int32
	inside := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	resolver := &names{answers: map[string][][]netip.Addr{
		"flips.example": {addrs("127.0.0.2"), addrs("127.0.0.1")},
	}}
	s := newSender(t, func(o *Options) {
		o.Dev, o.Resolver = false, resolver
		o.AllowCIDRs = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
	})
	target := newTarget(t, s, "https://flips.example:"+port)
	want(t, target.Send(context.Background(), newEvent(), 1), transport.Failed, transport.ReasonConnect)
	want(t, target.Send(context.Background(), newEvent(), 2), transport.Refused, transport.ReasonAddressRefused)
	if n := resolver.asked["flips.example"]; n != 2 {
		t.Errorf("%d look-ups for two dials: what is dialled is not what was checked", n)
	}
	if reached.Load() != 0 {
		t.Error("the inside was reached")
	}
}

func TestSourceAddressesTakeTurns(t *testing.T) {
	seen := make(chan string, 4)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		seen <- host
	})
	s := newSender(t, func(o *Options) { o.SourceIPs = addrs("127.0.0.2", "127.0.0.3") })
	target := newTarget(t, s, srv.URL)
	for i := range 4 {
		want(t, target.Send(context.Background(), newEvent(), 1), transport.Delivered, "")
		if got, expected := <-seen, []string{"127.0.0.2", "127.0.0.3"}[i%2]; got != expected {
			t.Errorf("connection %d came from %s, want %s", i, got, expected)
		}
		target.sender.pool.Close()
	}
	if got := s.Egress(); len(got) != 2 {
		t.Errorf("egress %v", got)
	}
	v6 := newSender(t, func(o *Options) { o.SourceIPs = addrs("::1") })
	a := newTarget(t, v6, srv.URL).Send(context.Background(), newEvent(), 1)
	want(t, a, transport.Refused, transport.ReasonLocal)
	if _, err := NewSender(Options{SourceIPs: addrs("0.0.0.0")}); err == nil {
		t.Error("0.0.0.0 is no source")
	}
}
