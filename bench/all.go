package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Suites of All, in their order.
const (
	suiteLimit      = "limit"
	suiteDelivery   = "delivery"
	suiteCurves     = "curves"
	suiteSigning    = "signing"
	suiteMatching   = "matching"
	suiteIngest     = "ingest"
	suiteNeighbours = "neighbours"
	suiteRecovery   = "recovery"
)

// Suites are all suites that All runs.
func Suites() []string {
	return []string{suiteLimit, suiteDelivery, suiteCurves, suiteSigning, suiteMatching, suiteIngest, suiteNeighbours, suiteRecovery}
}

// AllOptions of All. The options of each suite need what that suite needs.
type AllOptions struct {
	// Suites to run, all by default, Rounds times (3) one after the other.
	Suites []string
	Rounds int
	// Seconds is how long each figure is measured, 3 s by default.
	Seconds    time.Duration //nolint:staticcheck // the flag --seconds, by its own name
	Limit      LimitOptions
	Delivery   Options
	Curves     CurveOptions
	Signing    SigningOptions
	Matching   MatchingOptions
	Ingest     IngestOptions
	Neighbours NeighboursOptions
	Recovery   RecoveryOptions
	// Waiting are the backlogs of the recovery's case waiting.
	Waiting []int
	DataDir string
	Report  string
	Stdout  io.Writer
}

func (o AllOptions) withDefaults() (AllOptions, error) {
	o.Rounds, o.Seconds = cmp.Or(o.Rounds, 3), cmp.Or(o.Seconds, 3*time.Second)
	if len(o.Suites) == 0 {
		o.Suites = Suites()
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	for _, s := range o.Suites {
		if !slices.Contains(Suites(), s) {
			return o, wrong("suites", s, "must be of "+strings.Join(Suites(), ", "))
		}
	}
	if o.Rounds < 1 || o.Rounds > 20 {
		return o, wrong("rounds", o.Rounds, "must be from 1 to 20")
	}
	if o.Seconds < 100*time.Millisecond || o.Seconds > time.Minute {
		return o, wrong("seconds", o.Seconds, "must be from 100ms to 1m")
	}
	if len(o.Waiting) == 0 {
		o.Waiting = []int{10_000, 100_000}
	}
	o.share()
	return o, nil
}

// share gives each suite what all have in common.
func (o *AllOptions) share() {
	o.Limit.Seconds, o.Limit.DataDir, o.Limit.Stdout = o.Seconds/3, o.DataDir, o.Stdout
	o.Delivery.Seconds, o.Delivery.DataDir, o.Delivery.Stdout = o.Seconds, o.DataDir, o.Stdout
	o.Curves.Options = o.Delivery
	o.Signing.Stdout, o.Matching.Stdout = o.Stdout, o.Stdout
	o.Ingest.Seconds, o.Ingest.DataDir, o.Ingest.Stdout = o.Seconds, o.DataDir, o.Stdout
	o.Neighbours.Seconds, o.Neighbours.Stdout = cmp.Or(o.Neighbours.Seconds, 3*o.Seconds), o.Stdout
	o.Recovery.Seconds, o.Recovery.DataDir, o.Recovery.Stdout = o.Seconds, o.DataDir, o.Stdout
	o.shorten()
}

// shorten bounds what a suite by itself takes many minutes for.
func (o *AllOptions) shorten() {
	o.Neighbours.Rounds = cmp.Or(o.Neighbours.Rounds, 1)
	if len(o.Neighbours.Troubles) == 0 {
		o.Neighbours.Troubles = []Trouble{{Kind: "hang", Endpoints: 1000}, {Kind: "refuse", Endpoints: 1000}}
	}
	o.Recovery.Kills, o.Recovery.Events = cmp.Or(o.Recovery.Kills, 5), cmp.Or(o.Recovery.Events, 1000)
	if len(o.Ingest.Clients) == 0 {
		o.Ingest.Clients, o.Ingest.Ways = []int{1, 16}, []string{wayAsync, wayArray}
	}
	if len(o.Matching.Modes) == 0 {
		o.Matching.Modes = []string{"exact", "mixed"}
	}
}

// All runs every suite, all of them Rounds times, so that what the machine does
// meanwhile hits all alike; the report has every round, and its page the medians.
func All(ctx context.Context, o AllOptions) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	report := newReport("all", o.DataDir)
	for round := range o.Rounds {
		for _, suite := range o.Suites {
			_, _ = fmt.Fprintf(o.Stdout, "# round %d of %d: %s\n", round+1, o.Rounds, suite)
			if err := o.run(ctx, suite, report); err != nil {
				return report, errors.Join(fmt.Errorf("bench all, %s: %w", suite, err), report.Write(o.Report))
			}
		}
	}
	return report, report.Write(o.Report)
}

