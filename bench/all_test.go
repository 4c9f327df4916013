package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Small: two rounds of limit, delivery and curves make one report with every
// round, whose page has the plots and the spread.
func TestAll(t *testing.T) {
	var out bytes.Buffer
	o := AllOptions{Suites: []string{suiteLimit, suiteDelivery, suiteCurves}, Rounds: 2, Seconds: 150 * time.Millisecond, Stdout: &out, Report: t.TempDir(), DataDir: t.TempDir()}
	o.Limit = limitOf(&fakeBroker{})
	o.Delivery = asUsers(t, nil)
	o.Delivery.Broker, o.Delivery.Loads = o.Limit.Broker, []float64{50}
	o.Curves.OverEndpoints, o.Curves.OverFanOut, o.Curves.OverSize = []int{1, 3}, []int{2}, []int{256}
	report, err := All(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Deliveries) != 2 || len(report.Curves) != 3 || len(report.Curves[0].Points) != 2 || len(report.Limit) < 2 {
		t.Errorf("got %d deliveries, curves %+v, %d limits", len(report.Deliveries), report.Curves, len(report.Limit))
	}
	for _, name := range []string{"Delivery/" + report.Deliveries[0].Name, "Curve/endpoints/" + strings.Replace(report.Deliveries[0].Name, "endpoints=1/", "endpoints=3/", 1)} {
		if s := report.figure(name, "ratio"); s.Rounds != 2 || s.Median <= 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	checkReport(t, o.Report, report)
	page, err := os.ReadFile(filepath.Join(o.Report, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Full load over endpoints", "Latency as the load grows", "over its rounds", "of the limit"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page has no %q", want)
		}
	}
	if kept, err := ReadReport(filepath.Join(o.Report, "report.json")); err != nil || len(Compare(kept, report, CompareOptions{All: true}).Worse()) > 0 {
		t.Errorf("%v", err)
	}
}

func TestAllRefuses(t *testing.T) {
	for field, o := range map[string]AllOptions{
		"suites":  {Suites: []string{"juggling"}},
		"rounds":  {Rounds: 100},
		"seconds": {Seconds: time.Hour},
	} {
		if _, err := All(context.Background(), o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
