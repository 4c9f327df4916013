package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/bench"
)

// runBench runs a suite as a process, with a report that it reads.
func runBench(t *testing.T, args ...string) *bench.Report {
	t.Helper()
	dir := t.TempDir()
	out, err := command(t.Context(), dir, nil, append(append([]string{"bench"}, args...), "--report", dir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("postrider bench %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	t.Logf("%s", out)
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report bench.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "postrider-bench-*")); len(left) > 0 {
		t.Errorf("data folders left: %v", left)
	}
	return &report
}

// The real program, killed, with a backlog, and under a rate limit: small, so
// that the suite of the bench stays true.
func TestBenchRecovery(t *testing.T) {
	t.Parallel()
	r := runBench(t, "recovery", "--kills", "2", "--load", "100", "--endpoints", "3", "--seconds", "1s",
		"--waiting", "40", "--rate", "50", "--burst", "10", "--events", "60").Recovery
	if k := r.Kill; len(k.Restarts) != 2 || k.Owed == 0 || k.Lost != 0 || !k.AuditOK || k.Restarts[0].First <= 0 {
		t.Errorf("kill: %+v", k)
	}
	if w := r.Waiting; w.Lost != 0 || w.Restart.First <= 0 || w.OfPace > 1 || w.FirstBack <= 0 || w.Full <= 0 {
		t.Errorf("waiting: %+v", w)
	}
	if l := r.Rate; l.AtOnce > 10+1e-6 || l.Share <= 0 || l.Took < 900*time.Millisecond {
		t.Errorf("rate: %+v", l)
	}
}

func TestBenchNeighbours(t *testing.T) {
	t.Parallel()
	n := runBench(t, "neighbours", "--rounds", "1", "--seconds", "1s", "--healthy", "10", "--troubles", "hang-5,refuse-5",
		"--rate", "5", "--timeout", "1s", "--sync", "2m").Neighbours
	if len(n.Runs) != 5 || len(n.Medians) != 3 {
		t.Fatalf("%d runs, %d medians", len(n.Runs), len(n.Medians))
	}
	for _, r := range n.Runs {
		if r.Owed == 0 || r.Received < r.Owed || r.Latency.Count == 0 || (r.Kind == "") != (r.Published == 0) {
			t.Errorf("%s: %+v", r.Name, r)
		}
	}
}

func TestBenchRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"neither always nor 2m": {"recovery", "--sync", "5m"},
		"hang-N":                {"neighbours", "--troubles", "sulk-3"},
		"kill, waiting or rate": {"recovery", "--cases", "rain"},
		"must be of limit":      {"all", "--suites", "juggling"},
		"must be raw, genlogs":  {"delivery", "--format", "xml"},
		"--threshold":           {"compare", "a", "b", "--threshold", "0"},
	} {
		out, err := command(t.Context(), t.TempDir(), nil, append([]string{"bench"}, args...)...).CombinedOutput()
		if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
}

// Small, so that the suite stays true: by each way, synced and not, something is
// accepted and nothing refused.
func TestBenchIngest(t *testing.T) {
	t.Parallel()
	r := runBench(t, "ingest", "--clients", "2", "--seconds", "500ms", "--rate", "100").Ingest
	if len(r.Results) != 2*len(bench.IngestWays())+2 || r.Fsync <= 0 {
		t.Fatalf("%d results, fsync %s", len(r.Results), r.Fsync)
	}
	for _, c := range r.Results {
		if c.Node.Refused > 0 || c.Producers.Error != "" || (c.Alone == nil) != strings.HasPrefix(c.Way, "http") {
			t.Errorf("%+v", c)
		}
		if c.Offered > 0 && (c.Producers.Accepted == 0 || c.Receipt == nil || c.Receipt.Count == 0) {
			t.Errorf("the open loop: %+v", c)
		}
	}
}

// As users have it: producers, node and receiver are processes of their own. Every
// format and scheme gets through, and nothing is owed at the end.
func TestBenchDelivery(t *testing.T) {
	t.Parallel()
	r := runBench(t, "delivery", "--seconds", "200ms", "--fan-out", "2", "--endpoints", "4", "--sync", "2m", "--check",
		"--format", "raw,genlogs,standard,genea", "--full-only", "--no-limit")
	r.Deliveries = append(r.Deliveries, runBench(t, "delivery", "--seconds", "200ms", "--fan-out", "2", "--endpoints", "4", "--sync", "2m", "--check",
		"--scheme", "https,h2", "--loads", "50").Deliveries...)
	if len(r.Deliveries) != 6 {
		t.Fatalf("%d cases", len(r.Deliveries))
	}
	for _, d := range r.Deliveries {
		if d.Owed == 0 || d.Received != d.Owed || d.Distinct != d.Owed || d.Verified != d.Owed || d.SenderCPU <= 0 || d.Connections == 0 || d.RSSMiB <= 0 {
			t.Errorf("%s: %+v", d.Name, d)
		}
	}
	if d := r.Deliveries[5]; len(d.Loads) != 1 || d.Loads[0].Latency.Count == 0 || d.OfLimit <= 0 {
		t.Errorf("%+v", d)
	}
}

func TestBenchLimit(t *testing.T) {
	t.Parallel()
	r := runBench(t, "limit", "--seconds", "100ms", "--scheme", "https").Limit
	if len(r) != 1 || len(r[0].Parts) != 7 || r[0].CPU(1) <= r[0].CPU(10) {
		t.Errorf("%+v", r)
	}
}

// Two runs of the same, and the comparison of a report with itself and with one
// that was better.
func TestBenchAllAndCompare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		out, err := command(t.Context(), dir, nil, append([]string{"bench"}, args...)...).CombinedOutput()
		return string(out), err
	}
	out, err := run("all", "--suites", "limit,delivery,curves", "--rounds", "1", "--seconds", "300ms", "--report", dir, "--scheme", "http", "--fan-out", "2", "--endpoints", "4",
		"--loads", "50", "--curve-endpoints", "3", "--curve-fan-out", "2", "--curve-size", "262144")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	path := filepath.Join(dir, "report.json")
	report, err := bench.ReadReport(path)
	if err != nil || len(report.Deliveries) != 2 || len(report.Curves) != 3 || report.Deliveries[0].Afternoon == nil {
		t.Fatalf("%v, %+v", err, report)
	}
	if out, err := run("compare", path, path); err != nil || !strings.Contains(out, "of-afternoon") {
		t.Errorf("%v\n%s", err, out)
	}
	for i := range report.Figures {
		if report.Figures[i].Unit == "of-afternoon" {
			report.Figures[i].Values[0] *= 10
		}
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(dir, "before.json")
	if err := os.WriteFile(before, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run("compare", before, path); err == nil || !strings.Contains(out, "worse") || strings.Contains(out, "better") {
		t.Errorf("%v\n%s", err, out)
	}
}
