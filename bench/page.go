package bench

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
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
	}{r, r.rows(), r.sortedVersions(), r.plots()})
	return b.Bytes(), err
}

func (r *Report) rows() []*DeliveryResult {
	rows := make([]*DeliveryResult, len(r.Deliveries))
	for i := range r.Deliveries {
		rows[i] = &r.Deliveries[i]
	}
	return rows
}

func (r *Report) plots() []figurePlot {
	var all []figurePlot
	if len(r.Deliveries) > 0 {
		all = append(all, r.deliveryPlots()...)
	}
	if len(r.Limit) > 0 {
		all = append(all, limitPlot(&r.Limit[0]))
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

func (r *Report) deliveryPlots() []figurePlot {
	var groups []string
	node, bare := series{name: "node"}, series{name: "bare net/http client"}
	own, receiver := series{name: "node's process"}, series{name: "receiver's process"}
	var latency, arrivals []series
	for _, d := range r.rows() {
		label := fmt.Sprintf("×%d/%d, %s", d.FanOut, d.Endpoints, d.Sync())
		groups = append(groups, label)
		node.y, bare.y = append(node.y, d.PerSecond), append(bare.y, d.Bare())
		own.y, receiver.y = append(own.y, d.SenderCPU), append(receiver.y, d.ReceiverCPU)
		curve := series{name: label}
		for _, p := range d.Latency.Curve {
			if p.Percent <= 99.9 {
				curve.x, curve.y = append(curve.x, p.Percent), append(curve.y, milliseconds(p.Within))
			}
		}
		latency = append(latency, curve)
		arrivals = append(arrivals, perSecond(label, d.Arrivals))
	}
	return []figurePlot{
		{"Deliveries a second at full load, as the receiver counted them", barPlot("deliveries/s", groups, []series{node, bare})},
		{"Processor time a delivery", barPlot("µs", groups, []series{own, receiver})},
		{"Latency from intended publish to receipt, open loop at half of that load", linePlot("percent of deliveries", "ms", latency)},
		{"Arrivals under full load", linePlot("s", "deliveries/s", arrivals)},
	}
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
