package transport_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

func TestTraceOf(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for traceparent, want := range map[string]string{
		"00-" + id + "-00f067aa0ba902b7-01":                      id,
		"00-" + strings.ToUpper(id) + "-00f067aa0ba902b7-01":     "", // the standard's digits are lower-case
		"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01": "",
		"00-" + id + "-00f067aa0ba902b7":                         "",
		"00-" + id[:31] + "x-00f067aa0ba902b7-01":                "",
		"":                      "",
		strings.Repeat("-", 60): "",
	} {
		if got := transport.TraceOf(traceparent).String(); got != want {
			t.Errorf("%q: %q, not %q", traceparent, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { transport.TraceOf("00-" + id + "-00f067aa0ba902b7-01") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSampled(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
	for traceparent, want := range map[string]bool{
		trace + "01": true, trace + "03": true, trace + "ff": true, trace + "00": false, trace + "02": false,
		trace + "0x": false, trace + "x1": false, trace + "0": false, "": false, strings.Repeat("-", 60): false,
		"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01": false,
	} {
		if got := transport.Sampled(traceparent); got != want {
			t.Errorf("%q: %v", traceparent, got)
		}
	}
}
