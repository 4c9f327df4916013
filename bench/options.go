package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// Node is the node under measure.
type Node interface {
	// Publish stores at most transport.MaxBatchEvents events as one atomic
	// batch; nil says that all are in the log, synced where that was asked for.
	Publish(ctx context.Context, events []transport.Event) error
	// AddEndpoint answers once the endpoint is in effect for what is published after.
	AddEndpoint(ctx context.Context, e *transport.Endpoint) error
	// Close stops the node and waits for its goroutines.
	Close(ctx context.Context) error
}

// NodeOptions say how the node is to be started: allowed to deliver to
// loopback by http, with a data folder of its own that is empty.
type NodeOptions struct {
	DataDir string
	// Synced: nats.sync is always, else its relaxed default of 2 minutes.
	Synced bool
	// Settings that are not to have their defaults, by name.
	Settings map[string]string
	// CAFile is of a CA that a node in a process of its own is to trust, beside
	// none; empty: those of the system.
	CAFile string
}

// StartNode starts a node in this process that is ready to take events.
type StartNode func(ctx context.Context, o NodeOptions) (Node, error)

// How events are produced: by clients in a process of their own, or in the
// node's own process, in batches.
const (
	producerNATS = "nats"
	producerHTTP = "http"
	producerNode = "node"
)

// Options of Delivery and Soak. Start is needed where the producer is the node,
// Program where it is not.
type Options struct {
	Start StartNode
	// Program starts a node in a process of its own, Broker what the limit is
	// measured with; without it there is none.
	Program StartIngested
	Broker  StartBroker
	// Peer starts another sender that the node is compared with, where producers
	// are NATS clients; without it there is none.
	Peer StartIngested
	// Producer is nats or http (clients in a process of their own, one event a
	// message or request) or node, the default: batches from within.
	Producer string
	// Clients of the producers: by default 4 by NATS, 16 by HTTP.
	Clients int
	// Formats of the bodies (default raw), Schemes by which receivers are reached
	// (default http), Sizes of the documents (default DocumentSize).
	Formats, Schemes []string
	Sizes            []int
	// Away is how long receivers wait before they answer.
	Away time.Duration
	// Loads are events a second at which latency and cost are measured beside
	// half load, in an open loop; none where the producer is the node.
	Loads []float64
	// FullOnly leaves out every open loop.
	FullOnly bool
	// Seconds is how long each figure is measured, 10 s by default; the bare
	// client a third of it, before and after.
	Seconds time.Duration //nolint:staticcheck // the flag --seconds, by its own name
	// FanOuts (default 1, 10) and Endpoints (1, 100) are combined; an event of
	// fan-out n needs n endpoints, so that fewer are raised to n.
	FanOuts, Endpoints []int
	// Sync holds the settings to measure, by default synced and not.
	Sync []bool
	// Count repeats each case, for benchstat's variance; 1 by default.
	Count int
	// Check makes the sink verify every signature and count distinct ids; the
	// figures are then not to be compared with others.
	Check bool
	// IDs gives each event an id of its own, so that dedup is on the way.
	IDs bool
	// DataDir holds the nodes' data folders, by default the system's temporary folder.
	DataDir string
	// Report is the folder for index.html and report.json; none where empty.
	Report string
	// Stdout gets the figures as benchstat reads them.
	Stdout io.Writer
	// CPUProfile is a file for the processor profile of the full load; with
	// more than one case the case's name goes before its extension.
	CPUProfile string
	// Soak is for how long Soak keeps the full load up, 10 minutes by default.
	Soak time.Duration

	limits map[string]*LimitResult // by scheme, of this round
}

