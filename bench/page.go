package bench

import (
	"bytes"
	"cmp"
	_ "embed"
	"html/template"
	"slices"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"short": short, "ms": milliseconds}).Parse(pageText))

// figurePlot is a plot with its heading.
type figurePlot struct {
	Title string
	SVG   template.HTML
}

func (r *Report) page() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, struct {
		*Report
		Rows         []*DeliveryResult
		VersionLines []string
		Plots        []figurePlot
		Spreads      []spreadRow
		Limits       []*LimitResult
	}{r, r.rows(), r.sortedVersions(), r.plots(), r.spreads(), r.limits()})
	return b.Bytes(), err
}

// rows are the cases of deliveries, of each the run whose rate is the median of
// its rounds.
func (r *Report) rows() []*DeliveryResult {
	var names []string
	byName := map[string][]*DeliveryResult{}
	for i := range r.Deliveries {
		d := &r.Deliveries[i]
		if byName[d.Name] == nil {
			names = append(names, d.Name)
		}
		byName[d.Name] = append(byName[d.Name], d)
	}
	rows := make([]*DeliveryResult, len(names))
	for i, name := range names {
		rounds := byName[name]
		slices.SortStableFunc(rounds, func(a, b *DeliveryResult) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
		rows[i] = rounds[(len(rounds)-1)/2]
	}
	return rows
}

// spreads are all figures that have several rounds.
func (r *Report) spreads() []spreadRow {
	var rows []spreadRow
	for i := range r.Figures {
		if f := &r.Figures[i]; len(f.Values) > 1 {
			rows = append(rows, spreadRow{f.Name, f.Unit, f.Spread()})
		}
	}
	return rows
}

type spreadRow struct {
	Name, Unit string
	Spread
}

func (r *Report) plots() []figurePlot {
	var all []figurePlot
	if len(r.Deliveries) > 0 {
		all = append(all, r.deliveryPlots()...)
	}
	all = append(all, curvePlots(r.Curves)...)
	if len(r.Limit) > 0 {
		all = append(all, limitPlot(r.limits()[0]))
	}
	if r.Soak != nil {
		all = append(all, r.Soak.plots()...)
	}
	if len(r.Signing) > 0 {
		all = append(all, signingPlot(r.Signing))
	}
	if len(r.Matching) > 0 {
		all = append(all, matchingPlots(r.Matching)...)
	}
	if r.Neighbours != nil {
		all = append(all, r.Neighbours.plots()...)
	}
	if r.Recovery != nil {
		all = append(all, r.Recovery.plots()...)
	}
	return all
}

func (s *SoakResult) plots() []figurePlot {
	rss, heap := series{name: "resident"}, series{name: "heap"}
	for _, m := range s.Memory {
		rss.x, rss.y = append(rss.x, m.At.Seconds()), append(rss.y, m.RSSMiB)
		heap.x, heap.y = append(heap.x, m.At.Seconds()), append(heap.y, m.HeapMiB)
	}
	return []figurePlot{
		{"Memory under full load, " + s.Name, linePlot("s", "MiB", []series{rss, heap})},
		{"Arrivals", linePlot("s", "deliveries/s", []series{perSecond("receiver", s.Arrivals)})},
	}
}

func perSecond(name string, counts []uint64) series {
	s := series{name: name}
	for second, n := range counts {
		s.x, s.y = append(s.x, float64(second)), append(s.y, float64(n))
	}
	return s
}

func signingPlot(results []SigningResult) figurePlot {
	var groups []string
	ratio := series{name: "of the bare hash"}
	for _, s := range results {
		if s.Bytes == DocumentSize {
			groups, ratio.y = append(groups, s.Scheme), append(ratio.y, s.OfHash)
		}
	}
	return figurePlot{"Signing 1 KiB: time as a multiple of the bare hash", barPlot("×", groups, []series{ratio})}
}

func limitPlot(l *LimitResult) figurePlot {
	var groups []string
	own, other := series{name: "what counts"}, series{name: "the other side"}
	for _, p := range l.Parts {
		groups = append(groups, p.Part)
		own.y, other.y = append(own.y, p.CPU), append(other.y, p.OtherCPU)
	}
	return figurePlot{"Processor time of each part alone", barPlot("µs", groups, []series{own, other})}
}
