package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// label is a case's name in a plot: what it differs by from the usual one.
func (c Case) label() string {
	words := []string{fmt.Sprintf("×%d/%d", c.FanOut, c.Endpoints), c.Sync()}
	for _, word := range []string{c.Format, c.Scheme} {
		if word != "" {
			words = append(words, word)
		}
	}
	if c.Size > 0 {
		words = append(words, fmt.Sprintf("%d B", c.Size))
	}
	return strings.Join(words, ", ")
}

func (r *Report) deliveryPlots() []figurePlot {
	var groups []string
	node, bare, peer := series{name: "node"}, series{name: "bare net/http client"}, series{name: "an afternoon's Go"}
	own, receiver, limit := series{name: "node's process"}, series{name: "receiver's process"}, series{name: "the parts alone"}
	var latency, arrivals []series
	for _, d := range r.rows() {
		groups = append(groups, d.label())
		node.y, bare.y = append(node.y, d.PerSecond), append(bare.y, d.Bare())
		own.y, receiver.y = append(own.y, d.SenderCPU), append(receiver.y, d.ReceiverCPU)
		limit.y = append(limit.y, d.LimitCPU)
		rate := 0.0
		if d.Afternoon != nil {
			rate = d.Afternoon.PerSecond
		}
		peer.y = append(peer.y, rate)
		curve := series{name: d.label()}
		for _, p := range d.Latency.Curve {
			if p.Percent <= 99.9 {
				curve.x, curve.y = append(curve.x, p.Percent), append(curve.y, milliseconds(p.Within))
			}
		}
		latency = append(latency, curve)
		arrivals = append(arrivals, perSecond(d.label(), d.Arrivals))
	}
	all := []figurePlot{
		{"Deliveries a second at full load, as the receiver counted them", barPlot("deliveries/s", groups, []series{node, bare, peer})},
		{"Processor time a delivery at full load", barPlot("µs", groups, []series{own, receiver, limit})},
		{"Latency from intended publish to receipt, open loop at half of that load", linePlot("percent of deliveries", "ms", latency)},
	}
	all = append(all, r.loadPlots()...)
	return append(all, figurePlot{"Arrivals under full load", linePlot("s", "deliveries/s", arrivals)})
}

// loadPlots have latency and cost as the load grows up to half of the full one,
// and the cost at full load.
func (r *Report) loadPlots() []figurePlot {
	var latency, cost []series
	for _, d := range r.rows() {
		if len(d.Loads) == 0 {
			continue
		}
		p50, p99, each := series{name: d.label() + ", p50"}, series{name: d.label() + ", p99"}, series{name: d.label()}
		for _, l := range d.Loads {
			p50.add(l.Deliveries, milliseconds(l.Latency.P50))
			p99.add(l.Deliveries, milliseconds(l.Latency.P99))
			each.add(l.Deliveries, l.EachCPU)
		}
		p50.add(d.Offered, milliseconds(d.Latency.P50))
		p99.add(d.Offered, milliseconds(d.Latency.P99))
		each.add(d.PerSecond, d.SenderCPU)
		p50.sort()
		p99.sort()
		each.sort()
		latency, cost = append(latency, p50, p99), append(cost, each)
	}
	if len(cost) == 0 {
		return nil
	}
	return []figurePlot{
		{"Latency as the load grows, up to half of the full one", logPlot("deliveries/s offered", "ms", latency)},
		{"Processor time a delivery above the idle node, as the load grows", logPlot("deliveries/s", "µs", cost)},
	}
}

func (s *series) add(x, y float64) { s.x, s.y = append(s.x, x), append(s.y, y) }

// sort brings the points into the order of x.
func (s *series) sort() {
	order := make([]int, len(s.x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.x[a], s.x[b]) })
	was := *s
	s.x, s.y = nil, nil
	for _, i := range order {
		s.add(was.x[i], was.y[i])
	}
}

// limits has the limit of each scheme and sync, of its rounds the one with the
// median sum.
func (r *Report) limits() []*LimitResult {
	type under struct {
		scheme string
		synced bool
	}
	var all []*LimitResult
	rounds := map[under][]*LimitResult{}
	var order []under
	for i := range r.Limit {
		l := &r.Limit[i]
		u := under{l.Scheme, l.Synced}
		if rounds[u] == nil {
			order = append(order, u)
		}
		rounds[u] = append(rounds[u], l)
	}
	for _, u := range order {
		slices.SortStableFunc(rounds[u], func(a, b *LimitResult) int { return cmp.Compare(a.CPU(1), b.CPU(1)) })
		all = append(all, rounds[u][(len(rounds[u])-1)/2])
	}
	return all
}

func curvePlots(curves []Curve) []figurePlot {
	var all []figurePlot
	for _, c := range curves {
		rate, cost := series{name: "deliveries/s"}, series{name: "node's process"}
		for _, p := range c.Points {
			if p.PerSecond > 0 {
				rate.add(p.At, p.PerSecond)
			}
			if p.CPU > 0 {
				cost.add(p.At, p.CPU)
			}
		}
		if len(rate.x) > 0 {
			all = append(all, figurePlot{"Full load over " + c.Over, logPlot(c.Unit, "deliveries/s", []series{rate})})
		}
		if len(cost.x) > 0 {
			all = append(all, figurePlot{"Processor time a delivery over " + c.Over, logPlot(c.Unit, "µs", []series{cost})})
		}
	}
	return all
}
