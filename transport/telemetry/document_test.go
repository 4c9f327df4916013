package telemetry

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The table of metrics in docs/operations.md names each metric that a node
// has, with its labels, and none that it has not.
func TestTheMetricsDocument(t *testing.T) {
	tele := New("test")
	tele.Watch(Sources{
		Waiting: func() int { return 0 }, OldestWaiting: func() time.Duration { return 0 }, Actors: func() int { return 0 },
		WindowEvents: func() int { return 0 }, WindowBytes: func() int64 { return 0 },
		Endpoints: func() map[string]int { return nil }, Breakers: func() map[string]int { return nil },
	})
	tele.DetectionFieldUnread("vin") // there from the first on
	tele.WatchConnections(ListenerHTTP, func() int { return 0 })
	families, err := tele.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, f := range families {
		name, ours := strings.CutPrefix(f.GetName(), namespace+"_")
		if !ours {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		if len(labels) > 0 {
			name += "{" + strings.Join(labels, ",") + "}"
		}
		if has[name] = true; f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
	}
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| metric (`postrider_…`) | tells |\n")
	table, _, found := strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("docs/operations.md has no table of metrics")
	}
	told := map[string]bool{}
	for _, row := range strings.Split(table, "\n")[1:] {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
			told[name[1]] = true
		}
	}
	for name := range has {
		if !told[name] {
			t.Errorf("docs/operations.md does not tell %s", name)
		}
	}
	for name := range told {
		if !has[name] {
			t.Errorf("docs/operations.md tells %s, which is not there", name)
		}
	}
}

// What the contract names is there before anything has happened.
func TestTheMetricsThatArePromised(t *testing.T) {
	tele, _ := logging(t, "error")
	tele.Watch(Sources{Breakers: func() map[string]int { return map[string]int{"open": 2, "closed": 5, "strange": 1} }})
	tele.RunFinished("hot", 3*time.Second, 4)
	tele.RunFailed("live")
	tele.RunFinished("of another day", time.Second, 1)
	expect(t, tele, `postrider_breakers{state="open"} 2`, `postrider_breakers{state="closed"} 5`, `postrider_breakers{state="probing"} 0`, `postrider_breakers{state="other"} 1`,
		`postrider_run_duration_seconds_count{alert_type="hot"} 1`, `postrider_run_duration_seconds_sum{alert_type="hot"} 3`, `postrider_run_matches_total{alert_type="hot"} 4`,
		`postrider_run_duration_seconds_count{alert_type="normal"} 0`, `postrider_run_matches_total{alert_type="normal"} 0`, `postrider_runs_failed_total{alert_type="live"} 1`,
		`postrider_run_matches_total{alert_type="other"} 1`, `postrider_published_total 0`, `postrider_delivered_total 0`, `postrider_deferred_total 0`, `postrider_in_flight 0`, `postrider_ledger_errors_total 0`)
}
