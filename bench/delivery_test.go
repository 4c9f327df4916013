package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func shortly(t *testing.T, change func(*directNode)) Options {
	return Options{
		Start: startDirect(change), Seconds: 150 * time.Millisecond, DataDir: t.TempDir(),
		FanOuts: []int{1}, Endpoints: []int{1}, Sync: []bool{false},
	}
}

func TestDelivery(t *testing.T) {
	var out bytes.Buffer
	o := shortly(t, nil)
	o.FanOuts, o.Endpoints, o.Check, o.Stdout = []int{1, 3}, []int{2}, true, &out
	o.Report = filepath.Join(t.TempDir(), "made", "here")
	o.CPUProfile = filepath.Join(t.TempDir(), "cpu.pprof")
	report, err := Delivery(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range report.Deliveries {
		names = append(names, d.Name)
		if d.Owed == 0 || d.Received != d.Owed || d.Distinct != d.Owed || d.Repeated != 0 ||
			d.Verified != d.Owed || d.BadSignatures != 0 {
			t.Errorf("%s does not add up: %+v", d.Name, d)
		}
		if d.PerSecond <= 0 || d.BareBefore <= 0 || d.BareAfter <= 0 || d.Ratio <= 0 {
			t.Errorf("%s has no rate: %+v", d.Name, d)
		}
		if l := d.Latency; l.Count == 0 || l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max+l.Max/100 {
			t.Errorf("%s has latencies %+v", d.Name, l)
		}
		if d.SenderCPU <= 0 || d.ReceiverCPU <= 0 || d.RSSMiB <= 0 || d.RSSMiB > 2000 {
			t.Errorf("%s has costs that cannot be: %+v", d.Name, d)
		}
	}
	want := "fanout=1/endpoints=2/sync=2m fanout=3/endpoints=3/sync=2m"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("cases\n%s, want\n%s", got, want)
	}
	checkLines(t, out.String(), len(names))
	checkReport(t, o.Report, report)
	if profiles, _ := filepath.Glob(filepath.Join(filepath.Dir(o.CPUProfile), "cpu-fanout=*.pprof")); len(profiles) != len(names) {
		t.Errorf("profiles: %v", profiles)
	}
	if left, _ := os.ReadDir(o.DataDir); len(left) != 0 {
		t.Errorf("data folders left: %v", left)
	}
}

// benchmarkLine is the form benchstat reads: name, count, value and unit pairs.
var benchmarkLine = regexp.MustCompile(`^Benchmark[A-Z]\S+\t\s*\d+(\t-?\d+(\.\d+)? \S+)+$`)

func checkLines(t *testing.T, out string, want int) {
	t.Helper()
	got := 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "Benchmark") {
			got++
			if !benchmarkLine.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("not as benchstat reads it: %q", line)
			}
		}
	}
	if got != want {
		t.Errorf("%d benchmark lines, want %d:\n%s", got, want, out)
	}
}

func checkReport(t *testing.T, dir string, want *Report) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Deliveries) != len(want.Deliveries) || len(got.Signing) != len(want.Signing) || len(got.Matching) != len(want.Matching) || got.Machine != want.Machine {
		t.Errorf("report.json holds %+v", got)
	}
	page, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, []byte("</html>")) || !bytes.Contains(page, []byte("</svg>")) {
		t.Errorf("index.html is not whole")
	}
	for _, outside := range []string{"src=", "href=", "url(", "NaN", "Inf", Secret} {
		if bytes.Contains(page, []byte(outside)) {
			t.Errorf("index.html contains %q", outside)
		}
	}
}

func TestDeliveryTellsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*directNode)
		want   string
	}{
		{"publishing fails", func(n *directNode) { n.refuseAfter = 1 }, "the disk is full"},
		{"signatures are wrong", func(n *directNode) { n.wrongSecret = true }, "signatures were bad"},
		{"deliveries are made twice", func(n *directNode) { n.twice = true }, "distinct deliveries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := shortly(t, c.change)
			o.Check = true
			if _, err := Delivery(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestDeliveryTellsWhatIsLost(t *testing.T) {
	r := &run{c: Case{FanOut: 1, Endpoints: 1}}
	var err error
	if r.sink, err = startSink(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.sink.close() }()
	err = r.sink.arrived(t.Context(), 3, 50*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "0 of 3 deliveries") {
		t.Errorf("got %v", err)
	}
}

func TestDeliveryEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := shortly(t, nil)
	start := o.Start
	o.Start = func(ctx context.Context, no NodeOptions) (Node, error) {
		cancel()
		return start(ctx, no)
	}
	if _, err := Delivery(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	start := startDirect(nil)
	for _, c := range []struct {
		field string
		o     Options
	}{
		{"start", Options{}},
		{"seconds", Options{Start: start, Seconds: time.Millisecond}},
		{"soak", Options{Start: start, Soak: time.Millisecond}},
		{"count", Options{Start: start, Count: -1}},
		{"fan_out", Options{Start: start, FanOuts: []int{0}}},
		{"fan_out", Options{Start: start, FanOuts: []int{101}}},
		{"endpoints", Options{Start: start, Endpoints: []int{-1}}},
	} {
		_, err := Delivery(t.Context(), c.o)
		if fe, ok := errors.AsType[*transport.FieldError](err); !ok || fe.Field != c.field {
			t.Errorf("%s: got %v", c.field, err)
		}
	}
}

func TestCasesByDefault(t *testing.T) {
	o, err := Options{Start: startDirect(nil)}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range o.cases() {
		got = append(got, c.String())
	}
	want := []string{
		"fanout=1/endpoints=1/sync=always", "fanout=1/endpoints=100/sync=always",
		"fanout=10/endpoints=10/sync=always", "fanout=10/endpoints=100/sync=always",
		"fanout=1/endpoints=1/sync=2m", "fanout=1/endpoints=100/sync=2m",
		"fanout=10/endpoints=10/sync=2m", "fanout=10/endpoints=100/sync=2m",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestSoak(t *testing.T) {
	var out bytes.Buffer
	o := shortly(t, nil)
	o.Endpoints, o.Soak, o.Stdout, o.Report = []int{1, 5}, time.Second, &out, t.TempDir()
	report, err := Soak(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := report.Soak
	if s.Endpoints != 5 || s.Deliveries == 0 || s.PeakMiB <= 0 || len(s.Memory) < 2 || len(s.Arrivals) == 0 {
		t.Errorf("got %+v", s)
	}
	checkLines(t, out.String(), 1)
	checkReport(t, o.Report, report)
}

func TestSigning(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	report, err := Signing(t.Context(), SigningOptions{Each: 2 * time.Millisecond, Stdout: &out, Report: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range report.Signing {
		if s.Nanos <= 0 || s.OfHash <= 0 || s.Allocs > 10 {
			t.Errorf("%s over %d bytes: %+v", s.Scheme, s.Bytes, s)
		}
	}
	checkLines(t, out.String(), 3*len(signingCases()))
	checkReport(t, dir, report)
}
