package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/bench"
)

func (a *app) benchAllCommand() *cobra.Command {
	var o bench.AllOptions
	var syncs []string
	c := &cobra.Command{
		Use:   "all",
		Short: "Every suite, several rounds, one page",
		Long: `Runs every suite in a short form, all of them --rounds times, and writes one page
with plots, medians and how far the rounds lie apart, and report.json, which
"bench compare" reads. Warnings say where the machine was not quiet, or the
producers were the limit.

The suite curves is the full load over endpoints, fan-out and size of documents;
the matching has that over alerts, recovery that over events that wait.`,
		Example: "  postrider bench all --report report\n  postrider bench all --suites limit,delivery --rounds 5 --report report\n  postrider bench all --waiting 10000,100000,1000000 --suites recovery",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o.Stdout = a.figures()
			if o.Delivery.Sync, err = syncSettings(syncs); err != nil {
				return err
			}
			o.Limit.Broker = startBroker
			o.Delivery.Start, o.Delivery.Program, o.Delivery.Broker, o.Delivery.Peer = a.startBenchNode, a.startIngestNode, startBroker, startAfternoon
			o.Delivery.Producer, o.Delivery.IDs = "nats", true
			o.Ingest.Node, o.Ingest.Alone = a.startIngestNode, startJetStreamAlone
			o.Neighbours.Start = a.startBenchNode
			o.Recovery.Program = a.newBenchProgram
			return a.printReport(bench.All(c.Context(), o))
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Suites, "suites", bench.Suites(), "which, of "+strings.Join(bench.Suites(), ", "))
	f.IntVar(&o.Rounds, "rounds", 3, "how often all of them are run")
	f.DurationVar(&o.Seconds, "seconds", 3*time.Second, "how long each figure is measured")
	f.IntSliceVar(&o.Delivery.FanOuts, "fan-out", []int{1, 10}, "delivery: endpoints that want each event")
	f.IntSliceVar(&o.Delivery.Endpoints, "endpoints", []int{100}, "delivery: endpoints in all")
	f.StringSliceVar(&o.Delivery.Formats, "format", []string{"genlogs"}, "delivery: formats of the bodies")
	f.StringSliceVar(&o.Delivery.Schemes, "scheme", []string{"http", "https", "h2"}, "delivery: how the receiver is reached")
	f.StringSliceVar(&syncs, "sync", []string{"2m", "always"}, "delivery: settings of nats.sync; curves take the first")
	f.Float64SliceVar(&o.Delivery.Loads, "loads", []float64{20, 200, 2000}, "delivery: events a second of the low loads")
	f.IntSliceVar(&o.Curves.OverEndpoints, "curve-endpoints", []int{1, 10, 100, 1_000, 10_000}, "curves: numbers of endpoints")
	f.IntSliceVar(&o.Curves.OverFanOut, "curve-fan-out", []int{1, 3, 10, 30, 100}, "curves: fan-outs")
	f.IntSliceVar(&o.Curves.OverSize, "curve-size", []int{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10}, "curves: bytes of documents")
	f.IntSliceVar(&o.Matching.Alerts, "alerts", []int{1_000, 100_000, 1_000_000}, "matching: how many alerts there are")
	f.IntSliceVar(&o.Waiting, "waiting", []int{10_000, 100_000}, "recovery: events that wait for an endpoint that is down")
	f.StringVar(&o.DataDir, "data-dir", "", "folder for the nodes' files (default the system's temporary folder)")
	f.StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	return c
}

func (a *app) benchCompareCommand() *cobra.Command {
	var o bench.CompareOptions
	c := &cobra.Command{
		Use:   "compare BEFORE.json NOW.json",
		Short: "What got better or worse between two reports",
		Long: `Compares the ratios of two report.json of any suite: those to a bare client, to
the limit, to the bare hash and so on in the same run, which carry from one hour
or machine to another. A change counts where the medians differ by --threshold or
more and the rounds do not overlap; use --rounds 3 or more for both. The exit code
is 1 where a ratio got worse.`,
		Example: "  postrider bench compare before/report.json report/report.json\n  postrider bench compare a.json b.json --all --threshold 0.05",
		Args:    arguments("BEFORE.json", "NOW.json"),
		RunE: func(_ *cobra.Command, args []string) error {
			if o.Threshold <= 0 || o.Threshold > 10 {
				return usagef("--threshold %g must be above 0 and at most 10: 0.1 is 10 %%", o.Threshold)
			}
			before, err := bench.ReadReport(args[0])
			if err != nil {
				return err
			}
			now, err := bench.ReadReport(args[1])
			if err != nil {
				return err
			}
			compared := bench.Compare(before, now, o)
			if a.output == "json" {
				err = a.printJSON(compared)
			} else {
				err = compared.Print(a.stdout)
			}
			if worse := len(compared.Worse()); worse > 0 {
				err = errors.Join(err, fmt.Errorf("%d of %d figures got worse", worse, len(compared.Changes)))
			}
			return err
		},
	}
	f := c.Flags()
	f.Float64Var(&o.Threshold, "threshold", bench.DefaultThreshold, "least change of a median that counts: 0.1 is 10 %")
	f.BoolVar(&o.All, "all", false, "compare rates, times and costs as well: of the same machine, equally quiet, alone")
	return c
}
