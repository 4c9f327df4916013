package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ProducerCommand is the hidden command under which the binary must run
// ProducerMain: suites start their own executable with it.
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
	// steeredBytes bounds all clients that are never to be refused: a node stores
	// so much of one customer at a time.
	steeredBytes = 8 << 20
)

// What a steered process of producers says when it is connected, and is told
// when it is to begin. It publishes no more once its standard input ends.
const (
	producersReady = "ready"
	producersGo    = "go"
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
	Types      int           `json:"types,omitempty"`    // so many in turn: Type and .t0, .t1 …; 0: Type alone
	Customer   string        `json:"customer,omitempty"` // of all clients; empty: see customer
	Format     string        `json:"format,omitempty"`   // of the endpoints, for documents as they want them
	Size       int           `json:"size,omitempty"`     // of each document; 0: DocumentSize
	Bytes      int           `json:"bytes,omitempty"`    // of one document that is published again and again, with no time in it
	ID         string        `json:"id,omitempty"`       // of all events; empty: see IDs
	IDs        string        `json:"ids,omitempty"`      // each has one that begins with it; empty: they have none
	Rate       float64       `json:"rate"`               // events a second of an open loop; 0: as fast as they are accepted
	Pacer      *Pacer        `json:"pacer,omitempty"`    // of an open loop, in place of Rate, Warm and For
	Count      int           `json:"count,omitempty"`    // publish so many and end
	Window     int           `json:"window,omitempty"`   // unacknowledged of all clients; 0: inFlight
	Sink       string        `json:"sink,omitempty"`     // base URL of the receiver's control port, with Backlog
	FanOut     int           `json:"fan_out,omitempty"`
	Backlog    uint64        `json:"backlog,omitempty"` // publish no more while so many deliveries are under way; 0: no bound
	Steered    bool          `json:"steered,omitempty"` // see producersReady
	Warm       time.Duration `json:"warm"`
	For        time.Duration `json:"for"` // 0: until Count is published, the Pacer or standard input ends
}

// ProducerResult is what came of it. Latency is from when an event was to be
// published until it was acknowledged.
type ProducerResult struct {
	// Stored are all events that were acknowledged, Accepted those within the
	// time that is measured.
	Stored   uint64        `json:"stored"`
	Accepted uint64        `json:"accepted"`
	Refused  uint64        `json:"refused"`
	Took     time.Duration `json:"took_ns"`
	CPU      time.Duration `json:"cpu_ns"` // of the producers' process
	Latency  Latency       `json:"latency"`
	// Late is by how much later than meant events of an open loop were published.
	Late Latency `json:"late"`
	// Waited is the share of the time that a client waited for acknowledgements
	// or for the receivers, in a closed loop with a window: near 0, the producers
	// were the limit.
	Waited float64 `json:"waited"`
	Error  string  `json:"error,omitempty"` // the last
}

// ProducerMain runs producers as the one argument, a ProducerSpec in JSON, says,
// and prints a ProducerResult.
func ProducerMain(ctx context.Context, args []string, stdout io.Writer, dial func(url string) (NATSProducer, error)) error {
	var spec ProducerSpec
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &spec) != nil || spec.Clients < 1 {
		return fmt.Errorf("%s: give a specification in JSON", ProducerCommand)
	}
	p, err := newProducers(spec)
	if err != nil {
		return err
	}
	run := p.byNATS
	switch {
	case strings.HasPrefix(spec.Way, "http") && spec.Steered:
		web := newHTTPProducer(spec)
		defer web.client.CloseIdleConnections()
		dial = func(string) (NATSProducer, error) { return web, nil }
	case strings.HasPrefix(spec.Way, "http"):
		run = p.byHTTP
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.begins = func() error { return nil }
	if spec.Steered {
		p.begins = func() error { return steered(stdout, cancel) }
	}
	result, err := run(ctx, dial)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(result)
}

// steered says that all is ready, waits for the word, and then watches for the
// end of standard input.
func steered(stdout io.Writer, stop func()) error {
	if _, err := fmt.Fprintln(stdout, producersReady); err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	if line, err := in.ReadString('\n'); err != nil || strings.TrimSpace(line) != producersGo {
		return errors.Join(fmt.Errorf("%s: told %q", ProducerCommand, line), err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	return nil
}

// producers are the clients of a process.
type producers struct {
	spec              ProducerSpec
	begins            func() error
	start             time.Time
	from, until       time.Time // what is measured; until is zero: no end
	next              atomic.Uint64
	taken             atomic.Int64
	stored            atomic.Uint64
	accepted, refused atomic.Uint64
	waited            atomic.Int64
	backlog           *backlog // nil: no bound
	mu                sync.Mutex
	latency, late     *hdrhistogram.Histogram // in µs
	fault             error
	form              documentForm
	document          []byte // of all events; nil: each has its own
}

func newProducers(spec ProducerSpec) (*producers, error) {
	p := &producers{spec: spec, form: plain, document: spec.document(), latency: hdrhistogram.New(1, maxLatency.Microseconds(), 3), late: hdrhistogram.New(1, maxLatency.Microseconds(), 3)}
	var err error
	if spec.Size > 0 {
		p.form, err = newDocumentForm(spec.Format, spec.Size)
	}
	return p, err
}

func (p *producers) begin() error {
	if err := p.begins(); err != nil {
		return err
	}
	p.start = time.Now()
	p.from = p.start.Add(p.spec.Warm)
	if p.spec.For > 0 {
		p.until = p.from.Add(p.spec.For)
	}
	return nil
}

func (p *producers) over() bool { return !p.until.IsZero() && !time.Now().Before(p.until) }

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
	p.stored.Add(uint64(n))
	if now.Before(p.from) || !p.until.IsZero() && now.After(p.until) && p.spec.Rate == 0 {
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
	r := &ProducerResult{Stored: p.stored.Load(), Accepted: p.accepted.Load(), Refused: p.refused.Load(), Took: p.spec.For, CPU: cpuTime() - cpu,
		Latency: summary(p.latency), Late: summary(p.late)}
	if took := time.Since(p.start); took > 0 {
		r.Waited = float64(p.waited.Load()) / float64(took) / float64(p.spec.Clients)
	}
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

// subjects are those on which client i publishes in turn.
func (s *ProducerSpec) subjects(i int) []string {
	one := "events." + s.customer(i) + "." + s.Type
	if s.Types == 0 {
		return []string{one}
	}
	all := make([]string, s.Types)
	for k := range all {
		all[k] = one + ".t" + strconv.Itoa(k)
	}
	return all
}
