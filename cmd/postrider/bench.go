package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/bench"
	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
)

func (a *app) benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure a node on this machine",
		Long: `Runs a node, load and receivers on this machine and prints figures that
benchstat reads; docs/benchmarks.md tells what each means.`,
		Example: "  postrider bench all --report report\n  postrider bench compare before.json report/report.json\n  postrider bench signing\n  postrider bench matching\n  postrider bench limit\n  postrider bench delivery --report report\n  postrider bench neighbours\n  postrider bench recovery\n  postrider bench ingest",
	}
	c.AddCommand(a.benchAllCommand(), a.benchCompareCommand(), a.benchSigningCommand(), a.benchMatchingCommand(), a.benchLimitCommand(), a.benchDeliveryCommand(), a.benchNeighboursCommand(), a.benchRecoveryCommand(), a.benchIngestCommand())
	return c
}

// figures is where the bench prints as it goes: nowhere with -o json, which
// prints the whole report at the end.
func (a *app) figures() io.Writer {
	if a.output == "json" {
		return io.Discard
	}
	return a.stdout
}

func (a *app) printReport(r *bench.Report, err error) error {
	if r != nil && a.output == "json" {
		return errors.Join(a.printJSON(r), err)
	}
	return err
}

func (a *app) benchSigningCommand() *cobra.Command {
	var o bench.SigningOptions
	c := &cobra.Command{
		Use:     "signing",
		Short:   "Each signature scheme, beside the bare hash",
		Example: "  postrider bench all --report report\n  postrider bench compare before.json report/report.json\n  postrider bench signing --report report",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			o.Stdout = a.figures()
			return a.printReport(bench.Signing(c.Context(), o))
		},
	}
	c.Flags().StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	return c
}

func (a *app) benchMatchingCommand() *cobra.Command {
	var o bench.MatchingOptions
	c := &cobra.Command{
		Use:   "matching",
		Short: "Detections matched with alerts, beside a scan of all alerts",
		Long: `Measures on one core how many detections a second are matched, by the number of
alerts and how they look for their truck, and what an alert takes in memory.
1,000,000 alerts take up to 3 GiB.`,
		Example: "  postrider bench matching --report report\n  postrider bench matching --alerts 100000 --modes exact,mixed",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			o.Stdout = a.figures()
			return a.printReport(bench.Matching(c.Context(), o))
		},
	}
	f := c.Flags()
	f.IntSliceVar(&o.Alerts, "alerts", []int{1_000, 100_000, 1_000_000}, "how many alerts there are")
	f.StringSliceVar(&o.Modes, "modes", bench.MatchingModes(), "how alerts look for their truck; mixed: 1 % by wildcard, look-alikes or deep search")
	f.DurationVar(&o.Each, "seconds", 600*time.Millisecond, "how long each figure is measured, in three rounds")
	f.IntVar(&o.Count, "count", 1, "how often each case is repeated, for benchstat")
	f.StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	return c
}

// sinkCommand is the bench's receiver, which the bench starts as a process of
// its own.
func (a *app) sinkCommand() *cobra.Command {
	return &cobra.Command{
		Use:                bench.SinkCommand,
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               func(c *cobra.Command, args []string) error { return bench.SinkMain(c.Context(), args, a.stdout) },
	}
}

// benchNode is a node as the bench uses it.
type benchNode struct{ *node.Node }

func (a *app) startBenchNode(ctx context.Context, o bench.NodeOptions) (bench.Node, error) {
	flags := map[string]any{"dev": true, "data": o.DataDir, "nats.listen": "", "nats.sync": benchSync(o.Synced), "log.level": "warn"}
	for name, value := range o.Settings {
		flags[name] = value
	}
	cfg, err := config.Load(config.Sources{Flags: flags})
	if err != nil {
		return nil, err
	}
	n, err := a.quietNode(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return benchNode{n}, nil
}

// AddEndpoint registers an endpoint of the bench.
func (b benchNode) AddEndpoint(ctx context.Context, ep *transport.Endpoint) error {
	return b.Register(ctx, ep)
}

// Close stops the node.
func (b benchNode) Close(ctx context.Context) error { return b.Stop(ctx) }
