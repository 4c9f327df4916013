package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Report holds every figure of a run, with what it was measured on.
type Report struct {
	Suite    string            `json:"suite"` // all, limit, delivery, curves, soak, signing, matching, neighbours, recovery or ingest
	At       time.Time         `json:"at"`
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Noise    Noise             `json:"noise"`
	// Warnings say what makes the figures say little.
	Warnings []string `json:"warnings,omitempty"`
	// Figures are all that was printed, by name and unit, with a value for each
	// round: what two reports are compared by.
	Figures []Figure `json:"figures"`

	Delivery   *DeliverySettings `json:"settings,omitempty"`
	Deliveries []DeliveryResult  `json:"deliveries,omitempty"`
	Limit      []LimitResult     `json:"limit,omitempty"`
	Curves     []Curve           `json:"curves,omitempty"`
	Soak       *SoakResult       `json:"soak,omitempty"`
	Signing    []SigningResult   `json:"signing,omitempty"`
	Matching   []MatchingResult  `json:"matching,omitempty"`
	Neighbours *NeighboursReport `json:"neighbours,omitempty"`
	Recovery   *RecoveryReport   `json:"recovery,omitempty"`
	Ingest     *IngestReport     `json:"ingest,omitempty"`
}

// DeliverySettings are what all cases of a delivery run share.
type DeliverySettings struct {
	Seconds       float64 `json:"seconds"`
	DocumentBytes int     `json:"document_bytes"`
	Signature     string  `json:"signature"`
	BareWorkers   int     `json:"bare_workers"`
	Check         bool    `json:"check"`
	IDs           bool    `json:"ids"`
	Producer      string  `json:"producer"`
	Clients       int     `json:"clients"`
}

func newReport(suite, dataDir string) *Report {
	return &Report{Suite: suite, At: time.Now().UTC().Truncate(time.Second), Machine: thisMachine(dataDir), Versions: versions(), Noise: Noise{LoadBefore: loadAverage()}}
}

// Write puts index.html, which needs nothing beside it, and report.json into
// the folder dir, making it where needed; nothing is done where dir is empty.
func (r *Report) Write(dir string) error {
	r.end()
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	figures, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	page, err := r.page()
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for name, content := range map[string][]byte{"report.json": append(figures, '\n'), "index.html": page} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

// figure is one value and unit of a benchmark line.
type figure struct {
	unit  string
	value float64
}

// units says which way is better, for benchstat.
var units = []struct{ name, better string }{
	{"deliveries/s", "higher"}, {"ratio", "higher"}, {"bare/s", "higher"},
	{"p50-ms", "lower"}, {"p99-ms", "lower"}, {"p99.9-ms", "lower"},
	{"cpu-us/delivery", "lower"}, {"receiver-us/delivery", "lower"},
	{"rss-MiB", "lower"}, {"growth-MiB/min", "lower"}, {"of-hash", "lower"}, {"busy-cores", "lower"}, {"other-cores", "lower"},
	{"p99-ratio", "lower"}, {"ready-ms", "lower"}, {"first-ms", "lower"}, {"caught-up-ms", "lower"},
	{"lost", "lower"}, {"repeated", "lower"}, {"events/s", "higher"}, {"of-pace", "lower"}, {"of-burst", "lower"},
	{"cpu-us/event", "lower"}, {"of-alone", "higher"}, {"of-unsynced", "higher"}, {"refused", "lower"},
	{"of-limit", "lower"}, {"of-afternoon", "higher"}, {"afternoon/s", "higher"}, {"afternoon-us/delivery", "lower"}, {"late-p99-ms", "lower"}, {"connections", "lower"}, {"producer-us/delivery", "lower"}, {"waited", "higher"},
	{"parts/s", "higher"}, {"other-us", "lower"}, {"limit-us/delivery", "lower"},
	{"receipt-p50-ms", "lower"}, {"receipt-p99-ms", "lower"},
	{"alone-events/s", "higher"}, {"alone-p50-ms", "lower"}, {"alone-p99-ms", "lower"}, {"alone-cpu-us/event", "lower"},
	{"detections/s", "higher"}, {"lookups/s", "higher"}, {"documents/s", "higher"}, {"of-scan", "higher"}, {"B/alert", "lower"},
}

func printHeader(w io.Writer, m Machine) {
	var head strings.Builder
	fmt.Fprintf(&head, "goos: %s\ngoarch: %s\npkg: github.com/postrider/postrider/bench\ncpu: %s\n", m.OS, m.Arch, m.CPU)
	for _, u := range units {
		fmt.Fprintf(&head, "Unit %s better=%s\n", u.name, u.better)
	}
	_, _ = io.WriteString(w, head.String()) // who cannot read it has the report
}

func printLine(w io.Writer, name string, n uint64, figures ...figure) {
	var line strings.Builder
	fmt.Fprintf(&line, "Benchmark%s\t%8d", name, n)
	for _, f := range figures {
		fmt.Fprintf(&line, "\t%s %s", short(f.value), f.unit)
	}
	_, _ = fmt.Fprintln(w, line.String())
}

// short writes four digits or more, never an exponent.
func short(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func printDelivery(w io.Writer, suite string, d *DeliveryResult) {
	figures := []figure{
		{"ns/op", float64(time.Second) / d.PerSecond},
		{"deliveries/s", d.PerSecond},
		{"ratio", d.Ratio},
		{"bare/s", d.Bare()},
	}
	if d.Latency.Count > 0 {
		figures = append(figures,
			figure{"p50-ms", milliseconds(d.Latency.P50)},
			figure{"p99-ms", milliseconds(d.Latency.P99)},
			figure{"p99.9-ms", milliseconds(d.Latency.P999)})
	}
	figures = append(figures, figure{"cpu-us/delivery", d.SenderCPU}, figure{"receiver-us/delivery", d.ReceiverCPU})
	if d.Producer != "" {
		figures = append(figures, figure{"producer-us/delivery", d.ProducerCPU}, figure{"waited", d.Waited})
	}
	if d.LimitCPU > 0 {
		figures = append(figures, figure{"limit-us/delivery", d.LimitCPU}, figure{"of-limit", d.OfLimit})
	}
	if p := d.Afternoon; p != nil && p.PerSecond > 0 {
		figures = append(figures, figure{"of-afternoon", d.OfAfternoon}, figure{"afternoon/s", p.PerSecond}, figure{"afternoon-us/delivery", p.SenderCPU})
	}
	printLine(w, suite+"/"+d.Name, d.Deliveries, append(figures,
		figure{"connections", float64(d.Connections)},
		figure{"rss-MiB", d.RSSMiB},
		figure{"other-cores", d.OtherMost()})...)
	for _, l := range d.Loads {
		l.print(w, d.Name)
	}
	for _, warning := range d.Warnings {
		_, _ = fmt.Fprintf(w, "# %s: %s\n", d.Name, warning)
	}
}

func printSoak(w io.Writer, s *SoakResult) {
	printLine(w, "Soak/"+s.Name, s.Deliveries,
		figure{"ns/op", float64(time.Second) / max(s.PerSecond, 1)},
		figure{"deliveries/s", s.PerSecond},
		figure{"rss-MiB", s.PeakMiB},
		figure{"growth-MiB/min", s.GrowthMiB})
}

// sortedVersions are the lines of the versions, for the page.
func (r *Report) sortedVersions() []string {
	var lines []string
	for name, version := range r.Versions {
		lines = append(lines, name+" "+version)
	}
	slices.Sort(lines)
	return lines
}
