package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// Program is a node in a process of its own, through any number of starts.
// Publish tries again until the events are taken or ctx ends, as a careful
// producer does; Close also ends what was never started, or killed.
type Program interface {
	Node
	// Start runs it on the data folder and returns when it is ready.
	Start(ctx context.Context) error
	// Kill is kill -9; it returns when the process is gone.
	Kill() error
	// Memory is its resident set in bytes, 0 where it is not known.
	Memory() uint64
	Audit(ctx context.Context) (*transport.Audit, error)
	// Stored is how a stream of the node's stands.
	Stored(ctx context.Context, stream string) (Stored, error)
}

// Stored is how a stream stands: what is in it, and how many messages it ever had.
type Stored struct{ Messages, Bytes, Ever uint64 }

// written is how many bytes were ever written to it, by the mean of what is there.
func (s Stored) written() float64 {
	return float64(s.Ever) * float64(s.Bytes) / float64(max(1, s.Messages))
}

// NewProgram prepares a program; it is not started yet.
type NewProgram func(o NodeOptions) (Program, error)

// The cases of Recovery.
const (
	CaseKill    = "kill"
	CaseWaiting = "waiting"
	CaseRate    = "rate"
)

// RecoveryCases are all cases of Recovery, in their order.
func RecoveryCases() []string { return []string{CaseKill, CaseWaiting, CaseRate} }

// RecoveryOptions of Recovery. Only Program is needed.
type RecoveryOptions struct {
	Program NewProgram
	// Cases to measure, of RecoveryCases; all by default.
	Cases []string
	// Seed chooses the moments of the kills; by default the clock does.
	Seed uint64
	// Kills (20) under Load events a second (1,000), each wanted by FanOut (2)
	// of Endpoints (10).
	Kills             int
	Load              float64
	FanOut, Endpoints int
	// Waiting events for an endpoint that is down, 100,000 by default; others,
	// Endpoints of them, are measured for Seconds (10 s) without and with it.
	Waiting int
	Seconds time.Duration //nolint:staticcheck // the flag --seconds, by its own name
	// Rate (50) a second and Burst (100) of an endpoint that is sent Events
	// (10,000) at once.
	Rate   float64
	Burst  int
	Events int
	// Limit is what a return, or the last deliveries, may take, 1 minute by
	// default; Patience what the drain of a backlog may, 1 hour.
	Limit, Patience time.Duration
	Synced          bool
	DataDir         string
	Report          string
	Stdout          io.Writer
}

func (o RecoveryOptions) withDefaults() (RecoveryOptions, error) {
	if o.Program == nil {
		return o, &transport.FieldError{Field: "program", Message: "must be given: the bench has no node of its own"}
	}
	if len(o.Cases) == 0 {
		o.Cases = RecoveryCases()
	}
	o.Seed = cmp.Or(o.Seed, uint64(time.Now().UnixNano()))
	o.Kills, o.Load = cmp.Or(o.Kills, 20), cmp.Or(o.Load, 1000)
	o.FanOut, o.Endpoints = cmp.Or(o.FanOut, 2), cmp.Or(o.Endpoints, 10)
	o.Waiting, o.Seconds = cmp.Or(o.Waiting, 100_000), cmp.Or(o.Seconds, 10*time.Second)
	o.Rate, o.Burst, o.Events = cmp.Or(o.Rate, 50), cmp.Or(o.Burst, 100), cmp.Or(o.Events, 10_000)
	o.Limit, o.Patience = cmp.Or(o.Limit, drainLimit), cmp.Or(o.Patience, time.Hour)
	o.DataDir = cmp.Or(o.DataDir, os.TempDir())
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	return o, o.validate()
}

func (o RecoveryOptions) validate() error {
	for _, c := range o.Cases {
		if !slices.Contains(RecoveryCases(), c) {
			return wrong("cases", c, "must be kill, waiting or rate")
		}
	}
	switch {
	case o.Kills < 1 || o.Kills > 10_000:
		return wrong("kills", o.Kills, "must be from 1 to 10000")
	case o.Load < 10 || o.Load > 100_000:
		return wrong("load", o.Load, "must be from 10 to 100000")
	case o.FanOut < 1 || o.FanOut > o.Endpoints || o.FanOut > transport.MaxPatterns:
		return wrong("fan_out", o.FanOut, fmt.Sprintf("must be from 1 to the endpoints, at most %d", transport.MaxPatterns))
	case o.Endpoints > 10_000:
		return wrong("endpoints", o.Endpoints, "must be from 1 to 10000")
	case o.Waiting < 1 || o.Waiting > transport.MaxWaitingEvents/2:
		return wrong("waiting", o.Waiting, fmt.Sprintf("must be from 1 to %d", transport.MaxWaitingEvents/2))
	case o.Seconds < 100*time.Millisecond:
		return wrong("seconds", o.Seconds, "must be 100ms or more, better 10s")
	case o.Rate <= 0 || o.Burst < 1 || o.Events <= o.Burst:
		return wrong("rate", o.Rate, "rate must be over 0, burst 1 or more, and events more than burst")
	}
	return nil
}

