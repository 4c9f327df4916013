package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// Ingested is what events are published to, in a process of its own.
type Ingested interface {
	NATS() string
	HTTP() string // empty: it takes none
	Token() string
	// Process is its process id.
	Process() int
	// AddEndpoint is not asked of JetStream alone.
	AddEndpoint(ctx context.Context, e *transport.Endpoint) error
	Close(ctx context.Context) error
}

// StartIngested starts one on an empty folder. JetStream alone has no settings.
type StartIngested func(ctx context.Context, o NodeOptions) (Ingested, error)

// IngestOptions of Ingest. Node and Alone are needed.
type IngestOptions struct {
	// Node starts a node, Alone a JetStream server with nothing of Postrider's.
	Node, Alone StartIngested
	// Seconds is how long each figure is measured, 3 s by default.
	Seconds time.Duration //nolint:staticcheck // the flag --seconds, by its own name
	// Clients are numbers of clients at once (1, 16, 128), Ways how they publish.
	Clients []int
	Ways    []string
	// Rate is that of the open loop of one asynchronous client, 4,000 a second
	// by default; negative: none.
	Rate    float64
	DataDir string
	Report  string
	Stdout  io.Writer
}

// IngestWays are all ways of publishing, in their order.
func IngestWays() []string { return []string{waySync, wayAsync, waySingle, wayArray, wayNDJSON} }

// IngestResult is one way of publishing, on a synced server or not.
type IngestResult struct {
	Way       string         `json:"way"`
	Clients   int            `json:"clients"`
	Synced    bool           `json:"synced"`
	Offered   float64        `json:"offered,omitempty"` // events a second of an open loop
	Node      IngestSide     `json:"node"`
	Alone     *IngestSide    `json:"jetstream_alone,omitempty"`
	OfAlone   float64        `json:"of_alone,omitempty"`    // the node's rate to JetStream's alone
	OfUnsync  float64        `json:"of_unsynced,omitempty"` // the synced node's rate to the unsynced one's
	Receipt   *Latency       `json:"receipt,omitempty"`     // at a receiver, from when an event was to be published
	Producers ProducerResult `json:"producers"`
}

// IngestSide is what one server did.
type IngestSide struct {
	PerSecond float64 `json:"events_per_s"`
	CPU       float64 `json:"cpu_us_per_event"` // of its process; 0: not known
	Latency   Latency `json:"latency"`
	Refused   uint64  `json:"refused"`
}

// IngestReport is what Ingest measured.
type IngestReport struct {
	Fsync   time.Duration  `json:"fsync_p50_ns"` // of 1 KiB appended to a file of the data folder
	Results []IngestResult `json:"results"`
}

