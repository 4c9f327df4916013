package bench

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func shortNeighbours(t *testing.T, out *bytes.Buffer, change func(*fakeProgram)) NeighboursOptions {
	return NeighboursOptions{
		Start: startLanes(change), Seconds: 600 * time.Millisecond, Rounds: 1, Healthy: 4,
		Troubles: []Trouble{{"hang", 3}}, Rate: 20, Timeout: time.Second, DataDir: t.TempDir(), Stdout: out,
	}
}

func TestNeighbours(t *testing.T) {
	var out bytes.Buffer
	o := shortNeighbours(t, &out, nil)
	o.Troubles = []Trouble{{"well", 3}, {"hang", 3}, {"fail", 3}, {"refuse", 3}}
	o.Report = t.TempDir()
	report, err := Neighbours(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	n := report.Neighbours
	var names []string
	for _, r := range n.Runs {
		names = append(names, r.Name)
		if r.Owed == 0 || r.Received != r.Owed || r.PerSecond <= 0 || r.Latency.Count == 0 {
			t.Errorf("%s does not add up: %+v", r.Name, r)
		}
		if troubled := r.Kind != ""; troubled != (r.Published > 0) || troubled != (r.Throughput > 0) || (r.Tried > 0) != (r.Kind == "hang" || r.Kind == "fail") {
			t.Errorf("%s: %+v", r.Name, r)
		}
	}
	if got, want := strings.Join(names, " "), "none well-3 none hang-3 none fail-3 none refuse-3 none"; got != want {
		t.Errorf("runs\n%s, want\n%s", got, want)
	}
	if len(n.Medians) != 5 || n.Capacity == 0 || n.Offered != n.Capacity/2 {
		t.Errorf("medians %+v, offered %.0f of %.0f", n.Medians, n.Offered, n.Capacity)
	}
	checkLines(t, out.String(), len(n.Runs))
	checkReport(t, o.Report, report)
}

// A node whose endpoints wait for each other shows it.
func TestNeighboursThatWaitForEachOther(t *testing.T) {
	var out bytes.Buffer
	o := shortNeighbours(t, &out, func(p *fakeProgram) { p.shares = true })
	o.Offered = 500
	o.Rate = 2
	report, err := Neighbours(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	n := report.Neighbours
	if n.Capacity != 0 || n.Offered != 500 {
		t.Errorf("offered %.0f of %.0f, want what was asked for, unmeasured", n.Offered, n.Capacity)
	}
	m := n.Medians[1]
	if m.Within || m.P99More < 100*time.Millisecond || !strings.Contains(out.String(), "NOT within") {
		t.Errorf("it is said to be well: %+v\n%s", m, out.String())
	}
}

func TestNeighboursOptionsAreChecked(t *testing.T) {
	start := startLanes(nil)
	for field, o := range map[string]NeighboursOptions{
		"start":   {},
		"seconds": {Start: start, Seconds: 1},
		"rounds":  {Start: start, Rounds: -1},
		"healthy": {Start: start, Healthy: -1},
		"rate":    {Start: start, Rate: -1},
		"offered": {Start: start, Offered: -1},
		"trouble": {Start: start, Troubles: []Trouble{{"sulk", 3}}},
	} {
		_, err := Neighbours(t.Context(), o)
		isField(t, err, field)
	}
}

func isField(t *testing.T, err error, field string) {
	t.Helper()
	if wrong, ok := errors.AsType[*transport.FieldError](err); !ok || wrong.Field != field {
		t.Errorf("%s: got %v", field, err)
	}
}

func TestParseTrouble(t *testing.T) {
	for _, text := range []string{"hang-10", "fail-1000", "refuse-1", "flood-4", "huge-1", "duplicate-1000"} {
		if got, err := ParseTrouble(text); err != nil || got.String() != text {
			t.Errorf("%s is read as %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "none", "hang", "hang-", "hang-0", "hang--1", "sulk-3", "hang-10001", "flood-0", "tiny-1001"} {
		if got, err := ParseTrouble(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{7, 1, 2}, 2}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %g", c.values, got)
		}
	}
}
