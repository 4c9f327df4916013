package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ProducerCommand is the hidden command under which the binary must run
// ProducerMain: the suite ingest starts its own executable with it.
const ProducerCommand = "bench-producer"

// Ways of publishing.
const (
	waySync   = "nats-sync"
	wayAsync  = "nats-async"
	waySingle = "http-single"
	wayArray  = "http-array"
	wayNDJSON = "http-ndjson"
)

// perRequest is how many events an array or an NDJSON body has, and inFlight how
// many all asynchronous clients have unacknowledged, nats.go's own limit.
const (
	perRequest = 100
	inFlight   = 4000
	// inFlightBytes bounds one client's where documents are large.
	inFlightBytes = 64 << 20
)

// NATSProducer publishes by NATS; done may be called from any goroutine.
type NATSProducer interface {
	Publish(ctx context.Context, subject string, data []byte) error
	PublishAsync(subject, id string, data []byte, done func(error)) error
	Close()
}

// ProducerSpec is what a process of producers does.
type ProducerSpec struct {
	Way        string        `json:"way"`
	Clients    int           `json:"clients"`
	NATS, HTTP string        // addresses
	Token      string        `json:"token"`
	Type       string        `json:"type"`
	Customer   string        `json:"customer,omitempty"` // of all clients; empty: see customer
	Bytes      int           `json:"bytes,omitempty"`    // of each document; 0: those of the bench
	ID         string        `json:"id,omitempty"`       // of all events; empty: they have none
	Rate       float64       `json:"rate"`               // events a second of an open loop; 0: as fast as they are accepted
	Warm       time.Duration `json:"warm"`
	For        time.Duration `json:"for"`
}

// ProducerResult is what came of it. Latency is from when an event was to be
// published until it was acknowledged.
type ProducerResult struct {
	Accepted uint64        `json:"accepted"`
	Refused  uint64        `json:"refused"`
	Took     time.Duration `json:"took_ns"`
	CPU      time.Duration `json:"cpu_ns"` // of the producers' process
	Latency  Latency       `json:"latency"`
	Error    string        `json:"error,omitempty"` // the last
}

// ProducerMain runs producers as the one argument, a ProducerSpec in JSON, says,
// and prints a ProducerResult.
func ProducerMain(ctx context.Context, args []string, stdout io.Writer, dial func(url string) (NATSProducer, error)) error {
	var spec ProducerSpec
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &spec) != nil || spec.Clients < 1 {
		return fmt.Errorf("%s: give a specification in JSON", ProducerCommand)
	}
	p := &producers{spec: spec, document: spec.document(), latency: hdrhistogram.New(1, maxLatency.Microseconds(), 3)}
	run := p.byNATS
	if strings.HasPrefix(spec.Way, "http") {
		run = p.byHTTP
	}
	result, err := run(ctx, dial)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(result)
}

// producers are the clients of a process.
type producers struct {
	spec              ProducerSpec
	from, until       time.Time // what is measured
	accepted, refused atomic.Uint64
	mu                sync.Mutex
	latency           *hdrhistogram.Histogram // in µs
	fault             error
	document          []byte // of all events; nil: each has its own
}

func (p *producers) begin() {
	p.from = time.Now().Add(p.spec.Warm)
	p.until = p.from.Add(p.spec.For)
}

func (p *producers) over() bool { return !time.Now().Before(p.until) }

// became notes n events that were meant for at.
func (p *producers) became(at time.Time, n int, err error) {
	now := time.Now()
	if err != nil {
		p.refused.Add(uint64(n))
		p.mu.Lock()
		p.fault = err
		p.mu.Unlock()
		return
	}
	if now.Before(p.from) || now.After(p.until) && p.spec.Rate == 0 {
		return
	}
	p.accepted.Add(uint64(n))
	if at.Before(p.from) {
		return
	}
	p.mu.Lock()
	_ = p.latency.RecordValue(max(1, now.Sub(at).Microseconds())) // what is beyond is at the limit
	p.mu.Unlock()
}

func (p *producers) result(cpu time.Duration) *ProducerResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &ProducerResult{Accepted: p.accepted.Load(), Refused: p.refused.Load(), Took: p.spec.For, CPU: cpuTime() - cpu, Latency: summary(p.latency)}
	if p.fault != nil {
		r.Error = p.fault.Error()
	}
	return r
}

// customer is whose events client i publishes; one alone publishes those of the
// bench's endpoints.
func (s *ProducerSpec) customer(i int) string {
	if s.Customer != "" {
		return s.Customer
	}
	if s.Clients == 1 {
		return customer
	}
	return customer + strconv.Itoa(i)
}

func (p *producers) byNATS(ctx context.Context, dial func(url string) (NATSProducer, error)) (*ProducerResult, error) {
	clients := make([]NATSProducer, p.spec.Clients)
	for i := range clients {
		var err error
		if clients[i], err = dial(p.spec.NATS); err != nil {
			return nil, err
		}
		defer clients[i].Close()
	}
	publish := p.oneByOne
	switch {
	case p.spec.Rate > 0:
		publish = p.paced
	case p.spec.Way == wayAsync:
		publish = p.window
	}
	p.begin()
	cpu := cpuTime()
	var running sync.WaitGroup
	for i, c := range clients {
		running.Go(func() { publish(ctx, c, "events."+p.spec.customer(i)+"."+p.spec.Type) })
	}
	running.Wait()
	return p.result(cpu), nil
}

func (p *producers) oneByOne(ctx context.Context, c NATSProducer, subject string) {
	for !p.over() && ctx.Err() == nil {
		at := time.Now()
		p.became(at, 1, c.Publish(ctx, subject, documents([]time.Time{at})[0]))
	}
}

// window keeps so many unacknowledged.
func (p *producers) window(ctx context.Context, c NATSProducer, subject string) {
	most := inFlight / p.spec.Clients
	if p.spec.Bytes > 0 {
		most = min(most, inFlightBytes/p.spec.Bytes)
	}
	free := make(chan struct{}, max(1, most))
	for !p.over() && ctx.Err() == nil {
		free <- struct{}{}
		p.async(c, subject, time.Now(), func() { <-free })
	}
	for range cap(free) {
		free <- struct{}{}
	}
}

// paced publishes in an open loop, however long acknowledgements take.
func (p *producers) paced(ctx context.Context, c NATSProducer, subject string) {
	pacer := Constant(p.spec.Rate/float64(p.spec.Clients), p.spec.Warm+p.spec.For)
	start := time.Now()
	var open sync.WaitGroup
	for n := uint64(0); ctx.Err() == nil; {
		wait, stop := pacer.Pace(time.Since(start), n)
		if stop {
			break
		}
		if wait > 0 {
			time.Sleep(max(wait, tick))
			continue
		}
		open.Add(1)
		p.async(c, subject, start.Add(pacer.At(n)), open.Done)
		n++
	}
	open.Wait()
}

func (p *producers) async(c NATSProducer, subject string, at time.Time, after func()) {
	document := p.document
	if document == nil {
		document = documents([]time.Time{at})[0]
	}
	err := c.PublishAsync(subject, p.spec.ID, document, func(err error) {
		p.became(at, 1, err)
		after()
	})
	if err != nil {
		p.became(at, 1, err)
		after()
	}
}
