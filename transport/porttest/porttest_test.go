package porttest

import (
	"net"
	"strconv"
	"testing"
)

func TestAPortIsOneTestsAlone(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port := Take(t)
		if seen[port] || port >= ephemeral() {
			t.Fatalf("%d was given before, or is one of the system's", port)
		}
		seen[port] = true
		if _, ok := claimed(port); ok {
			t.Errorf("%d can be claimed twice", port)
		}
	}
}

func TestAServerComesBackOnItsPort(t *testing.T) {
	address := Address(t)
	for range 2 {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("somebody listens there")
	}
}

func TestWhatIsInUseIsNotGiven(t *testing.T) {
	port := Take(t)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, ok := claimed(port); ok {
		t.Error("a port in use was claimed")
	}
}
