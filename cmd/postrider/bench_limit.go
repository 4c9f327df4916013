package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/bench"
	"github.com/postrider/postrider/transport/jet/natsbench"
)

func (a *app) benchLimitCommand() *cobra.Command {
	o := bench.LimitOptions{Broker: startBroker}
	var sync string
	c := &cobra.Command{
		Use:   "limit",
		Short: "What the parts of a delivery cost alone: JetStream, the hash, the POST",
		Long: `Measures each part of a delivery alone and at full load: JetStream (publish;
consume and acknowledge; by TCP and in process), SHA-512 of 1 KiB, a POST by
net/http and by fasthttp. The sum is what a delivery costs at least.`,
		Example: "  postrider bench limit --report report\n  postrider bench limit --seconds 10s --count 5",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o.Stdout = a.figures()
			if o.Synced, err = synced(sync); err != nil {
				return err
			}
			return a.printReport(bench.Limit(c.Context(), o))
		},
	}
	f := c.Flags()
	f.DurationVar(&o.Seconds, "seconds", 3*time.Second, "how long each part is measured")
	f.IntVar(&o.Count, "count", 1, "how often each figure is repeated, for benchstat")
	f.StringVar(&o.Scheme, "scheme", "http", "how the receiver of the POST is reached: "+strings.Join(bench.Schemes(), ", "))
	f.StringVar(&sync, "sync", "2m", "JetStream syncs each write (always) or each 2m")
	f.StringVar(&o.DataDir, "data-dir", "", "folder for the server's files (default the system's temporary folder)")
	f.StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	return c
}

func startBroker(ctx context.Context, dir string, synced, inProcess bool) (bench.Broker, error) {
	if inProcess {
		s, err := natsbench.Serve(ctx, dir, synced)
		return brokerHere{s}, err
	}
	j, err := startJetStreamAlone(ctx, bench.NodeOptions{DataDir: dir, Synced: synced})
	return brokerBeside{j}, err
}

// brokerHere is JetStream alone in this process.
type brokerHere struct{ *natsbench.Server }

// Connect connects without a socket.
func (b brokerHere) Connect() (bench.BrokerClient, error) { return b.Server.Connect() }

// Process is this one.
func (b brokerHere) Process() int { return os.Getpid() }

// Close stops the server.
func (b brokerHere) Close(context.Context) error { return b.Server.Close() }

// brokerBeside is JetStream alone in a process of its own.
type brokerBeside struct{ bench.Ingested }

// Connect connects by TCP.
func (b brokerBeside) Connect() (bench.BrokerClient, error) { return natsbench.Connect(b.NATS()) }
