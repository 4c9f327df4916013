package telemetry

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// withEverything is a node's, with all that it may watch.
func withEverything() *Telemetry {
	tele := New("test")
	yes := func() bool { return true }
	tele.Watch(Sources{
		Waiting: func() int { return 0 }, OldestWaiting: func() time.Duration { return 0 }, Actors: func() int { return 0 },
		WindowEvents: func() int { return 0 }, WindowBytes: func() int64 { return 0 },
		Endpoints: func() map[string]int { return nil }, Breakers: func() map[string]int { return nil },
		Streams: func() []StreamFill {
			return []StreamFill{{Name: "EVENTS", Messages: 3, Bytes: 30, MaxBytes: 300}, {Name: "OTHER"}}
		},
		Room:   func() Room { return Room{Bytes: 300, Used: 30, Refusing: true} },
		LogLag: func() LogLag { return LogLag{Events: 2, Age: 3 * time.Second} },
		NATS:   yes, Redis: func() bool { return false }, Draining: yes,
		Certificates: map[string]func() time.Time{ListenerHTTP: func() time.Time { return time.Unix(1e9, 0) }},
	})
	tele.WatchOwner(OwnerSources{Owns: yes, Epoch: func() uint64 { return 1 }, ProofAge: func() time.Duration { return 0 }})
	tele.Quota("endpoints", true)
	tele.DetectionFieldUnread("vin") // there from the first on
	tele.WatchConnections(ListenerHTTP, func() int { return 0 })
	return tele
}

func TestTheStoresMetrics(t *testing.T) {
	expect(t, withEverything(), `postrider_stream_messages{stream="EVENTS"} 3`, `postrider_stream_bytes{stream="EVENTS"} 30`, `postrider_stream_max_bytes{stream="EVENTS"} 300`,
		`postrider_stream_bytes{stream="OTHER"} 0`, `postrider_log_lag_events 2`, `postrider_log_lag_seconds 3`, `postrider_nats_connected 1`, `postrider_redis_connected 0`,
		`postrider_draining 1`, `postrider_certificate_ends_seconds{listener="http"} 1e+09`)
}

// The table of metrics in docs/operations.md names each metric that a node
// has, with its labels, and none that it has not.
func TestTheMetricsDocument(t *testing.T) {
	tele := withEverything()
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

var metricNames = regexp.MustCompile(`\bpostrider_[a-z_]+\b`)

// Rules and dashboard ask for nothing but metrics that a node has.
func TestTheRulesAndTheDashboard(t *testing.T) {
	families, err := withEverything().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, f := range families {
		has[f.GetName()] = true
		if f.GetMetric()[0].GetHistogram() != nil {
			has[f.GetName()+"_bucket"], has[f.GetName()+"_count"], has[f.GetName()+"_sum"] = true, true, true
		}
	}
	for _, path := range []string{"prometheus/rules.yaml", "prometheus/rules_test.yaml", "grafana/postrider.json"} {
		text, err := os.ReadFile("../../deploy/" + path)
		if err != nil {
			t.Fatal(err)
		}
		names := metricNames.FindAllString(string(text), -1)
		if len(names) < 5 {
			t.Errorf("%s asks for %d metrics", path, len(names))
		}
		for _, name := range names {
			if !has[name] {
				t.Errorf("%s asks for %s, which no node has", path, name)
			}
		}
	}
}

// Each alert has a runbook, by its name, in docs/operations.md, and the chart
// has the same rules.
func TestEachAlertHasARunbook(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	chart, err := os.ReadFile("../../deploy/helm/postrider/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(chart) != string(rules) {
		t.Error("deploy/helm/postrider/rules.yaml is not deploy/prometheus/rules.yaml; copy it")
	}
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(string(rules), -1)
	if len(alerts) < 10 {
		t.Fatalf("%d alerts", len(alerts))
	}
	for _, a := range alerts {
		_, rule, _ := strings.Cut(string(rules), "alert: "+a[1]+"\n")
		rule, _, _ = strings.Cut(rule, "- alert: ")
		if !strings.Contains(rule, "docs/operations.md#"+strings.ToLower(a[1])+"\n") {
			t.Errorf("%s does not name its runbook", a[1])
		}
		if !strings.Contains(string(doc), "\n### "+a[1]+"\n") {
			t.Errorf("docs/operations.md has no runbook %s", a[1])
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (Postrider\w+)$`).FindAllStringSubmatch(string(doc), -1) {
		if !strings.Contains(string(rules), "alert: "+heading[1]+"\n") {
			t.Errorf("docs/operations.md has a runbook for %s, and there is no such alert", heading[1])
		}
	}
}
