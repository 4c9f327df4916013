package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// What curves go over.
const (
	overEndpoints = "endpoints"
	overFanOut    = "fan-out"
	overSize      = "size"
	overWaiting   = "waiting"
)

// Curve is the full load of one node after another, as one thing grows.
type Curve struct {
	Over   string       `json:"over"`
	Unit   string       `json:"unit"`
	Points []CurvePoint `json:"points"`
}

// CurvePoint is the full load at one value.
type CurvePoint struct {
	At        float64  `json:"at"`
	PerSecond float64  `json:"deliveries_per_s"`
	CPU       float64  `json:"cpu_us"`
	Ratio     float64  `json:"ratio"` // to the bare client; of waiting: to none that wait
	RSSMiB    float64  `json:"rss_mib"`
	Warnings  []string `json:"warnings,omitempty"`
}

// CurveOptions of Curves: those of Delivery, of which it takes the first format,
// scheme and sync, and what the curves go over.
type CurveOptions struct {
	Options
	// OverEndpoints (1 to 10,000, at fan-out 1), OverFanOut (1 to 100, of 100
	// endpoints) and OverSize (256 B to 256 KiB, fan-out 1, 100 endpoints).
	OverEndpoints, OverFanOut, OverSize []int
}

const curveEndpoints = 100

func (o CurveOptions) withDefaults() (CurveOptions, error) {
	if len(o.OverEndpoints) == 0 {
		o.OverEndpoints = []int{1, 10, 100, 1_000, 10_000}
	}
	if len(o.OverFanOut) == 0 {
		o.OverFanOut = []int{1, 3, 10, 30, 100}
	}
	if len(o.OverSize) == 0 {
		o.OverSize = []int{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10}
	}
	o.Loads, o.FullOnly, o.Broker, o.Peer, o.Check = nil, true, nil, nil, false
	o.FanOuts, o.Endpoints, o.Sizes, o.Sync = o.OverFanOut, o.OverEndpoints, o.OverSize, append(slices.Clone(o.Sync), false)[:1]
	var err error
	o.Options, err = o.Options.withDefaults()
	return o, err
}

// Curves measures the full load as the number of endpoints, the fan-out and the
// size of documents grow, each alone.
func Curves(ctx context.Context, o CurveOptions) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	report := newReport("curves", o.DataDir)
	o.Stdout = report.begin(o.Stdout)
	base := Case{FanOut: 1, Endpoints: curveEndpoints, Synced: o.Sync[0], Away: o.Away, kind: load,
		Format: unless(o.Formats[0], formatRaw), Scheme: unless(o.Schemes[0], schemeHTTP), Producer: unless(o.Producer, producerNode)}
	for _, curve := range []struct {
		over, unit string
		at         []int
		set        func(*Case, int)
	}{
		{overEndpoints, "endpoints", o.OverEndpoints, func(c *Case, n int) { c.Endpoints = n }},
		{overFanOut, "endpoints that want each event", o.OverFanOut, func(c *Case, n int) { c.FanOut, c.Endpoints = n, max(n, curveEndpoints) }},
		{overSize, "bytes", o.OverSize, func(c *Case, n int) { c.Size = unless(n, DocumentSize) }},
	} {
		made := Curve{Over: curve.over, Unit: curve.unit}
		for _, at := range curve.at {
			c := base
			curve.set(&c, at)
			d, err := o.measure(ctx, c)
			if err != nil {
				report.Curves = append(report.Curves, made)
				return report, errors.Join(fmt.Errorf("bench curves, %s: %w", c, err), report.Write(o.Report))
			}
			printDelivery(o.Stdout, "Curve/"+curve.over, d)
			made.Points = append(made.Points, CurvePoint{At: float64(at), PerSecond: d.PerSecond, CPU: d.SenderCPU, Ratio: d.Ratio, RSSMiB: d.RSSMiB, Warnings: d.Warnings})
		}
		report.Curves = append(report.Curves, made)
	}
	return report, report.Write(o.Report)
}
