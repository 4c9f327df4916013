package jet

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// What a producer did wrong is a warning, the same once a minute; what the
// server cannot do is an error each time.
func TestAProducersSlipIsNoFaultOfTheNode(t *testing.T) {
	var out bytes.Buffer
	l := newServerLog(slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Unix(1_700_000_000, 0)
	l.slips.now = func() time.Time { return now }
	lines := func() string { defer out.Reset(); return out.String() }

	for _, subject := range []string{"park.0.a", "park.0.b", "due.0.c"} {
		l.Errorf(`127.0.0.1:5000 - cid:7 - "v1.55.0:go:me" - Publish Violation - Subject %q`, subject)
	}
	if got := lines(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "park.0.a") {
		t.Error(got)
	}
	l.Errorf("127.0.0.1:5001 - cid:8 - authentication error")
	if got := lines(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "authentication error") {
		t.Error(got)
	}
	now = now.Add(slipEvery)
	l.Errorf(`127.0.0.1:5000 - cid:7 - "v1.55.0:go:me" - Publish Violation - Subject "x"`)
	if got := lines(); !strings.Contains(got, "more_since_the_last_line=2") {
		t.Error(got)
	}
	l.Errorf("JetStream resource limits exceeded")
	l.Errorf("JetStream resource limits exceeded")
	if got := lines(); strings.Count(got, "level=ERROR") != 2 {
		t.Error(got)
	}
}

func TestRationedForgetsRatherThanGrows(t *testing.T) {
	r := rationed{every: time.Hour, now: time.Now}
	for i := range 10 * maxSlips {
		r.take(strings.Repeat("x", i))
	}
	if len(r.seen) > maxSlips {
		t.Errorf("%d kinds are remembered", len(r.seen))
	}
}
