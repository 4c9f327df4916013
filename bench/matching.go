package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// MatchingOptions of Matching; all have defaults.
type MatchingOptions struct {
	// Alerts are how many there are: 1,000, 100,000 and 1,000,000 by default.
	Alerts []int
	// Modes to measure, of MatchingModes; all by default.
	Modes []string
	// Each is how long one figure is measured, in three rounds of which the
	// fastest counts; by default 600 ms.
	Each time.Duration
	// Count repeats every figure, for benchstat's variance; 1 by default.
	Count  int
	Report string
	Stdout io.Writer
}

// MatchingResult is one mode at one number of alerts. Seconds are processor
// time of one core.
type MatchingResult struct {
	Mode   string `json:"mode"`
	Alerts int    `json:"alerts"`
	N      int    `json:"n"`
	// PerSecond is of parsed detections, brought into normal form and looked
	// up; Lookups of those in normal form already, Documents from the JSON.
	PerSecond float64 `json:"detections_per_s"`
	Lookups   float64 `json:"lookups_per_s"`
	Documents float64 `json:"documents_per_s"`
	// Scans is PerSecond with every alert checked; OfScan how many times that
	// PerSecond is.
	Scans  float64 `json:"scans_per_s"`
	OfScan float64 `json:"of_scan"`
	// Hits is how many alerts a detection matches.
	Hits float64 `json:"hits_per_detection"`
	// AlertBytes is what one takes on the heap, itself included.
	AlertBytes float64 `json:"bytes_per_alert"`
}

// matchingMode is how so many percent of the alerts look for their truck, in
// turn; the others look for whole values.
type matchingMode struct {
	name    string
	percent int
	kinds   []matching.Kind
}

var matchingModes = []matchingMode{
	{"exact", 0, nil},
	{"mixed", 1, []matching.Kind{matching.Wildcard, matching.Lookalike, matching.DeepSearch}},
	{"lookalike", 100, []matching.Kind{matching.Lookalike}},
	{"wildcard", 100, []matching.Kind{matching.Wildcard}},
	{"one-difference", 100, []matching.Kind{matching.OneDifference}},
	{"two-differences", 100, []matching.Kind{matching.TwoDifferences}},
	{"deep-search", 100, []matching.Kind{matching.DeepSearch}},
}

// MatchingModes are all modes of Matching, in their order.
func MatchingModes() []string {
	names := make([]string, len(matchingModes))
	for i, m := range matchingModes {
		names[i] = m.name
	}
	return names
}

func (o MatchingOptions) withDefaults() (MatchingOptions, error) {
	o.Each, o.Count = cmp.Or(o.Each, 600*time.Millisecond), cmp.Or(o.Count, 1)
	if len(o.Alerts) == 0 {
		o.Alerts = []int{1_000, 100_000, 1_000_000}
	}
	if len(o.Modes) == 0 {
		o.Modes = MatchingModes()
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Each < 0 {
		return o, wrong("seconds", o.Each, "must be above 0")
	}
	if o.Count < 0 || o.Count > 100 {
		return o, wrong("count", o.Count, "must be from 1 to 100")
	}
	for _, n := range o.Alerts {
		if n < 1 || n > 10_000_000 {
			return o, wrong("alerts", n, "must be from 1 to 10000000")
		}
	}
	for _, name := range o.Modes {
		if !slices.Contains(MatchingModes(), name) {
			return o, &transport.FieldError{Field: "modes", Value: name, Message: fmt.Sprintf("unknown; give some of %v", MatchingModes())}
		}
	}
	return o, nil
}

// Matching measures how many detections a second of one core are matched with
// so many alerts, beside a scan that checks every alert.
func Matching(ctx context.Context, o MatchingOptions) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	report := newReport("matching", "")
	report.Machine.DataFS = ""
	o.Stdout = report.begin(o.Stdout)
	for range o.Count {
		for _, m := range matchingModes {
			if !slices.Contains(o.Modes, m.name) {
				continue
			}
			for _, n := range o.Alerts {
				if err := ctx.Err(); err != nil {
					return report, errors.Join(err, report.Write(o.Report))
				}
				result, err := m.measure(n, o.Each)
				if err != nil {
					return report, err
				}
				report.Matching = append(report.Matching, *result)
				result.print(o.Stdout)
			}
		}
	}
	return report, report.Write(o.Report)
}

const (
	matchingRounds = 3
	// matchingSeen is how many different detections are matched, in turn.
	matchingSeen = 2048
)

