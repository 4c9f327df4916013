package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// SoakResult tells how resident memory went under full load.
type SoakResult struct {
	Case
	Name       string  `json:"name"`
	Deliveries uint64  `json:"deliveries"`
	PerSecond  float64 `json:"deliveries_per_s"`
	// PeakMiB is the most; GrowthMiB the slope over the second half, in MiB a
	// minute, where what fills up once has filled.
	PeakMiB   float64        `json:"peak_rss_mib"`
	GrowthMiB float64        `json:"growth_mib_per_min"`
	Memory    []MemorySample `json:"memory"`
	Arrivals  []uint64       `json:"arrivals"`
}

// Soak keeps full load up for o.Soak and samples the resident memory of this
// process each second: the first fan-out, the last number of endpoints and the
// first sync of o. The log grows by some KiB an event while it lasts, so
// o.DataDir needs the room.
func Soak(ctx context.Context, o Options) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	all := o.cases()
	c := all[0]
	for _, other := range all {
		if other.Synced == c.Synced && other.FanOut == c.FanOut {
			c = other
		}
	}
	report := newReport("soak", o.DataDir)
	o.Stdout = report.begin(o.Stdout)
	result, err := o.soak(ctx, c)
	if err != nil {
		return report, errors.Join(fmt.Errorf("bench soak, %s: %w", c, err), report.Write(o.Report))
	}
	report.Soak = result
	printSoak(o.Stdout, result)
	return report, report.Write(o.Report)
}

func (o Options) soak(ctx context.Context, c Case) (result *SoakResult, err error) {
	r := &run{o: o, c: c, result: &DeliveryResult{Case: c}}
	if r.sink, err = startSink(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.sink.close()) }()

	var measured rate
	var memory []MemorySample
	err = r.withNode(ctx, func(ctx context.Context) error {
		sampler := sampleMemory(time.Second)
		measured, err = r.full(ctx, 0, o.Soak)
		memory = sampler.stop()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &SoakResult{
		Case: c, Name: c.String(), Deliveries: measured.deliveries, PerSecond: measured.perSecond(),
		PeakMiB: peak(memory), GrowthMiB: growth(secondHalf(memory)), Memory: memory, Arrivals: r.result.Arrivals,
	}, nil
}

func secondHalf(samples []MemorySample) []MemorySample {
	return samples[len(samples)/2:]
}
