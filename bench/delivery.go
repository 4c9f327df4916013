package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

const (
	// drainLimit is what the last deliveries may take after the last publish.
	drainLimit = time.Minute
	closeLimit = 30 * time.Second
	// halfLoad is the share of the capacity at which latency is measured.
	halfLoad = 0.5
)

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

// run is one case under measure.
type run struct {
	o        Options
	c        Case
	sink     *sinkProcess
	producer *producer
	result   *DeliveryResult
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

// withNode starts a node with the case's endpoints, sees that each is reached,
// and stops it again.
func (r *run) withNode(ctx context.Context, do func(context.Context) error) (err error) {
	dir, err := os.MkdirTemp(r.o.DataDir, "postrider-bench-")
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	node, err := r.o.Start(ctx, NodeOptions{DataDir: dir, Synced: r.c.Synced})
	if err != nil {
		return fmt.Errorf("start the node: %w", err)
	}
	defer func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if failed := node.Close(within); failed != nil {
			err = errors.Join(err, fmt.Errorf("close the node: %w", failed))
		}
	}()
	r.producer = &producer{node: node, c: r.c, ids: r.o.IDs}
	for i := range r.c.Endpoints {
		if err := node.AddEndpoint(ctx, r.c.endpoint(i, r.sink.url(i))); err != nil {
			return fmt.Errorf("add endpoint %d: %w", i, err)
		}
	}
	if err := r.warm(ctx, drainLimit); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return do(ctx)
}

// warm sends an event of each type, so that each endpoint gets FanOut
// deliveries, and waits for them.
func (r *run) warm(ctx context.Context, limit time.Duration) error {
	if err := r.begin(ctx, time.Time{}); err != nil {
		return err
	}
	for left := r.c.Endpoints; left > 0; left -= fullBatch {
		times := make([]time.Time, min(left, fullBatch))
		for i := range times {
			times[i] = time.Now()
		}
		if err := r.producer.publish(ctx, times); err != nil {
			return err
		}
	}
	return r.sink.arrived(ctx, r.producer.owed(), limit)
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

// begin zeroes the counts on both sides.
func (r *run) begin(ctx context.Context, latencyFrom time.Time) error {
	r.producer.published.Store(0)
	return r.sink.reset(ctx, latencyFrom)
}

// full keeps the node at its capacity and measures d of it after warm.
func (r *run) full(ctx context.Context, warm, d time.Duration) (rate, error) {
	if err := r.begin(ctx, time.Time{}); err != nil {
		return rate{}, err
	}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	b := newBacklog(r.c)
	published, watched := make(chan error, 1), make(chan struct{})
	go func() {
		published <- together(loading, func(ctx context.Context) error { return r.producer.full(ctx, b) })
		stop() // where publishing failed there is nothing to measure
	}()
	go func() {
		defer close(watched)
		// It ends by stop, or by a failure of the sink that measure meets as well.
		_ = r.sink.watch(loading, func(c sinkCounts) bool { b.seen(c.Received); return true })
	}()
	measured, err := r.sink.measure(loading, warm, d)
	stop()
	if failed := <-published; failed != nil {
		err = failed
	}
	<-watched
	if err != nil {
		return measured, err
	}
	stats, err := r.drain(ctx)
	r.result.Arrivals = stats.PerSecond
	return measured, err
}

// half offers half of the capacity in an open loop.
func (r *run) half(ctx context.Context) (err error) {
	r.result.Offered = r.result.PerSecond * halfLoad
	r.result.Latency, err = r.latencyAt(ctx, r.result.Offered)
	return err
}

// latencyAt offers so many deliveries a second; the latencies of the first
// second, while the load grows, are not counted.
func (r *run) latencyAt(ctx context.Context, deliveries float64) (Latency, error) {
	warm := min(time.Second, r.o.Seconds/4)
	loop := r.offer(deliveries, warm, r.o.Seconds)
	if err := r.begin(ctx, loop.start.Add(warm)); err != nil {
		return Latency{}, err
	}
	err := together(ctx, func(ctx context.Context) error { return r.producer.paced(ctx, loop) })
	if err != nil {
		return Latency{}, err
	}
	stats, err := r.drain(ctx)
	return stats.Latency, err
}

// offer is an open loop, begun now, of so many deliveries a second for d, after
// it has grown to that during warm.
func (r *run) offer(deliveries float64, warm, d time.Duration) *openLoop {
	events := deliveries / float64(r.c.FanOut)
	return &openLoop{start: time.Now(), pacer: Pacer{From: events / 10, To: events, Over: warm, For: warm + d}}
}

// drain waits for what is owed and adds up what came.
func (r *run) drain(ctx context.Context) (SinkStats, error) {
	owed := r.producer.owed()
	if err := r.sink.arrived(ctx, owed, drainLimit); err != nil {
		return SinkStats{}, err
	}
	s, err := r.sink.stats(ctx)
	if err != nil {
		return s, err
	}
	r.result.Owed += owed
	r.result.Received += s.Received
	r.result.Repeated += s.Received - owed
	r.result.Verified += s.Verified
	r.result.BadSignatures += s.BadSignatures
	r.result.Distinct += s.Distinct
	switch {
	case s.BadSignatures > 0:
		return s, fmt.Errorf("%d of %d verified signatures were bad", s.BadSignatures, s.Verified)
	case r.o.Check && s.Distinct != owed:
		return s, fmt.Errorf("%d distinct deliveries for %d owed", s.Distinct, owed)
	}
	return s, nil
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
