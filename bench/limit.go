package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/postrider/postrider/transport"
)

// Broker is a JetStream server with nothing of Postrider's.
type Broker interface {
	// Connect connects a client in this process: by TCP, or without a socket
	// where the server is in this process.
	Connect() (BrokerClient, error)
	// Process is the server's process id.
	Process() int
	Close(ctx context.Context) error
}

// BrokerClient publishes, and reads what is stored.
type BrokerClient interface {
	NATSProducer
	// Consume reads the first n events by a pull consumer and acknowledges each.
	Consume(ctx context.Context, n uint64) error
}

// StartBroker starts one on an empty folder; synced: each write is synced;
// inProcess: in this process and not in one of its own.
type StartBroker func(ctx context.Context, dir string, synced, inProcess bool) (Broker, error)

// LimitOptions of Limit. Broker is needed.
type LimitOptions struct {
	Broker StartBroker
	// Seconds is how long each part is measured, 3 s by default.
	Seconds time.Duration //nolint:staticcheck // the flag --seconds, by its own name
	// Scheme of the POST: http (the default), https or h2.
	Scheme string
	// Synced: JetStream syncs each write before it acknowledges.
	Synced bool
	// Count repeats every figure, for benchstat's variance; 1 by default.
	Count   int
	DataDir string
	Report  string
	Stdout  io.Writer
}

// The parts of a delivery, each alone.
const (
	partPublish   = "publish/tcp"
	partConsume   = "consume/tcp"
	partPublishIn = "publish/in-process"
	partConsumeIn = "consume/in-process"
	partHash      = "hash/sha512"
	partNetHTTP   = "post/net-http"
	partFastHTTP  = "post/fasthttp"
)

// LimitPart is one part alone, at full load.
type LimitPart struct {
	Part      string  `json:"part"`
	Count     uint64  `json:"count"`
	PerSecond float64 `json:"per_s"`
	// CPU is processor time in µs for each, of the side that stands for the
	// node: the JetStream server (by TCP; in process: server and client), whoever
	// hashes, whoever posts. OtherCPU is the other side's: the client of
	// JetStream by TCP, the receiver of a POST.
	CPU      float64 `json:"cpu_us"`
	OtherCPU float64 `json:"other_cpu_us"`
	// OtherCores were busy with neither side.
	OtherCores float64 `json:"other_cores"`
}

// LimitResult is what the parts cost in one round.
type LimitResult struct {
	Synced bool        `json:"synced"`
	Scheme string      `json:"scheme"`
	Parts  []LimitPart `json:"parts"`
	// EventCPU is what an event costs once, however many want it: JetStream's
	// server as a client publishes by TCP, and consuming in process. EachCPU is
	// what each delivery of it costs: the bare hash of 1 KiB and a bare POST by
	// fasthttp (by HTTP/2: net/http). Both in µs.
	EventCPU float64 `json:"event_cpu_us"`
	EachCPU  float64 `json:"each_cpu_us"`
}

// CPU is what a delivery costs at least in µs, where fanOut endpoints want an event.
func (l *LimitResult) CPU(fanOut int) float64 { return l.EventCPU/float64(fanOut) + l.EachCPU }

func (o LimitOptions) withDefaults() (LimitOptions, error) {
	if o.Broker == nil {
		return o, &transport.FieldError{Field: "broker", Message: "must be given: the bench has no NATS server of its own"}
	}
	o.Seconds = cmp.Or(o.Seconds, 3*time.Second)
	o.Count = cmp.Or(o.Count, 1)
	o.Scheme = cmp.Or(o.Scheme, schemeHTTP)
	o.DataDir = cmp.Or(o.DataDir, os.TempDir())
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	switch {
	case o.Seconds < 50*time.Millisecond || o.Seconds > time.Minute:
		return o, wrong("seconds", o.Seconds, "must be from 50ms to 1m, better 3s")
	case o.Count < 1 || o.Count > 100:
		return o, wrong("count", o.Count, "must be from 1 to 100")
	}
	return o, checkScheme(o.Scheme)
}

// Limit measures what a delivery is made of, each part alone and at full load:
// JetStream (publish; consume and acknowledge; by TCP and in process), the
// bare hash, a bare POST by net/http and by fasthttp to the same receiver.
// Their sum is what a delivery costs at least.
func Limit(ctx context.Context, o LimitOptions) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	report := newReport("limit", o.DataDir)
	o.Stdout = report.begin(o.Stdout)
	for range o.Count {
		result, err := o.measure(ctx)
		if err != nil {
			return report, errors.Join(fmt.Errorf("bench limit: %w", err), report.Write(o.Report))
		}
		report.Limit = append(report.Limit, *result)
		result.print(o.Stdout)
	}
	return report, report.Write(o.Report)
}

func (o LimitOptions) measure(ctx context.Context) (*LimitResult, error) {
	l := &LimitResult{Synced: o.Synced, Scheme: o.Scheme}
	steps := []func(context.Context) ([]LimitPart, error){
		func(ctx context.Context) ([]LimitPart, error) { return o.broker(ctx, false) },
		func(ctx context.Context) ([]LimitPart, error) { return o.broker(ctx, true) },
		o.hash, o.posts,
	}
	for _, step := range steps {
		parts, err := step(ctx)
		if err != nil {
			return nil, err
		}
		l.Parts = append(l.Parts, parts...)
	}
	l.EventCPU = l.part(partPublish).CPU + l.part(partConsumeIn).CPU
	leanest := partFastHTTP
	if o.Scheme == schemeH2 {
		leanest = partNetHTTP
	}
	l.EachCPU = l.part(partHash).CPU + l.part(leanest).CPU
	return l, nil
}

// part is the part of that name, empty where it was not measured.
func (l *LimitResult) part(name string) LimitPart {
	for _, p := range l.Parts {
		if p.Part == name {
			return p
		}
	}
	return LimitPart{}
}

func (l *LimitResult) print(w io.Writer) {
	under := "sync=" + Case{Synced: l.Synced}.Sync()
	if l.Scheme != schemeHTTP {
		under += "/scheme=" + l.Scheme
	}
	for _, p := range l.Parts {
		printLine(w, fmt.Sprintf("Limit/part=%s/%s", p.Part, under), p.Count,
			figure{"ns/op", p.CPU * 1000}, figure{"parts/s", p.PerSecond},
			figure{"other-us", p.OtherCPU}, figure{"other-cores", p.OtherCores})
	}
	for _, fanOut := range []int{1, 10} {
		printLine(w, fmt.Sprintf("Limit/sum/fanout=%d/%s", fanOut, under), 1, figure{"limit-us/delivery", l.CPU(fanOut)})
	}
}
