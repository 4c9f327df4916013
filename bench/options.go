package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
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
}

// StartNode starts a node in this process that is ready to take events.
type StartNode func(ctx context.Context, o NodeOptions) (Node, error)

// Options of Delivery and Soak. Only Start is needed.
type Options struct {
	Start StartNode
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
}

func (o Options) withDefaults() (Options, error) {
	if o.Start == nil {
		return o, &transport.FieldError{Field: "start", Message: "must be given: the bench has no node of its own"}
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

func wrong(field string, value any, message string) error {
	return &transport.FieldError{Field: field, Message: message, Value: fmt.Sprint(value)}
}

// Case is what a figure was measured under.
type Case struct {
	FanOut    int  `json:"fan_out"`
	Endpoints int  `json:"endpoints"`
	Synced    bool `json:"synced"`

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
	return fmt.Sprintf("fanout=%d/endpoints=%d/sync=%s", c.FanOut, c.Endpoints, c.Sync())
}

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
	seen := map[Case]bool{}
	for _, synced := range o.Sync {
		for _, fanOut := range o.FanOuts {
			for _, endpoints := range o.Endpoints {
				c := Case{FanOut: fanOut, Endpoints: max(endpoints, fanOut), Synced: synced, kind: load}
				if !seen[c] {
					seen[c] = true
					all = append(all, c)
				}
			}
		}
	}
	return all
}