// run runs a suite once and takes what it measured into the report.
func (o AllOptions) run(ctx context.Context, suite string, into *Report) error {
	var part *Report
	var err error
	switch suite {
	case suiteLimit:
		part, err = Limit(ctx, o.Limit)
	case suiteDelivery:
		part, err = Delivery(ctx, o.Delivery)
	case suiteCurves:
		part, err = Curves(ctx, o.Curves)
	case suiteSigning:
		part, err = Signing(ctx, o.Signing)
	case suiteMatching:
		part, err = Matching(ctx, o.Matching)
	case suiteIngest:
		part, err = Ingest(ctx, o.Ingest)
	case suiteNeighbours:
		part, err = Neighbours(ctx, o.Neighbours)
	case suiteRecovery:
		return o.recovery(ctx, into)
	}
	into.merge(part)
	return err
}

// recovery has the cases once, and then the case waiting for each backlog.
func (o AllOptions) recovery(ctx context.Context, into *Report) error {
	r := o.Recovery
	r.Cases = []string{CaseKill, CaseRate}
	part, err := Recovery(ctx, r)
	into.merge(part)
	curve := Curve{Over: overWaiting, Unit: "events that wait", Points: []CurvePoint{{Ratio: 1}}}
	for _, waiting := range o.Waiting {
		if err != nil {
			return err
		}
		r.Cases, r.Waiting = []string{CaseWaiting}, waiting
		part, err = Recovery(ctx, r)
		into.merge(part)
		if part != nil && part.Recovery != nil && part.Recovery.Waiting != nil {
			w := part.Recovery.Waiting
			curve.Points[0].PerSecond = w.Without.PerSecond
			curve.Points = append(curve.Points, CurvePoint{At: float64(waiting), PerSecond: w.With.PerSecond, Ratio: w.Full})
		}
	}
	into.merge(&Report{Curves: []Curve{curve}})
	return err
}

// merge takes in what part measured. Of suites with one result the last round's
// is kept for the plots; all rounds are in the figures.
func (r *Report) merge(part *Report) {
	if part == nil {
		return
	}
	for _, f := range part.Figures {
		r.keep(f.Name, f.Unit, f.Values...)
	}
	r.Limit = append(r.Limit, part.Limit...)
	r.Deliveries = append(r.Deliveries, part.Deliveries...)
	for _, c := range part.Curves {
		r.Curves = slices.DeleteFunc(r.Curves, func(other Curve) bool { return other.Over == c.Over })
		r.Curves = append(r.Curves, c)
	}
	r.Delivery = cmp.Or(part.Delivery, r.Delivery)
	r.Neighbours = cmp.Or(part.Neighbours, r.Neighbours)
	r.Ingest = cmp.Or(part.Ingest, r.Ingest)
	if len(part.Signing) > 0 {
		r.Signing = part.Signing
	}
	if len(part.Matching) > 0 {
		r.Matching = part.Matching
	}
	if part.Recovery != nil {
		if r.Recovery == nil {
			r.Recovery = &RecoveryReport{}
		}
		r.Recovery.Kill = cmp.Or(part.Recovery.Kill, r.Recovery.Kill)
		r.Recovery.Waiting = cmp.Or(part.Recovery.Waiting, r.Recovery.Waiting)
		r.Recovery.Rate = cmp.Or(part.Recovery.Rate, r.Recovery.Rate)
	}
}
