package bench

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMatching(t *testing.T) {
	var out bytes.Buffer
	dir, cores := t.TempDir(), runtime.GOMAXPROCS(0)
	report, err := Matching(t.Context(), MatchingOptions{Alerts: []int{100, 500}, Each: 2 * time.Millisecond, Stdout: &out, Report: dir})
	if err != nil {
		t.Fatal(err)
	}
	if report.Machine.GOMAXPROCS != 1 || runtime.GOMAXPROCS(0) != cores {
		t.Errorf("measured on %d cores, %d are left of %d", report.Machine.GOMAXPROCS, runtime.GOMAXPROCS(0), cores)
	}
	hits := 0.0
	for _, r := range report.Matching {
		if r.PerSecond <= 0 || r.Lookups <= 0 || r.Documents <= 0 || r.OfScan <= 0 || r.AlertBytes < 100 {
			t.Errorf("%+v", r)
		}
		hits += r.Hits
	}
	if hits == 0 {
		t.Error("no detection matched any alert")
	}
	checkLines(t, out.String(), 2*len(MatchingModes()))
	checkReport(t, dir, report)
}

func TestMatchingRefuses(t *testing.T) {
	for want, o := range map[string]MatchingOptions{
		"alerts": {Alerts: []int{0}}, "modes": {Modes: []string{"telepathy"}}, "count": {Count: 101}, "seconds": {Each: -1},
	} {
		if _, err := Matching(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
