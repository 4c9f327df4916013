package main

import (
	"strings"
	"testing"
)

// What a newcomer runs first: events and matches of detections arrive, and all
// is verified.
func TestDemo(t *testing.T) {
	t.Parallel()
	out, err := command(t.Context(), t.TempDir(), nil, "demo").CombinedOutput()
	if err != nil || strings.Count(string(out), "4 of 4") != 2 {
		t.Errorf("%v:\n%s", err, out)
	}
}
