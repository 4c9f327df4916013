package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
	"github.com/postrider/postrider/transport/telemetry"
)

const (
	demoCustomer = "demo"
	demoEvents   = 20
	demoPatience = 30 * time.Second
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole way in one process, and leave",
		Long: `Starts a node in a temporary folder, a Genea-style, a GenLogs-style and a
Standard Webhooks receiver that verify, publishes events, and detections of
which some match alerts, runs these, and prints what arrived. It exits 0 only if
every event arrived at every receiver that wants it, once, with a signature that
holds, and every match in one of them.`,
		Example: "  postrider demo\n  postrider demo -o json",
		Args:    arguments(),
		RunE:    func(c *cobra.Command, _ []string) error { return a.demo(c.Context()) },
	}
}

// demoSide is one receiver of the demo and what it got.
type demoSide struct {
	Receiver string `json:"receiver"`
	Scheme   string `json:"scheme"`
	Wanted   int    `json:"wanted"`
	Arrived  int    `json:"arrived"`
	Verified int    `json:"verified"`
	Repeated int    `json:"repeated"`
	// Matches of alerts that were wanted, and that were in what arrived.
	MatchesWanted int `json:"matches_wanted"`
	Matches       int `json:"matches"`

	endpoint transport.Endpoint
	receiver *checker
	seen     map[string]bool
}

func (a *app) demo(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "postrider-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer os.RemoveAll(folder)
	cfg, err := config.Load(config.Sources{Environ: demoEnvironment(a), Flags: map[string]any{"dev": true, "data": folder, "nats.listen": ""}})
	if err != nil {
		return err
	}
	n, err := a.quietNode(ctx, cfg)
	if err != nil {
		return err
	}
	d := &demo{node: n, changed: make(chan struct{}, 1)}
	err = d.run(ctx)
	stopping, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	return errors.Join(a.showDemo(d), err, n.Stop(stopping))
}

// quietNode is a node without its HTTP side, for commands that hold one inside.
func (a *app) quietNode(ctx context.Context, cfg *config.Config) (*node.Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log, err := telemetry.NewLogger(a.stderr, cfg.Log.Format, cfg.Log.Level)
	if err != nil {
		return nil, err
	}
	o, err := nodeOptions(cfg, log)
	if err != nil {
		return nil, err
	}
	return node.Start(ctx, o)
}

type demo struct {
	node    *node.Node
	mu      sync.Mutex
	sides   []*demoSide
	changed chan struct{}
}

func (d *demo) run(ctx context.Context) error {
	defer d.closeReceivers()
	for _, s := range []*demoSide{
		{Receiver: "Genea style", Scheme: "sequr", endpoint: transport.Endpoint{Profile: "genea"}, Wanted: demoEvents},
		{Receiver: "GenLogs style", Scheme: "genlogs", endpoint: transport.Endpoint{Profile: "genlogs", Events: []string{"alert.>"}}, Wanted: demoRuns, MatchesWanted: demoMatches},
		{Receiver: "Standard Webhooks", Scheme: "standard", endpoint: transport.Endpoint{Profile: "standard"}, Wanted: demoEvents + demoRuns, MatchesWanted: demoMatches},
	} {
		if err := d.add(ctx, s); err != nil {
			return err
		}
	}
	if err := d.publish(ctx); err != nil {
		return err
	}
	if err := d.match(ctx); err != nil {
		return err
	}
	return d.wait(ctx)
}

func (d *demo) add(ctx context.Context, s *demoSide) error {
	s.seen = map[string]bool{}
	s.endpoint.Customer, s.endpoint.Name, s.endpoint.Enabled = demoCustomer, s.Receiver, true
	s.endpoint.Secrets.Current = signature.NewSecret(s.Scheme)
	r, err := newChecker(s.Scheme, s.endpoint.Secrets.Current, func(got received) { d.got(s, got) })
	if err != nil {
		return err
	}
	s.receiver, s.endpoint.URL = r, r.url
	d.sides = append(d.sides, s)
	return d.node.Register(ctx, &s.endpoint)
}

func (d *demo) got(s *demoSide, r received) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Arrived++
	if r.verified == nil {
		s.Verified++
	}
	if s.seen[r.id] {
		s.Repeated++
	} else {
		s.Matches += matchesOf(r.body)
	}
	s.seen[r.id] = true
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

func (d *demo) publish(ctx context.Context) error {
	var events []transport.Event
	for i := range demoEvents {
		now := d.node.Now()
		events = append(events, transport.Event{Customer: demoCustomer, Type: "access.granted", Data: sampleAccess(i, now.Add(time.Duration(i)))})
	}
	return d.node.Publish(ctx, events)
}

// wait returns when everything wanted has arrived, or patience ends.
func (d *demo) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	for !d.complete() {
		select {
		case <-d.changed:
		case <-ctx.Done():
			return nil // the table tells
		}
	}
	return nil
}

func (d *demo) complete() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.sides {
		if len(s.seen) < s.Wanted {
			return false
		}
	}
	return true
}

func (d *demo) closeReceivers() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range d.sides {
		_ = s.receiver.close(ctx)
	}
}

// showDemo prints what arrived; anything but all of it, once and verified, is
// a failure.
func (a *app) showDemo(d *demo) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	good := true
	t := table{head: []string{"RECEIVER", "SCHEME", "WANTED", "ARRIVED", "VERIFIED", "REPEATED", "MATCHES"}}
	for _, s := range d.sides {
		t.add(s.Receiver, s.Scheme, s.Wanted, s.Arrived, s.Verified, s.Repeated, fmt.Sprintf("%d of %d", s.Matches, s.MatchesWanted))
		good = good && s.Arrived == s.Wanted && s.Verified == s.Wanted && s.Repeated == 0 && s.Matches == s.MatchesWanted
	}
	var err error
	if a.output == "json" {
		err = a.printJSON(d.sides)
	} else {
		err = t.print(a.stdout)
	}
	if err == nil && !good {
		return errors.New("not everything arrived once and verified; run it again with POSTRIDER_LOG_LEVEL=debug to see each attempt")
	}
	return err
}

// demoEnvironment leaves of the environment what says how much is logged.
func demoEnvironment(a *app) []string {
	level := "warn"
	if l := a.getenv("POSTRIDER_LOG_LEVEL"); l != "" {
		level = l
	}
	return []string{"POSTRIDER_LOG_LEVEL=" + level}
}
