package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"
)

// A node that takes the connection and says nothing holds the shell for the
// time limit at most.
func TestCompletionDoesNotHang(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out, errs bytes.Buffer
	began := time.Now() // without a limit of its own it would wait for requestTimeout
	code := Run(t.Context(), []string{"__complete", "endpoint", "show", "--server", "http://" + l.Addr().String(), "--token", "t", ""}, nil, strings.NewReader(""), &out, &errs)
	if took := time.Since(began); code != 0 || took >= requestTimeout || out.String() != ":4\n" {
		t.Errorf("exit %d after %s: %q %q", code, took, out.String(), errs.String())
	}
}