// RecoveryReport has what was measured of each case.
type RecoveryReport struct {
	Synced  bool           `json:"synced"`
	Kill    *KillResult    `json:"kill,omitempty"`
	Waiting *WaitingResult `json:"waiting,omitempty"`
	Rate    *RateResult    `json:"rate,omitempty"`
}

// Recovery measures what comes after trouble: kill -9 under load, an endpoint
// that was down and has many events waiting, and one with a rate limit that is
// sent many events at once. Each case has a program, a sink process and a data
// folder of its own. An error says that deliveries were lost, that the audit
// does not add up, that a rate limit was broken, or that the machine or the
// node failed; what was measured before it is in the Report all the same.
func Recovery(ctx context.Context, o RecoveryOptions) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	report := newReport("recovery", o.DataDir)
	report.Recovery = &RecoveryReport{Synced: o.Synced}
	o.Stdout = report.begin(o.Stdout)
	for _, c := range o.Cases {
		if err = o.measure(ctx, c, report.Recovery); err != nil {
			err = fmt.Errorf("bench recovery, %s: %w", c, err)
			break
		}
	}
	return report, errors.Join(err, report.Write(o.Report))
}

func (o RecoveryOptions) measure(ctx context.Context, c string, report *RecoveryReport) error {
	switch c {
	case CaseKill:
		report.Kill = &KillResult{Seed: o.Seed, Load: o.Load, FanOut: o.FanOut, Endpoints: o.Endpoints}
		defer report.Kill.print(o.Stdout)
		return o.kill(ctx, report.Kill, rand.New(rand.NewPCG(o.Seed, 9)))
	case CaseWaiting:
		report.Waiting = &WaitingResult{Waiting: o.Waiting}
		defer report.Waiting.print(o.Stdout)
		return o.waiting(ctx, report.Waiting)
	default:
		report.Rate = &RateResult{Rate: o.Rate, Burst: o.Burst, Events: o.Events}
		defer report.Rate.print(o.Stdout)
		return o.rate(ctx, report.Rate)
	}
}

// programRun is a run whose node is a program.
type programRun struct {
	*run
	program Program
	limit   time.Duration // RecoveryOptions.Limit
}

// with starts a program with a sink process and the endpoints of c, and ends
// all three after do.
func (o RecoveryOptions) with(ctx context.Context, c Case, settings map[string]string, do func(context.Context, *programRun) error) (err error) {
	p := &programRun{limit: o.Limit}
	start := func(ctx context.Context, n NodeOptions) (Node, error) {
		n.Settings = settings
		if p.program, err = o.Program(n); err != nil {
			return nil, err
		}
		if err := p.program.Start(ctx); err != nil {
			return nil, errors.Join(err, p.program.Close(ctx))
		}
		return p.program, nil
	}
	p.run = &run{c: c, result: &DeliveryResult{Case: c}, o: Options{Start: start, Seconds: o.Seconds, DataDir: o.DataDir, IDs: true}}
	if p.sink, err = startSink(ctx, keepIDs...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.sink.close()) }()
	return p.withNode(ctx, func(ctx context.Context) error { return do(ctx, p) })
}

// auditEach is the time between two audits of a node that still has work,
// auditLimit what it may take to have none.
const (
	auditEach  = 200 * time.Millisecond
	auditLimit = 5 * time.Minute
)

// audit waits until nothing is waiting, and gives the sums over all endpoints
// of an audit that adds up.
func (p *programRun) audit(ctx context.Context) (sum transport.EndpointAudit, err error) {
	within, cancel := context.WithTimeout(ctx, auditLimit)
	defer cancel()
	for {
		a, err := p.program.Audit(within)
		if err != nil {
			return sum, fmt.Errorf("audit: %w", err)
		}
		sum = transport.EndpointAudit{}
		for _, e := range a.Endpoints {
			sum.Owed += e.Owed
			sum.Delivered += e.Delivered
			sum.DeadLettered += e.DeadLettered
			sum.Skipped += e.Skipped
			sum.Waiting += e.Waiting
			sum.Missing += e.Missing
			sum.Repeated += e.Repeated
		}
		switch {
		case sum.Waiting == 0 && !a.OK:
			return sum, fmt.Errorf("the audit does not add up: %+v", *a)
		case sum.Waiting == 0 && sum.Delivered != sum.Owed:
			return sum, fmt.Errorf("of %d deliveries owed %d were made, %d given up, %d skipped", sum.Owed, sum.Delivered, sum.DeadLettered, sum.Skipped)
		case sum.Waiting == 0:
			return sum, nil
		}
		if err := sleep(within, auditEach); err != nil {
			return sum, fmt.Errorf("audit: %d deliveries still wait after %s: %w", sum.Waiting, auditLimit, err)
		}
	}
}
