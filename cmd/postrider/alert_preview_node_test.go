package main

import (
	"fmt"
	"strings"
	"testing"
)

// A preview reads the log of detections as a run would, and leaves nothing behind.
func TestAPreviewOfAnAlert(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	for i := range 20 {
		publishRaw(t, n.nats, "detections.houston", fmt.Sprintf(`{"id":"d%d","city":"Houston","state":"TX","trailer_number":"T %d"}`, i, 100+i))
	}
	n.await("the detections", func() bool {
		return strings.Contains(n.must("", "alert", "preview", "--customer", "acme", "--location-state", "TX"), "20 matches in 20 detections")
	})
	id := strings.Fields(n.must("", "alert", "add", "--customer", "acme", "--name", "a", "--email", "a@example.com", "--trailer-number", "T-105"))[1]
	for args, want := range map[string]string{
		"": "1 match in 20 detections", "--trailer-number T-11?": "10 matches in 20 detections", "--to 2020-01-01T00:00:00Z": "0 matches in 0 detections",
	} {
		if out := n.must("", append([]string{"alert", "preview", id}, strings.Fields(args)...)...); !strings.Contains(out, want) {
			t.Errorf("%q: %s", args, out)
		}
	}
	if out := n.must("", "alert", "list", "-o", "json"); strings.Count(out, `"id"`) != 1 {
		t.Error(out)
	}
}