// measure fills an index with n alerts and matches detections with it.
func (m *matchingMode) measure(n int, each time.Duration) (*MatchingResult, error) {
	g, x := matching.NewGenerator(1), matching.NewIndex()
	before := liveHeap()
	for i := range n {
		kind := matching.Exact
		if i%100 < m.percent {
			kind = m.kinds[i/max(1, 100/m.percent)%len(m.kinds)]
		}
		if err := x.Put(g.Alert("acme", kind)); err != nil {
			return nil, fmt.Errorf("bench matching, %s: %w", m.name, err)
		}
	}
	r := &MatchingResult{Mode: m.name, Alerts: n, AlertBytes: (liveHeap() - before) / float64(n)}
	return r, r.measure(x, g, each)
}

func liveHeap() float64 {
	for range 2 { // what lies in pools outlives one
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// measure matches what the generator sees.
func (r *MatchingResult) measure(x *matching.Index, g *matching.Generator, each time.Duration) (fault error) {
	seen, docs, probes := make([]matching.Detection, matchingSeen), make([][]byte, matchingSeen), make([]matching.Probe, matchingSeen)
	var hits []matching.Hit
	all := 0
	for i := range seen {
		seen[i] = g.Detection()
		docs[i] = seen[i].AppendJSON(nil)
		probes[i].Load(&seen[i])
		hits = x.Match(hits[:0], &probes[i], nil)
		all += len(hits)
	}
	r.Hits = float64(all) / matchingSeen
	var d matching.Detection
	var p matching.Probe
	r.PerSecond, r.N = ofOneCore(each, func(i int) {
		p.Load(&seen[i])
		hits = x.Match(hits[:0], &p, nil)
	})
	r.Lookups, _ = ofOneCore(each, func(i int) { hits = x.Match(hits[:0], &probes[i], nil) })
	r.Documents, _ = ofOneCore(each, func(i int) {
		if err := d.Decode(docs[i], time.Time{}); err != nil {
			fault = err
		}
		p.Load(&d)
		hits = x.Match(hits[:0], &p, nil)
	})
	r.Scans, _ = ofOneCore(each, func(i int) {
		p.Load(&seen[i])
		hits = x.Scan(hits[:0], &p)
	})
	r.OfScan = r.PerSecond / r.Scans
	return fault
}

// ofOneCore gives how often a second of processor time has room for do, which
// is told of the detections in turn: what else runs on the machine does not
// count, but for the caches it takes. Of the rounds the fastest counts, of n
// calls. Where processor time is not known it is the clock's.
func ofOneCore(each time.Duration, do func(i int)) (perSecond float64, n int) {
	for range matchingRounds {
		began, used := time.Now(), cpuTime()
		calls, batch := 0, 1
		for took := time.Duration(0); took < each/matchingRounds; took = time.Since(began) {
			for range batch {
				do(calls % matchingSeen)
				calls++
			}
			if took < each/100 {
				batch = min(2*batch, 1024)
			}
		}
		took := cpuTime() - used
		if took <= 0 {
			took = time.Since(began)
		}
		if rate := float64(calls) / took.Seconds(); rate > perSecond {
			perSecond, n = rate, calls
		}
	}
	return perSecond, n
}

func (r *MatchingResult) print(w io.Writer) {
	printLine(w, fmt.Sprintf("Matching/mode=%s/alerts=%d", r.Mode, r.Alerts), uint64(r.N),
		figure{"ns/op", 1e9 / r.PerSecond},
		figure{"detections/s", r.PerSecond},
		figure{"lookups/s", r.Lookups},
		figure{"documents/s", r.Documents},
		figure{"of-scan", r.OfScan},
		figure{"hits/op", r.Hits},
		figure{"B/alert", r.AlertBytes})
}

func matchingPlots(results []MatchingResult) []figurePlot {
	var groups []string
	detections, documents, bytes := series{name: "parsed"}, series{name: "from JSON"}, series{name: "an alert"}
	for _, r := range results {
		groups = append(groups, fmt.Sprintf("%s, %d", r.Mode, r.Alerts))
		detections.y, documents.y = append(detections.y, r.PerSecond), append(documents.y, r.Documents)
		bytes.y = append(bytes.y, r.AlertBytes)
	}
	return []figurePlot{
		{"Detections matched a second, one core", barPlot("detections/s", groups, []series{detections, documents})},
		{"Memory of an alert", barPlot("bytes", groups, []series{bytes})},
	}
}
