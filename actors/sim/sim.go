package sim

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Options say which run to make.
type Options struct {
	Seed uint64
	// Plant puts a fault into the world that the judge must find.
	Plant Plant
	// Trace gets a line for everything that happens; nil: nobody does.
	Trace io.Writer
}

// Plant is a fault of ours, put in on purpose.
type Plant int

const (
	// NoPlant is the world as it should be.
	NoPlant Plant = iota
	// AckedEarly: the journal says that a record is durable as soon as it has it.
	AckedEarly
	// ForgotSegment: a segment that was said to be durable is gone after a kill.
	ForgotSegment
	// IgnoredRetryAfter: what the receiver asks for does not reach the endpoint.
	IgnoredRetryAfter
)

// Breach is an invariant that did not hold.
type Breach struct {
	Seed      uint64
	At        time.Duration
	Invariant string
	What      string
	// Trace is the last lines of it.
	Trace string
}

func (b *Breach) Error() string {
	return fmt.Sprintf("seed %d, after %v: invariant %s: %s\n%s", b.Seed, b.At, b.Invariant, b.What, b.Trace)
}

// Result is what came of a run, or of several.
type Result struct {
	Runs int
	// Virtual is how much time passed in it.
	Virtual time.Duration
	// Hash is of everything that happened; the same seed gives the same.
	Hash uint64
	// Events published, attempts made, pairs ended.
	Events, Attempts, Ends int
	faults                 [faults]int
	// Breach is nil where every invariant held.
	Breach *Breach
}

// Run makes one run.
func Run(o Options) Result {
	w := newWorld(o)
	w.run()
	return Result{Runs: 1, Virtual: w.now, Hash: w.hash, Events: int(w.log.last()), Attempts: w.attempts, Ends: w.ends,
		faults: w.counts, Breach: w.breach}
}

// Add adds another run's figures.
func (r *Result) Add(o Result) {
	r.Runs += o.Runs
	r.Virtual += o.Virtual
	r.Events += o.Events
	r.Attempts += o.Attempts
	r.Ends += o.Ends
	for i := range r.faults {
		r.faults[i] += o.faults[i]
	}
}

// String sums a Result up in a few lines.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds, %.1f days of virtual time, %d events, %d attempts, %d pairs ended\n",
		r.Runs, r.Virtual.Hours()/24, r.Events, r.Attempts, r.Ends)
	for f := range faults {
		if r.faults[f] > 0 {
			fmt.Fprintf(&b, "  %-28s %d\n", f, r.faults[f])
		}
	}
	return b.String()
}
