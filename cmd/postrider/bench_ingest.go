package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/bench"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/natsbench"
)

func (a *app) benchIngestCommand() *cobra.Command {
	o := bench.IngestOptions{Node: a.startIngestNode, Alone: startJetStreamAlone}
	c := &cobra.Command{
		Use:   "ingest",
		Short: "Events accepted a second and their latency, beside JetStream alone",
		Long: `Publishes 1 KiB events, one a message by NATS (each client waiting for each, or
asynchronously) and by HTTP (single, arrays of 100, NDJSON of 100), from a
process of their own: to a node that syncs each write and one that does not, and
by NATS to a JetStream server with nothing of Postrider's. A node delivers
nothing meanwhile, but in the open loop at --rate.`,
		Example: "  postrider bench ingest --report report\n  postrider bench ingest --ways nats-async --clients 1",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			o.Stdout = a.figures()
			return a.printReport(bench.Ingest(c.Context(), o))
		},
	}
	f := c.Flags()
	f.DurationVar(&o.Seconds, "seconds", 3*time.Second, "how long each figure is measured")
	f.IntSliceVar(&o.Clients, "clients", []int{1, 16, 128}, "clients at once")
	f.StringSliceVar(&o.Ways, "ways", bench.IngestWays(), "how they publish")
	f.Float64Var(&o.Rate, "rate", 4000, "events a second of the open loop; negative: none")
	f.StringVar(&o.DataDir, "data-dir", "", "folder for the servers' files (default the system's temporary folder)")
	f.StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	return c
}

// producerCommand and jetStreamCommand are processes that the bench starts.
func (a *app) producerCommand() *cobra.Command {
	return &cobra.Command{
		Use: bench.ProducerCommand, Hidden: true, DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			return bench.ProducerMain(c.Context(), args, a.stdout, func(url string) (bench.NATSProducer, error) { return natsbench.Connect(url) })
		},
	}
}

const jetStreamCommandName = "bench-jetstream"

func (a *app) jetStreamCommand() *cobra.Command {
	return &cobra.Command{
		Use: jetStreamCommandName, Hidden: true, DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if len(args) != 2 {
				return usagef("%s FOLDER SYNC", jetStreamCommandName)
			}
			s, err := natsbench.Serve(c.Context(), args[0], args[1] == benchSync(true))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if _, err := fmt.Fprintln(a.stdout, s.URL()); err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, os.Stdin) // until its parent ends
			return err
		},
	}
}

// ingestNode is a node in a process of its own that takes producers.
type ingestNode struct {
	*benchProgram
	nats string
}

func (a *app) startIngestNode(ctx context.Context, o bench.NodeOptions) (bench.Ingested, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	settings := map[string]string{"nats.listen": address}
	maps.Copy(settings, o.Settings)
	o.Settings = settings
	p, err := a.newBenchProgram(o)
	if err != nil {
		return nil, err
	}
	n := &ingestNode{benchProgram: p.(*benchProgram), nats: "nats://" + address}
	if err := n.Start(ctx); err != nil {
		return nil, errors.Join(err, n.Close(ctx))
	}
	return n, nil
}

func (n *ingestNode) NATS() string  { return n.nats }
func (n *ingestNode) HTTP() string  { return n.client.base }
func (n *ingestNode) Token() string { return n.client.token }
func (n *ingestNode) Process() int  { return n.running().Process.Pid }

// jetStreamAlone is a NATS server in a process of its own.
type jetStreamAlone struct {
	*bench.Own
	url string
}

func startJetStreamAlone(ctx context.Context, o bench.NodeOptions) (bench.Ingested, error) {
	own, url, err := bench.StartOwn(ctx, "JetStream", nil, jetStreamCommandName, o.DataDir, benchSync(o.Synced))
	if err != nil {
		return nil, err
	}
	return &jetStreamAlone{own, url}, nil
}

func (j *jetStreamAlone) NATS() string  { return j.url }
func (j *jetStreamAlone) HTTP() string  { return "" }
func (j *jetStreamAlone) Token() string { return "" }
func (j *jetStreamAlone) Process() int  { return j.Cmd.Process.Pid }

func (j *jetStreamAlone) AddEndpoint(context.Context, *transport.Endpoint) error {
	return errors.New("JetStream alone delivers to nobody")
}
