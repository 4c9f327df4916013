package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func reportOf(unit string, values ...float64) *Report {
	return &Report{Figures: []Figure{{Name: "Delivery/x", Unit: unit, Values: values}}}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name     string
		unit     string
		old, new []float64
		want     string
	}{
		{"higher is better, and it is", "ratio", []float64{0.5, 0.52, 0.51}, []float64{0.8, 0.81, 0.79}, Better},
		{"higher is better, and it fell", "ratio", []float64{0.8, 0.81, 0.79}, []float64{0.5, 0.52, 0.51}, Worse},
		{"lower is better, and it fell", "of-limit", []float64{2, 2.1, 2}, []float64{1.5, 1.4, 1.5}, Better},
		{"lower is better, and it rose", "of-limit", []float64{1.5, 1.4, 1.5}, []float64{2, 2.1, 2}, Worse},
		{"too little to count", "ratio", []float64{1, 1.01}, []float64{0.95, 0.96}, Same},
		{"the rounds overlap", "ratio", []float64{1, 0.7, 1.1}, []float64{0.8, 0.6, 0.75}, Same},
		{"one round each: the threshold decides", "ratio", []float64{1}, []float64{0.8}, Worse},
		{"the same", "ratio", []float64{1}, []float64{1}, Same},
		{"from nothing", "ratio", []float64{0}, []float64{1}, Better},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Compare(reportOf(c.unit, c.old...), reportOf(c.unit, c.new...), CompareOptions{})
			if len(got.Changes) != 1 || got.Changes[0].Verdict != c.want || (len(got.Worse()) == 1) != (c.want == Worse) {
				t.Errorf("got %+v, want %s", got.Changes, c.want)
			}
		})
	}
}

func TestCompareTakesRatiosUnlessAskedForAll(t *testing.T) {
	before, now := reportOf("deliveries/s", 100), reportOf("deliveries/s", 10)
	if got := Compare(before, now, CompareOptions{}); len(got.Changes) != 0 {
		t.Errorf("got %+v", got.Changes)
	}
	if got := Compare(before, now, CompareOptions{All: true}); len(got.Worse()) != 1 {
		t.Errorf("got %+v", got.Changes)
	}
	for unit, want := range map[string]bool{"ratio": true, "of-limit": true, "of-afternoon": true, "p99-ratio": true, "p99-ms": false, "bare/s": false} {
		if isRatio(unit) != want {
			t.Errorf("%s is a ratio: %t", unit, !want)
		}
	}
}

func TestCompareTellsWhatIsGoneAndWhatToDoubt(t *testing.T) {
	before, now := reportOf("ratio", 1), reportOf("ratio", 1)
	before.Figures = append(before.Figures, Figure{Name: "Old", Unit: "ratio", Values: []float64{1}})
	now.Warnings, now.Machine.Cores = []string{"the machine was not quiet"}, 64
	got := Compare(before, now, CompareOptions{})
	if len(got.Gone) != 1 || len(got.Warnings) != 2 {
		t.Errorf("got %+v", got)
	}
	var out bytes.Buffer
	if err := got.Print(&out); err != nil || !strings.Contains(out.String(), "gone: Old ratio") || !strings.Contains(out.String(), "warning: two machines") {
		t.Errorf("%v, %s", err, out.String())
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3, 1}},
		{[]float64{3, 1, 2}, Spread{2, 1, 3, 3}},
		{[]float64{4, 1, 2, 3}, Spread{2.5, 1, 4, 4}},
	} {
		if got := (&Figure{Values: c.values}).Spread(); got != c.want {
			t.Errorf("%v: got %+v, want %+v", c.values, got, c.want)
		}
	}
}

// What is printed is what is kept, in whatever pieces it is written.
func TestReportNotesWhatIsPrinted(t *testing.T) {
	var out bytes.Buffer
	r := &Report{}
	w := r.begin(&out)
	for range 2 {
		printLine(w, "Delivery/x", 7, figure{"ratio", 0.5}, figure{"deliveries/s", 1234.4})
	}
	for _, piece := range []string{"# a warn", "ing\nBenchmarkA\t 1\t2.5 ", "of-limit\n", "Benchmark\n", "BenchmarkB 1 x y\n", "BenchmarkC 1 +Inf ratio NaN of-limit\n"} {
		if _, err := w.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.Figures) != 3 || r.figure("Delivery/x", "ratio") != (Spread{0.5, 0.5, 0.5, 2}) || r.figure("Delivery/x", "deliveries/s").Median != 1234 || r.figure("A", "of-limit").Median != 2.5 {
		t.Errorf("got %+v", r.Figures)
	}
	if !strings.Contains(out.String(), "BenchmarkDelivery/x") {
		t.Errorf("printed %s", out.String())
	}
}

func TestReadReportTellsWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{"{": "is not a report.json", "{}": "has no figures", `{"figures":[{"name":"a"},{"name":"a"}]}`: "has the figure", `{"figures":[{"name":"a","unit":"ratio","values":[1]}]}`: ""} {
		path := filepath.Join(t.TempDir(), "report.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReport(path); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), path+" "+want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ReadReport(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("read what is not there")
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"figures":[{"name":"a","unit":"ratio","values":[1,2]},{"name":"b","unit":"of-limit"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := parseReport("x", text); err == nil {
			if got := Compare(r, r, CompareOptions{All: true}); len(got.Worse()) > 0 {
				t.Errorf("worse than itself: %+v", got.Worse())
			}
		}
	})
}
