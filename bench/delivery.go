package bench

import (
	"cmp"
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
	// SenderCPU (node and embedded server; the producers too where they are
	// within it), ReceiverCPU and ProducerCPU (where they are not) are in µs a
	// delivery.
	SenderCPU   float64 `json:"sender_cpu_us"`
	ReceiverCPU float64 `json:"receiver_cpu_us"`
	ProducerCPU float64 `json:"producer_cpu_us,omitempty"`
	// Waited is the share of the full load that the producers waited: near 0
	// they were the limit, and not the node. -1: not known.
	Waited float64 `json:"waited"`
	// Connections is the most that were open at the receiver under full load.
	Connections int `json:"connections"`
	// LimitCPU is what the parts of a delivery cost alone in the same run, in µs,
	// and OfLimit SenderCPU to it; 0: not measured.
	LimitCPU float64 `json:"limit_cpu_us,omitempty"`
	OfLimit  float64 `json:"of_limit,omitempty"`
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
	// Afternoon is the afternoon's Go under the same full load, and OfAfternoon
	// the ratio of PerSecond to its rate.
	Afternoon   *PeerResult `json:"afternoon,omitempty"`
	OfAfternoon float64     `json:"of_afternoon,omitempty"`
	// Latency is from the intended publish to the receipt, in an open loop at
	// Offered deliveries a second, half of the capacity.
	Offered float64 `json:"offered_per_s"`
	Latency Latency `json:"latency"`
	// IdleCores is what the node's process takes when nothing is published, and
	// Loads are other open loops, by what was offered; with producers of their own.
	IdleCores float64      `json:"idle_cores,omitempty"`
	Loads     []LoadResult `json:"loads,omitempty"`
	// Warnings say what makes these figures say little.
	Warnings []string `json:"warnings,omitempty"`
	// RSSMiB is the most resident memory of the node's process; StartRSSMiB what
	// this process had before, where it is the node's.
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
		Signature: "of the format (raw: HMAC-SHA512)", BareWorkers: Case{Away: o.Away}.bareWorkers(), Check: o.Check, IDs: o.IDs,
		Producer: o.Producer, Clients: o.Clients}
	o.Stdout = report.begin(o.Stdout)
	for range o.Count {
		if o.limits, err = o.measureLimits(ctx, report); err != nil {
			return report, errors.Join(fmt.Errorf("bench delivery: %w", err), report.Write(o.Report))
		}
		for _, c := range o.cases() {
			result, err := o.measure(ctx, c)
			if err != nil {
				return report, errors.Join(fmt.Errorf("bench delivery, %s: %w", c, err), report.Write(o.Report))
			}
			report.Deliveries = append(report.Deliveries, *result)
			printDelivery(o.Stdout, "Delivery", result)
		}
	}
	return report, report.Write(o.Report)
}

// measureLimits measures what the parts cost, for each scheme, where there is
// what it takes.
func (o Options) measureLimits(ctx context.Context, report *Report) (map[string]*LimitResult, error) {
	if o.Broker == nil {
		return nil, nil
	}
	all := map[string]*LimitResult{}
	for _, scheme := range o.Schemes {
		l, err := LimitOptions{Broker: o.Broker, Seconds: max(o.Seconds/4, 50*time.Millisecond), Scheme: scheme, DataDir: o.DataDir}.measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("limit: %w", err)
		}
		all[scheme] = l
		report.Limit = append(report.Limit, *l)
		l.print(o.Stdout)
	}
	return all, nil
}

func (o Options) measure(ctx context.Context, c Case) (result *DeliveryResult, err error) {
	debug.FreeOSMemory() // what the case before left behind is not this one's
	r := &run{o: o, c: c, result: &DeliveryResult{
		Case: c, Name: c.String(), Concurrency: c.concurrency(), StartRSSMiB: mib(residentMemory()), Waited: -1,
	}}
	spec := sinkSpec{scheme: c.Scheme, format: c.Format, delay: c.Away, dir: o.DataDir}
	if o.Check {
		spec.flags = checkAll
	}
	if r.sink, err = startSinkFor(ctx, spec); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.sink.close()) }()

	before, err := r.bare(ctx)
	if err != nil {
		return nil, err
	}
	memory := sampler(time.Second/4, r.memory)
	err = r.withNode(ctx, r.fullThenHalf)
	r.result.RSSMiB = peak(memory.stop())
	if err != nil {
		return nil, err
	}
	if o.Peer != nil && c.Producer == producerNATS {
		if r.result.Afternoon, err = o.peer(ctx, r); err != nil {
			return nil, err
		}
		if rate := r.result.Afternoon.PerSecond; rate > 0 {
			r.result.OfAfternoon = r.result.PerSecond / rate
		}
	}
	after, err := r.bare(ctx)
	if err != nil {
		return nil, err
	}
	r.result.compare(before, after)
	if l := o.limits[cmp.Or(c.Scheme, schemeHTTP)]; l != nil {
		r.result.LimitCPU = l.CPU(c.FanOut)
		r.result.OfLimit = r.result.SenderCPU / r.result.LimitCPU
	}
	r.result.warn()
	return r.result, nil
}

// bare measures the bare net/http client at the same receiver by the same scheme.
func (r *run) bare(ctx context.Context) (rate, error) {
	made, err := newDocumentForm(cmp.Or(r.c.Format, formatRaw), r.c.size())
	if err != nil {
		return rate{}, err
	}
	post, err := newBarePost(r.sink.url(0), bareOptions{scheme: r.c.Scheme, authority: r.sink.authority, format: r.c.Format,
		body: made.documents([]time.Time{time.Now()})[0], workers: r.c.bareWorkers()})
	if err != nil {
		return rate{}, err
	}
	return post.netHTTP().rate(ctx, r.sink, r.o.Seconds/3)
}

// memory is that of the node's process.
func (r *run) memory(at time.Duration) MemorySample {
	if r.c.Producer == "" {
		return memoryNow(at)
	}
	return MemorySample{At: at, RSSMiB: mib(ResidentMemory(int(r.process.Load())))}
}

func (r *run) fullThenHalf(ctx context.Context) error {
	if err := r.loads(ctx, func(load float64) bool { return load*float64(r.c.FanOut) <= safeLoad }); err != nil {
		return err
	}
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
	r.result.ProducerCPU = measured.each(measured.producers)
	r.result.OtherCores = measured.others()
	if u, of := r.source.(*users); of {
		r.result.Waited = u.last.Waited
	}
	if measured.deliveries == 0 {
		return fmt.Errorf("nothing arrived in %s of full load: give it more time", r.o.Seconds)
	}
	if r.o.FullOnly {
		return nil
	}
	if err := r.loads(ctx, func(load float64) bool {
		d := load * float64(r.c.FanOut)
		return d > safeLoad && d <= mostLoad*r.result.PerSecond
	}); err != nil {
		return err
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
