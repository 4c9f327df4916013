package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// halfLoad is the share of the capacity at which latency is measured.
const halfLoad = 0.5

// DeliveryResult holds the figures of one case.
type DeliveryResult struct {
	Case
	Name string `json:"name"`
	// Concurrency is each endpoint's limit of deliveries in flight.
	Concurrency int `json:"concurrency"`
	// Deliveries were counted by the sink in Took of full load, backlog bounded.
	Deliveries uint64        `json:"deliveries"`
	Took       time.Duration `json:"took_ns"`
	PerSecond  float64       `json:"deliveries_per_s"`
	// SenderCPU (node, embedded server and producer) and ReceiverCPU are in µs
	// a delivery.
	SenderCPU   float64 `json:"sender_cpu_us"`
	ReceiverCPU float64 `json:"receiver_cpu_us"`
	// The bare client before and after, its cost, and the ratio of PerSecond
	// to the mean of both.
	BareBefore  float64 `json:"bare_before_per_s"`
	BareAfter   float64 `json:"bare_after_per_s"`
	BareCPU     float64 `json:"bare_cpu_us"`
	BareSinkCPU float64 `json:"bare_receiver_cpu_us"`
	Ratio       float64 `json:"ratio"`
	// OtherCores were busy with neither node nor receiver while PerSecond, and
	// while the bare client, was measured: above some tenths the machine was
	// not ours, and the ratio says little.
	OtherCores     float64 `json:"other_cores"`
	BareOtherCores float64 `json:"bare_other_cores"`
	// Latency is from the intended publish to the receipt, in an open loop at
	// Offered deliveries a second, half of the capacity.
	Offered float64 `json:"offered_per_s"`
	Latency Latency `json:"latency"`
	// RSSMiB is the most resident memory of this process while the node ran;
	// StartRSSMiB what it had before.
	RSSMiB      float64 `json:"rss_mib"`
	StartRSSMiB float64 `json:"start_rss_mib"`
	// Owed and Received over the whole of full load and open loop; Repeated
	// what came beyond, Verified signatures and how many of them were bad.
	Owed          uint64 `json:"owed"`
	Received      uint64 `json:"received"`
	Repeated      uint64 `json:"repeated"`
	Verified      uint64 `json:"verified"`
	BadSignatures uint64 `json:"bad_signatures"`
	// Distinct ids, with Options.Check alone.
	Distinct uint64 `json:"distinct,omitempty"`
	// Arrivals in each second of the full load, start and end included.
	Arrivals []uint64 `json:"arrivals"`
}

// Delivery measures every case of o, one after the other, each with a sink
// process, a node and a data folder of its own. It prints each as it is done
// and writes the report at the end. An error says that deliveries were lost,
// signatures bad, or that the machine or the node failed; what was measured
// before it is in the Report all the same.
func Delivery(ctx context.Context, o Options) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	report := newReport("delivery", o.DataDir)
	report.Delivery = &DeliverySettings{Seconds: o.Seconds.Seconds(), DocumentBytes: DocumentSize,
		Signature: "HMAC-SHA512", BareWorkers: bareWorkers, Check: o.Check, IDs: o.IDs}
	printHeader(o.Stdout, report.Machine)
	for range o.Count {
		for _, c := range o.cases() {
			result, err := o.measure(ctx, c)
			if err != nil {
				return report, errors.Join(fmt.Errorf("bench delivery, %s: %w", c, err), report.Write(o.Report))
			}
			report.Deliveries = append(report.Deliveries, *result)
			printDelivery(o.Stdout, result)
		}
	}
	return report, report.Write(o.Report)
}

func (o Options) measure(ctx context.Context, c Case) (result *DeliveryResult, err error) {
	debug.FreeOSMemory() // what the case before left behind is not this one's
	r := &run{o: o, c: c, result: &DeliveryResult{
		Case: c, Name: c.String(), Concurrency: c.concurrency(), StartRSSMiB: mib(residentMemory()),
	}}
	if o.Check {
		r.sink, err = startSink(ctx, checkAll...)
	} else {
		r.sink, err = startSink(ctx)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.sink.close()) }()

	before, err := bareRate(ctx, r.sink, o.Seconds/3)
	if err != nil {
		return nil, err
	}
	memory := sampleMemory(time.Second / 4)
	err = r.withNode(ctx, r.fullThenHalf)
	r.result.RSSMiB = peak(memory.stop())
	if err != nil {
		return nil, err
	}
	after, err := bareRate(ctx, r.sink, o.Seconds/3)
	if err != nil {
		return nil, err
	}
	r.result.compare(before, after)
	return r.result, nil
}

func (r *run) fullThenHalf(ctx context.Context) error {
	stop, err := r.profile()
	if err != nil {
		return err
	}
	measured, err := r.full(ctx, r.o.Seconds/4, r.o.Seconds)
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	r.result.Deliveries, r.result.Took, r.result.PerSecond = measured.deliveries, measured.took, measured.perSecond()
	r.result.SenderCPU, r.result.ReceiverCPU = measured.each(measured.sender), measured.each(measured.receiver)
	r.result.OtherCores = measured.others()
	if measured.deliveries == 0 {
		return fmt.Errorf("nothing arrived in %s of full load: give it more time", r.o.Seconds)
	}
	return r.half(ctx)
}

// half offers half of the capacity in an open loop.
func (r *run) half(ctx context.Context) (err error) {
	r.result.Offered = r.result.PerSecond * halfLoad
	r.result.Latency, err = r.latencyAt(ctx, r.result.Offered)
	return err
}

func (d *DeliveryResult) compare(before, after rate) {
	d.BareBefore, d.BareAfter = before.perSecond(), after.perSecond()
	d.BareCPU = (before.each(before.sender) + after.each(after.sender)) / 2
	d.BareSinkCPU = (before.each(before.receiver) + after.each(after.receiver)) / 2
	d.BareOtherCores = (before.others() + after.others()) / 2
	if d.Bare() > 0 {
		d.Ratio = d.PerSecond / d.Bare()
	}
}

// Bare is the bare client's rate, the mean of before and after.
func (d *DeliveryResult) Bare() float64 { return (d.BareBefore + d.BareAfter) / 2 }

// OtherMost is the higher of the two figures of other cores.
func (d *DeliveryResult) OtherMost() float64 { return max(d.OtherCores, d.BareOtherCores) }
