package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/bench"
)

func (a *app) benchDeliveryCommand() *cobra.Command {
	o := bench.Options{Start: a.startBenchNode, Program: a.startIngestNode, Broker: startBroker, Peer: startAfternoon}
	var soak, noLimit, noPeer bool
	var syncs []string
	c := &cobra.Command{
		Use:   "delivery",
		Short: "Deliveries a second, latency, cost, beside a bare HTTP client",
		Long: `Runs a node, producers and a receiver, each a process of its own, for each
combination of what is given. First what an idle node takes, then low loads in an
open loop, the full load with a bounded backlog, and half of it in an open loop;
latency counts from when an event was meant to be published. A bare net/http
client posts the same to the same receiver before and after, a sender as it is
written in an afternoon (bench/afternoon) gets the same full load, and the parts
of a delivery are measured alone once. With --producer node the load comes from
within the node, in batches, as no user's does.`,
		Example: `  postrider bench delivery --report report
  postrider bench delivery --sync always --fan-out 10 --cpu-profile cpu.out
  postrider bench delivery --scheme https --format genea,standard
  postrider bench delivery --endpoints 1000 --receiver-delay 100ms
  postrider bench delivery --soak --soak-for 10m`,
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			o.Stdout = a.figures()
			var err error
			if o.Sync, err = syncSettings(syncs); err != nil {
				return err
			}
			if noLimit {
				o.Broker = nil
			}
			if o.Producer == "node" && !c.Flags().Changed("loads") {
				o.Loads = nil
			}
			if noPeer {
				o.Peer = nil
			}
			if !soak {
				return a.printReport(bench.Delivery(c.Context(), o))
			}
			o.Producer = "node" // its memory is that of this process
			if c.Flags().Changed("scheme") || c.Flags().Changed("producer") {
				return errors.New("--soak takes neither --scheme nor --producer")
			}
			o.Loads = nil
			return a.printReport(bench.Soak(c.Context(), o))
		},
	}
	f := c.Flags()
	f.DurationVar(&o.Seconds, "seconds", 5*time.Second, "how long each figure is measured")
	f.StringVar(&o.Producer, "producer", "nats", "who publishes: nats or http (clients in a process of their own, one event each time), node (from within, in batches)")
	f.IntVar(&o.Clients, "clients", 0, "clients of the producers (default 4 by NATS, 16 by HTTP)")
	f.IntSliceVar(&o.FanOuts, "fan-out", []int{1, 10}, "endpoints that want each event")
	f.IntSliceVar(&o.Endpoints, "endpoints", []int{100}, "endpoints in all")
	f.StringSliceVar(&o.Formats, "format", []string{"genlogs"}, "formats of the bodies: "+strings.Join(bench.Formats(), ", ")+" (version v3)")
	f.StringSliceVar(&o.Schemes, "scheme", []string{"http"}, "how the receiver is reached: http, https (TLS 1.3, HTTP/1.1), h2")
	f.IntSliceVar(&o.Sizes, "size", []int{bench.DocumentSize}, "bytes of each document")
	f.DurationVar(&o.Away, "receiver-delay", 0, "the receiver waits so long before each answer, as if it were far away")
	f.Float64SliceVar(&o.Loads, "loads", []float64{20, 200, 2000}, "events a second of the low loads; a load is left out where it is above three quarters of the full one")
	f.BoolVar(&o.FullOnly, "full-only", false, "measure the full load alone")
	f.BoolVar(&noLimit, "no-limit", false, "do not measure the parts of a delivery alone")
	f.BoolVar(&noPeer, "no-peer", false, "do not measure the afternoon's Go (bench/afternoon) beside the node")
	f.StringSliceVar(&syncs, "sync", []string{"always", "2m"}, "settings of nats.sync to measure")
	f.IntVar(&o.Count, "count", 1, "how often each case is repeated, for benchstat")
	f.BoolVar(&o.Check, "check", false, "verify every signature and count distinct ids; slower")
	f.BoolVar(&o.IDs, "ids", true, "give each event an id, as users do")
	f.StringVar(&o.DataDir, "data-dir", "", "folder for the nodes' files (default the system's temporary folder)")
	f.StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	f.StringVar(&o.CPUProfile, "cpu-profile", "", "file for a CPU profile of the node at full load")
	f.BoolVar(&soak, "soak", false, "keep the full load up and sample the memory each second; the load comes from within the node")
	f.DurationVar(&o.Soak, "soak-for", 10*time.Minute, "how long, with --soak")
	return c
}

func syncSettings(names []string) (all []bool, err error) {
	for _, name := range names {
		always, err := synced(name)
		if err != nil {
			return nil, err
		}
		all = append(all, always)
	}
	return all, nil
}
