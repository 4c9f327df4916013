package bench

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// NeighboursReport holds every run, and what the rounds say together.
type NeighboursReport struct {
	Seconds float64       `json:"seconds"`
	Healthy int           `json:"healthy"`
	Rate    float64       `json:"rate_per_endpoint_in_trouble"`
	Timeout time.Duration `json:"timeout_ns"`
	Synced  bool          `json:"synced"`
	// Waiting: at full load, beside so many events for the endpoints in trouble.
	Waiting int `json:"waiting,omitempty"`
	// Offered is the load of each run, in deliveries a second. Capacity is what
	// the healthy endpoints take at full load; 0 where it was not measured.
	Offered  float64             `json:"offered_per_s"`
	Capacity float64             `json:"capacity_per_s"`
	Runs     []*NeighboursResult `json:"runs"`
	Medians  []NeighboursFigures `json:"medians"`
}

// NeighboursResult is one run; figures are of the healthy endpoints alone.
type NeighboursResult struct {
	Trouble
	Name    string  `json:"name"`
	Offered float64 `json:"offered_per_s"`
	// PerSecond is what arrived while it was measured, Latency from the intended
	// publish to the receipt.
	PerSecond float64 `json:"deliveries_per_s"`
	Latency   Latency `json:"latency"`
	// CPU is that of the whole process, µs a delivery to a healthy endpoint.
	CPU float64 `json:"cpu_us"`
	// WaitingCPU is what each event for an endpoint in trouble costs, µs of the whole
	// process, its publishing included: what is over those of the runs without, at
	// full load.
	WaitingCPU float64 `json:"waiting_cpu_us,omitempty"`
	// BusyCores are those of the whole machine, OtherCores of neither this
	// process nor the receivers'.
	BusyCores  float64 `json:"busy_cores"`
	OtherCores float64 `json:"other_cores"`
	RSSMiB     float64 `json:"rss_mib"`
	Owed       uint64  `json:"owed"`
	Received   uint64  `json:"received"`
	// Published events for the endpoints in trouble, and requests that these
	// saw (none where they refuse connections).
	Published uint64 `json:"published_to_trouble"`
	Tried     uint64 `json:"tried_at_trouble"`
	// Throughput and P99 as multiples of those of the runs without trouble
	// before and after, whose p99 was CalmP99; 0 for a run without.
	Throughput float64       `json:"throughput_ratio,omitempty"`
	P99Ratio   float64       `json:"p99_ratio,omitempty"`
	CalmP99    time.Duration `json:"calm_p99_ns,omitempty"`
	Arrivals   []uint64      `json:"arrivals"`

	deliveries float64 // that CPU is a share of
	waiting    int     // events for those in trouble
}

// The bounds of what neighbours may cost.
const (
	leastThroughput = 0.9
	mostP99         = 1.1
	mostP99More     = 5 * time.Millisecond
)

// NeighboursFigures are the medians over the rounds of one trouble.
type NeighboursFigures struct {
	Name       string        `json:"name"`
	Rounds     int           `json:"rounds"`
	PerSecond  float64       `json:"deliveries_per_s"`
	P50        time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	P999       time.Duration `json:"p999_ns"`
	CPU        float64       `json:"cpu_us"`
	BusyCores  float64       `json:"busy_cores"`
	Throughput float64       `json:"throughput_ratio"`
	P99Ratio   float64       `json:"p99_ratio"`
	P99More    time.Duration `json:"p99_more_ns"`
	// OtherCores above some tenths: the machine was not ours.
	OtherCores float64 `json:"other_cores"`
	// Within: throughput at least 0.9, and p99 at most 1.1 or 5 ms more, of the
	// runs without.
	Within bool `json:"within"`
}

func (r *NeighboursResult) compare(before, after *NeighboursResult) {
	if calm := (before.PerSecond + after.PerSecond) / 2; calm > 0 {
		r.Throughput = r.PerSecond / calm
	}
	if r.waiting > 0 {
		r.WaitingCPU = (r.CPU - (before.CPU+after.CPU)/2) * r.deliveries / float64(r.waiting)
	}
	if r.CalmP99 = (before.Latency.P99 + after.Latency.P99) / 2; r.CalmP99 > 0 {
		r.P99Ratio = float64(r.Latency.P99) / float64(r.CalmP99)
	}
}

