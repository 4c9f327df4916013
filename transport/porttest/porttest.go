// Package porttest gives tests TCP ports of 127.0.0.1 that stay theirs though
// nobody listens there at the moment: for a server that is stopped and started
// again on its port, and for an address where a connection must be refused.
//
// A port found by listening on ":0" and closing it again is not such a port:
// the system gives it to the next connection or listener that asks for any. The
// ports given here lie below the range that the system chooses from, and each
// is claimed, for as long as its test runs, by holding the UDP port of the same
// number, so that no other test process takes it either.
//
// It may be imported by tests alone, and imports the standard library.
package porttest

import (
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

const (
	// lowest is above the ports of well-known services.
	lowest = 15_000
	// chosenFrom is where the system's own range begins, where it does not say.
	chosenFrom = 32_768
	// tries bounds the search for a port that nobody has.
	tries = 1000
)

// Take claims a port until the test ends, and gives it.
func Take(t testing.TB) int {
	t.Helper()
	first := ephemeral()
	if first <= lowest {
		t.Fatalf("the system gives out ports from %d on: there are none below for tests", first)
	}
	for range tries {
		port := lowest + rand.IntN(first-lowest)
		if claim, ok := claimed(port); ok {
			t.Cleanup(func() { _ = claim.Close() }) // nothing was sent by it
			return port
		}
	}
	t.Fatalf("no port from %d to %d is free", lowest, first)
	return 0
}

// Address is 127.0.0.1 with a port as Take gives it.
func Address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Take(t)))
}

// claimed holds the UDP port, where neither it nor the TCP port is in use.
func claimed(port int) (claim net.PacketConn, ok bool) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	claim, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, false
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		_ = claim.Close() // nothing was sent by it
		return nil, false
	}
	return claim, l.Close() == nil
}

// ephemeral is where the range begins from which the system chooses ports.
func ephemeral() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return chosenFrom // not Linux: others begin at 49152
	}
	low, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\t")
	port, err := strconv.Atoi(low)
	if err != nil {
		return chosenFrom
	}
	return port
}
