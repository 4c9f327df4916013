package main

import (
	"strings"
	"testing"
)

// A node that runs is told of, and what it uses is looked at all the same.
func TestDoctorBesideANode(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	out := n.must("", "doctor", "--dev")
	for _, line := range []string{"ok    node         running at http://" + n.http + ", and ready\n", "ok    keys         there\n", "is writable, and its owner's alone\n"} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in\n%s", line, out)
		}
	}
}
