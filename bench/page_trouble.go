package bench

import "fmt"

func (n *NeighboursReport) plots() []figurePlot {
	var groups []string
	p50, p99, p999 := series{name: "p50"}, series{name: "p99"}, series{name: "p99.9"}
	delivered := series{name: "healthy endpoints"}
	for _, m := range n.Medians {
		groups = append(groups, m.Name)
		delivered.y = append(delivered.y, m.PerSecond)
		p50.y, p99.y, p999.y = append(p50.y, milliseconds(m.P50)), append(p99.y, milliseconds(m.P99)), append(p999.y, milliseconds(m.P999))
	}
	var arrivals []series
	for _, m := range n.Medians {
		arrivals = append(arrivals, perSecond(m.Name, n.first(m.Name).Arrivals))
	}
	return []figurePlot{
		{"Deliveries a second to healthy endpoints, medians", barPlot("deliveries/s", groups, []series{delivered})},
		{"Latency of healthy endpoints, medians", barPlot("ms", groups, []series{p50, p99, p999})},
		{"Arrivals at healthy endpoints, first run of each", linePlot("s", "deliveries/s", arrivals)},
	}
}

func (n *NeighboursReport) first(name string) *NeighboursResult {
	for _, r := range n.Runs {
		if r.Name == name {
			return r
		}
	}
	return &NeighboursResult{}
}

func (r *RecoveryReport) plots() []figurePlot {
	var all []figurePlot
	if k := r.Kill; k != nil {
		ready, first, caught := series{name: "ready"}, series{name: "first delivery"}, series{name: "caught up"}
		var groups []string
		for i, s := range k.Restarts {
			groups = append(groups, fmt.Sprint(i))
			ready.y, first.y, caught.y = append(ready.y, milliseconds(s.Ready)), append(first.y, milliseconds(s.First)), append(caught.y, milliseconds(s.CaughtUp))
		}
		all = append(all, figurePlot{"After each kill -9", barPlot("ms", groups, []series{ready, first, caught})})
	}
	if w := r.Waiting; w != nil {
		resident := series{name: "resident"}
		for _, m := range w.Memory {
			resident.x, resident.y = append(resident.x, m.At.Seconds()), append(resident.y, m.RSSMiB)
		}
		all = append(all,
			figurePlot{"Memory of the program", linePlot("s", "MiB", []series{resident})},
			figurePlot{"Arrivals at the endpoint that was down, since its return", linePlot("s", "deliveries/s", []series{perSecond("endpoint", w.Arrivals)})})
	}
	if l := r.Rate; l != nil {
		all = append(all, figurePlot{"Arrivals at the endpoint with a rate limit", linePlot("s", "deliveries/s", []series{perSecond("endpoint", l.Arrivals)})})
	}
	return all
}