func (r *NeighboursResult) print(w io.Writer) {
	figures := []figure{
		{"ns/op", float64(time.Second) / max(r.PerSecond, 1)},
		{"deliveries/s", r.PerSecond},
		{"p50-ms", milliseconds(r.Latency.P50)},
		{"p99-ms", milliseconds(r.Latency.P99)},
		{"p99.9-ms", milliseconds(r.Latency.P999)},
		{"cpu-us/delivery", r.CPU},
		{"rss-MiB", r.RSSMiB},
		{"busy-cores", r.BusyCores},
		{"other-cores", r.OtherCores},
	}
	if r.Throughput > 0 {
		figures = append(figures, figure{"ratio", r.Throughput}, figure{"p99-ratio", r.P99Ratio})
	}
	if r.waiting > 0 {
		figures = append(figures, figure{"cpu-us/waiting", r.WaitingCPU})
	}
	printLine(w, "Neighbours/trouble="+r.Name, r.Received, figures...)
}

// summarize takes the medians, trouble by trouble in the order of the runs,
// and prints them as a table.
func (n *NeighboursReport) summarize(w io.Writer) {
	var names []string
	of := map[string][]*NeighboursResult{}
	for _, r := range n.Runs {
		if of[r.Name] == nil {
			names = append(names, r.Name)
		}
		of[r.Name] = append(of[r.Name], r)
	}
	if len(names) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%d healthy endpoints, %.0f deliveries/s offered; medians\n", n.Healthy, n.Offered)
	for _, name := range names {
		m := medians(name, of[name])
		n.Medians = append(n.Medians, m)
		fmt.Fprintf(w, "  %-12s %8.0f deliveries/s (%.3f)   p50 %7.2f  p99 %7.2f (%.2f, %+.2f ms)  p99.9 %7.2f ms  busy cores %.2f, other %.2f   %s\n", m.Name, m.PerSecond, m.Throughput,
			milliseconds(m.P50), milliseconds(m.P99), m.P99Ratio, milliseconds(m.P99More), milliseconds(m.P999), m.BusyCores, m.OtherCores, m.verdict())
	}
}

func (m *NeighboursFigures) verdict() string {
	switch {
	case m.Name == Trouble{}.String():
		return "what the others are compared with"
	case m.Within:
		return "within 10 %"
	}
	return "NOT within 10 %"
}

func medians(name string, runs []*NeighboursResult) NeighboursFigures {
	of := func(figure func(*NeighboursResult) float64) float64 {
		var all []float64
		for _, r := range runs {
			all = append(all, figure(r))
		}
		return median(all)
	}
	took := func(d func(*NeighboursResult) time.Duration) time.Duration {
		return time.Duration(of(func(r *NeighboursResult) float64 { return float64(d(r)) }))
	}
	m := NeighboursFigures{
		Name: name, Rounds: len(runs),
		PerSecond:  of(func(r *NeighboursResult) float64 { return r.PerSecond }),
		P50:        took(func(r *NeighboursResult) time.Duration { return r.Latency.P50 }),
		P99:        took(func(r *NeighboursResult) time.Duration { return r.Latency.P99 }),
		P999:       took(func(r *NeighboursResult) time.Duration { return r.Latency.P999 }),
		CPU:        of(func(r *NeighboursResult) float64 { return r.CPU }),
		BusyCores:  of(func(r *NeighboursResult) float64 { return r.BusyCores }),
		OtherCores: of(func(r *NeighboursResult) float64 { return r.OtherCores }),
		Throughput: 1, P99Ratio: 1, Within: true,
	}
	if name != (Trouble{}).String() {
		m.Throughput = of(func(r *NeighboursResult) float64 { return r.Throughput })
		m.P99Ratio = of(func(r *NeighboursResult) float64 { return r.P99Ratio })
		m.P99More = took(func(r *NeighboursResult) time.Duration { return r.Latency.P99 - r.CalmP99 })
		m.Within = m.Throughput >= leastThroughput && (m.P99Ratio <= mostP99 || m.P99More <= mostP99More)
	}
	return m
}

// median of values, 0 of none; of an even number the mean of the middle two.
func median(values []float64) float64 {
	all := slices.Sorted(slices.Values(values))
	if len(all) == 0 {
		return 0
	}
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