func (o IngestOptions) withDefaults() (IngestOptions, error) {
	if o.Node == nil || o.Alone == nil {
		return o, &transport.FieldError{Field: "node", Message: "must be given, as JetStream alone: the bench has none of its own"}
	}
	o.Seconds = cmp.Or(o.Seconds, 3*time.Second)
	o.Rate = cmp.Or(o.Rate, 4000)
	o.DataDir = cmp.Or(o.DataDir, os.TempDir())
	if len(o.Clients) == 0 {
		o.Clients = []int{1, 16, 128}
	}
	if len(o.Ways) == 0 {
		o.Ways = IngestWays()
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	for _, n := range o.Clients {
		if n < 1 || n > 1000 {
			return o, wrong("clients", n, "must be from 1 to 1000")
		}
	}
	for _, way := range o.Ways {
		if !slices.Contains(IngestWays(), way) {
			return o, wrong("ways", way, "must be of "+strings.Join(IngestWays(), ", "))
		}
	}
	return o, nil
}

// Ingest measures how many events a second are accepted and how long that
// takes: by each way, synced and not, beside JetStream alone. All four servers
// run at once, and a way is measured on one after the other, so that what else
// the machine does hits all of them.
func Ingest(ctx context.Context, o IngestOptions) (report *Report, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.DataDir, "postrider-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	report = newReport("ingest", dir)
	report.Ingest = &IngestReport{}
	o.Stdout = report.begin(o.Stdout)
	if report.Ingest.Fsync, err = fsyncTime(dir); err != nil {
		return report, err
	}
	printLine(o.Stdout, "Fsync", fsyncs, figure{"p50-ms", milliseconds(report.Ingest.Fsync)})
	r := &ingestRun{o: o, report: report.Ingest}
	defer func() { err = errors.Join(err, r.close(context.WithoutCancel(ctx))) }()
	if err := r.start(ctx, dir); err != nil {
		return report, err
	}
	if err := r.all(ctx); err != nil {
		return report, err
	}
	return report, report.Write(o.Report)
}

// ingestRun has the servers: synced and not.
type ingestRun struct {
	o           IngestOptions
	report      *IngestReport
	node, alone map[bool]Ingested
	sink        *sinkProcess
}

func (r *ingestRun) start(ctx context.Context, dir string) (err error) {
	r.node, r.alone = map[bool]Ingested{}, map[bool]Ingested{}
	for _, synced := range []bool{true, false} {
		for name, c := range map[string]struct {
			start StartIngested
			into  map[bool]Ingested
		}{"node": {r.o.Node, r.node}, "alone": {r.o.Alone, r.alone}} {
			folder := filepath.Join(dir, fmt.Sprintf("%s-%v", name, synced))
			if err := os.Mkdir(folder, 0o700); err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			if c.into[synced], err = c.start(ctx, NodeOptions{DataDir: folder, Synced: synced}); err != nil {
				delete(c.into, synced)
				return fmt.Errorf("bench: %s: %w", name, err)
			}
		}
	}
	return nil
}

func (r *ingestRun) close(ctx context.Context) (err error) {
	if r.sink != nil {
		err = r.sink.close()
	}
	for _, all := range []map[bool]Ingested{r.node, r.alone} {
		for _, s := range all {
			err = errors.Join(err, s.Close(ctx))
		}
	}
	return err
}

func (r *ingestRun) all(ctx context.Context) error {
	for _, way := range r.o.Ways {
		for _, clients := range r.o.Clients {
			if err := r.measure(ctx, ProducerSpec{Way: way, Clients: clients, Type: "ingest"}); err != nil {
				return err
			}
		}
	}
	if r.o.Rate < 0 {
		return nil
	}
	return r.openLoop(ctx)
}

// measure has one way on the unsynced servers, then on the synced ones.
func (r *ingestRun) measure(ctx context.Context, spec ProducerSpec) error {
	unsynced := 0.0
	for _, synced := range []bool{false, true} {
		result := IngestResult{Way: spec.Way, Clients: spec.Clients, Synced: synced, Offered: spec.Rate}
		if !strings.HasPrefix(spec.Way, "http") {
			alone, _, err := r.produce(ctx, r.alone[synced], spec)
			if err != nil {
				return err
			}
			result.Alone = &alone
		}
		var err error
		if result.Node, result.Producers, err = r.produce(ctx, r.node[synced], spec); err != nil {
			return err
		}
		if result.Alone != nil && result.Alone.PerSecond > 0 {
			result.OfAlone = result.Node.PerSecond / result.Alone.PerSecond
		}
		if !synced {
			unsynced = result.Node.PerSecond
		} else if unsynced > 0 {
			result.OfUnsync = result.Node.PerSecond / unsynced
		}
		r.add(result)
	}
	return nil
}

func (r *ingestRun) add(result IngestResult) {
	r.report.Results = append(r.report.Results, result)
	result.print(r.o.Stdout)
}

// openLoop is one client at a rate, with an endpoint that wants what it publishes.
func (r *ingestRun) openLoop(ctx context.Context) (err error) {
	if r.sink, err = startSink(ctx); err != nil {
		return err
	}
	c := Case{FanOut: 1, Endpoints: 1, kind: load}
	for _, synced := range []bool{false, true} {
		if err := r.node[synced].AddEndpoint(ctx, c.endpoint(0, r.sink.url(0))); err != nil {
			return err
		}
	}
	spec := ProducerSpec{Way: wayAsync, Clients: 1, Type: c.eventType(0), Rate: r.o.Rate}
	for _, synced := range []bool{false, true} {
		result := IngestResult{Way: spec.Way, Clients: 1, Synced: synced, Offered: r.o.Rate}
		alone, _, err := r.produce(ctx, r.alone[synced], spec)
		if err != nil {
			return err
		}
		if err := r.sink.reset(ctx, time.Now().Add(r.warm())); err != nil {
			return err
		}
		result.Alone = &alone
		if result.Node, result.Producers, err = r.produce(ctx, r.node[synced], spec); err != nil {
			return err
		}
		if err := r.sink.arrived(ctx, result.Producers.Accepted, time.Minute); err != nil {
			return err
		}
		stats, err := r.sink.stats(ctx)
		if err != nil {
			return err
		}
		result.Receipt = &stats.Latency
		r.add(result)
	}
	return nil
}

func (r *ingestRun) warm() time.Duration { return r.o.Seconds / 4 }

// produce runs producers in a process of their own.
func (r *ingestRun) produce(ctx context.Context, to Ingested, spec ProducerSpec) (side IngestSide, result ProducerResult, err error) {
	spec.NATS, spec.HTTP, spec.Token = to.NATS(), to.HTTP(), to.Token()
	spec.Warm, spec.For = r.warm(), r.o.Seconds
	given, err := json.Marshal(spec)
	if err != nil {
		return side, result, fmt.Errorf("bench: %w", err)
	}
	cmd, err := ownCommand(ctx, ProducerCommand, string(given))
	if err != nil {
		return side, result, err
	}
	cpu := processTime(to.Process())
	out, err := cmd.Output()
	cpu = processTime(to.Process()) - cpu
	if err == nil {
		err = json.Unmarshal(out, &result)
	}
	if err != nil {
		return side, result, fmt.Errorf("bench: producers, %s: %w", spec.Way, err)
	}
	if result.Accepted == 0 && result.Refused > 0 {
		return side, result, fmt.Errorf("bench: nothing was accepted, %s with %d clients: %s", spec.Way, spec.Clients, result.Error)
	}
	// The processor time is that of the warm-up too, at the same rate.
	side = IngestSide{PerSecond: float64(result.Accepted) / spec.For.Seconds(), Latency: result.Latency, Refused: result.Refused}
	if all := side.PerSecond * (spec.Warm + spec.For).Seconds(); all > 0 {
		side.CPU = float64(cpu) / float64(time.Microsecond) / all
	}
	return side, result, nil
}

func (r *IngestResult) print(w io.Writer) {
	name := fmt.Sprintf("Ingest/way=%s/clients=%d/sync=%s", r.Way, r.Clients, Case{Synced: r.Synced}.Sync())
	if r.Offered > 0 {
		name += fmt.Sprintf("/offered=%.0f", r.Offered)
	}
	figures := []figure{{"events/s", r.Node.PerSecond}, {"p50-ms", milliseconds(r.Node.Latency.P50)}, {"p99-ms", milliseconds(r.Node.Latency.P99)},
		{"cpu-us/event", r.Node.CPU}}
	if r.Alone != nil {
		figures = append(figures, figure{"alone-events/s", r.Alone.PerSecond}, figure{"alone-p50-ms", milliseconds(r.Alone.Latency.P50)},
			figure{"alone-p99-ms", milliseconds(r.Alone.Latency.P99)}, figure{"alone-cpu-us/event", r.Alone.CPU}, figure{"of-alone", r.OfAlone})
	}
	if r.OfUnsync > 0 {
		figures = append(figures, figure{"of-unsynced", r.OfUnsync})
	}
	if r.Receipt != nil {
		figures = append(figures, figure{"receipt-p50-ms", milliseconds(r.Receipt.P50)}, figure{"receipt-p99-ms", milliseconds(r.Receipt.P99)})
	}
	if r.Node.Refused > 0 {
		figures = append(figures, figure{"refused", float64(r.Node.Refused)})
	}
	printLine(w, name, r.Producers.Accepted, figures...)
}

// fsyncs is how many are timed.
const fsyncs = 200

// fsyncTime is the median time that 1 KiB takes to be appended and synced.
func fsyncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer f.Close()
	times := make([]time.Duration, fsyncs)
	for i := range times {
		began := time.Now()
		if _, err = f.Write(documentText); err == nil {
			err = f.Sync()
		}
		if err != nil {
			return 0, fmt.Errorf("bench: fsync: %w", err)
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// processTime is the processor time that a process has used, to 10 ms; 0 where
// it is not known.
func processTime(pid int) time.Duration {
	text := readText(fmt.Sprintf("/proc/%d/stat", pid))
	words := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(words) < 13 {
		return 0
	}
	return time.Duration(firstNumber(words[11])+firstNumber(words[12])) * (time.Second / 100)
}
