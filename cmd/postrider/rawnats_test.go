package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

// publishRaw publishes as the simplest of NATS clients would: by hand.
func publishRaw(t *testing.T, address, subject, payload string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "INFO ") {
		t.Fatalf("the server said %q, %v", line, err)
	}
	fmt.Fprintf(c, "CONNECT {\"verbose\":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n", subject, len(payload), payload)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "PONG") {
		t.Fatalf("the server said %q, %v", line, err)
	}
}