func (o Options) withDefaults() (Options, error) {
	o.Producer = cmp.Or(o.Producer, producerNode)
	if o.Producer == producerNode && o.Start == nil {
		return o, &transport.FieldError{Field: "start", Message: "must be given: the bench has no node of its own"}
	}
	if o.Producer != producerNode && o.Program == nil {
		return o, &transport.FieldError{Field: "program", Message: "must be given: producers of their own need a node of its own"}
	}
	o.Clients = cmp.Or(o.Clients, map[string]int{producerHTTP: 16}[o.Producer], 4)
	if len(o.Formats) == 0 {
		o.Formats = []string{formatRaw}
	}
	if len(o.Schemes) == 0 {
		o.Schemes = []string{schemeHTTP}
	}
	if len(o.Sizes) == 0 {
		o.Sizes = []int{DocumentSize}
	}
	o.Seconds = cmp.Or(o.Seconds, 10*time.Second)
	o.Soak = cmp.Or(o.Soak, 10*time.Minute)
	o.Count = cmp.Or(o.Count, 1)
	o.DataDir = cmp.Or(o.DataDir, os.TempDir())
	if len(o.FanOuts) == 0 {
		o.FanOuts = []int{1, 10}
	}
	if len(o.Endpoints) == 0 {
		o.Endpoints = []int{1, 100}
	}
	if len(o.Sync) == 0 {
		o.Sync = []bool{true, false}
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	return o, o.validate()
}

func (o Options) validate() error {
	if o.Seconds < 100*time.Millisecond {
		return wrong("seconds", o.Seconds, "must be 100ms or more, better 10s")
	}
	if o.Soak < time.Second {
		return wrong("soak", o.Soak, "must be 1s or more")
	}
	if o.Count < 1 || o.Count > 100 {
		return wrong("count", o.Count, "must be from 1 to 100")
	}
	if o.Clients < 1 || o.Clients > 1000 {
		return wrong("clients", o.Clients, "must be from 1 to 1000")
	}
	if o.Away < 0 || o.Away > 10*time.Second {
		return wrong("receiver_delay", o.Away, "must be from 0 to 10s")
	}
	for _, rate := range o.Loads {
		if rate <= 0 || rate > 1e6 {
			return wrong("loads", rate, "must be above 0, and 1000000 events a second at most")
		}
	}
	if err := o.validateForms(); err != nil {
		return err
	}
	for _, n := range o.FanOuts {
		if n < 1 || n > transport.MaxPatterns {
			return wrong("fan_out", n, fmt.Sprintf("must be from 1 to %d", transport.MaxPatterns))
		}
	}
	for _, n := range o.Endpoints {
		if n < 1 || n > 100_000 {
			return wrong("endpoints", n, "must be from 1 to 100000")
		}
	}
	return nil
}

func (o Options) validateForms() error {
	switch o.Producer {
	case producerNATS, producerHTTP:
	case producerNode:
		if len(o.Schemes) != 1 || o.Schemes[0] != schemeHTTP || len(o.Loads) > 0 {
			return wrong("producer", o.Producer, "takes the scheme http alone, and no loads; choose nats or http")
		}
	default:
		return wrong("producer", o.Producer, "must be nats, http or node")
	}
	for _, scheme := range o.Schemes {
		if err := checkScheme(scheme); err != nil {
			return err
		}
	}
	for _, format := range o.Formats {
		if err := checkFormat(format); err != nil {
			return err
		}
		for _, size := range o.Sizes {
			if _, err := newDocumentForm(format, size); err != nil {
				return err
			}
		}
	}
	return nil
}

func wrong(field string, value any, message string) error {
	return &transport.FieldError{Field: field, Message: message, Value: fmt.Sprint(value)}
}

// Case is what a figure was measured under.
type Case struct {
	FanOut    int  `json:"fan_out"`
	Endpoints int  `json:"endpoints"`
	Synced    bool `json:"synced"`
	// What is empty or 0 is as it is by default: raw documents of DocumentSize by
	// http to a receiver that is near, from producers within the node.
	Format   string        `json:"format,omitempty"`
	Scheme   string        `json:"scheme,omitempty"`
	Producer string        `json:"producer,omitempty"`
	Size     int           `json:"size,omitempty"`
	Away     time.Duration `json:"away_ns,omitempty"`

	// kind sets its events and endpoints apart from those of another case on
	// the same node.
	kind string
	// shared: some of its events have types below those of the case, see shared.
	shared bool
}

// load is the kind of the load that is measured.
const load = "load"

// String is the case as benchstat has it.
func (c Case) String() string {
	name := fmt.Sprintf("fanout=%d/endpoints=%d/sync=%s", c.FanOut, c.Endpoints, c.Sync())
	for _, part := range []struct{ name, value string }{{"format", c.Format}, {"scheme", c.Scheme}, {"producer", c.Producer}} {
		if part.value != "" {
			name += "/" + part.name + "=" + part.value
		}
	}
	if c.Size > 0 {
		name += "/bytes=" + strconv.Itoa(c.Size)
	}
	if c.Away > 0 {
		name += "/away=" + c.Away.String()
	}
	return name
}

func (c Case) size() int { return cmp.Or(c.Size, DocumentSize) }

// Sync is the value of nats.sync.
func (c Case) Sync() string {
	if c.Synced {
		return "always"
	}
	return "2m"
}

// cases combines the options, each case once.
func (o Options) cases() []Case {
	var all []Case
	for _, synced := range o.Sync {
		for _, scheme := range o.Schemes {
			for _, format := range o.Formats {
				for _, size := range o.Sizes {
					for _, fanOut := range o.FanOuts {
						for _, endpoints := range o.Endpoints {
							c := Case{FanOut: fanOut, Endpoints: max(endpoints, fanOut), Synced: synced, Away: o.Away, kind: load,
								Format: unless(format, formatRaw), Scheme: unless(scheme, schemeHTTP), Producer: unless(o.Producer, producerNode), Size: unless(size, DocumentSize)}
							if !slices.Contains(all, c) {
								all = append(all, c)
							}
						}
					}
				}
			}
		}
	}
	return all
}

// unless is empty where v is what is meant by default.
func unless[T comparable](v, byDefault T) (none T) {
	if v == byDefault {
		return none
	}
	return v
}
