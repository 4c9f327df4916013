package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/bench"
)

func (a *app) benchNeighboursCommand() *cobra.Command {
	o := bench.NeighboursOptions{Start: a.startBenchNode}
	var troubles []string
	var sync string
	c := &cobra.Command{
		Use:   "neighbours",
		Short: "What endpoints that hang or fail, or a customer that floods, cost the others",
		Long: `Offers healthy endpoints a steady load, half of what they take at full load,
without and with endpoints in trouble beside them, each between two runs
without. flood-N, huge-N, tiny-N, wanted-N and duplicate-N are another customer
in place of them, who publishes events of 1 KiB, 1 MB, 16 bytes, with an endpoint
of its own, or with one id, as fast as N clients can. Read the medians that are
printed at the end.`,
		Example: "  postrider bench neighbours --report report\n  postrider bench neighbours --rounds 1 --seconds 20s --troubles hang-1000\n  postrider bench neighbours --troubles flood-4,huge-1,tiny-4,wanted-4,duplicate-4",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o.Stdout = a.figures()
			if o.Synced, err = synced(sync); err != nil {
				return err
			}
			for _, text := range troubles {
				t, err := bench.ParseTrouble(text)
				if err != nil {
					return usagef("--troubles: %s", err)
				}
				o.Troubles = append(o.Troubles, t)
			}
			return a.printReport(bench.Neighbours(c.Context(), o))
		},
	}
	f := c.Flags()
	f.DurationVar(&o.Seconds, "seconds", 15*time.Second, "how long each run is measured")
	f.IntVar(&o.Rounds, "rounds", 1, "how often each trouble is measured")
	f.IntVar(&o.Healthy, "healthy", 200, "healthy endpoints")
	f.StringSliceVar(&troubles, "troubles", []string{"well-1000", "hang-10", "hang-1000", "fail-1000", "refuse-1000"}, "kind and number of endpoints in trouble, or of clients of a customer that floods")
	f.Float64Var(&o.Offered, "offered", 0, "deliveries a second to the healthy endpoints; 0: half of what they take at full load")
	f.IntVar(&o.Waiting, "waiting", 0, "at full load, beside so many events for the endpoints in trouble, in place of a steady load")
	f.Float64Var(&o.Rate, "rate", 1, "events a second for each endpoint in trouble")
	f.DurationVar(&o.Timeout, "timeout", 15*time.Second, "time limit of their attempts, 1s to 60s")
	f.StringVar(&sync, "sync", "always", "setting of nats.sync: always or 2m")
	f.StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	return c
}

func (a *app) benchRecoveryCommand() *cobra.Command {
	o := bench.RecoveryOptions{Program: a.newBenchProgram}
	var sync string
	c := &cobra.Command{
		Use:   "recovery",
		Short: "kill -9 under load, a large backlog, a rate limit",
		Long: `Runs the program as a process of its own. Case kill: kill -9 under load, again
and again. Case waiting: an endpoint that is down has many events waiting; what
that costs the others, a restart, and how they come when it is back. Case rate:
an endpoint with a rate limit is sent many events at once.`,
		Example: "  postrider bench recovery --report report\n  postrider bench recovery --cases waiting --waiting 1000000\n  postrider bench recovery --cases rate --rate 50 --burst 100 --events 10000",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o.Stdout = a.figures()
			if o.Synced, err = synced(sync); err != nil {
				return err
			}
			return a.printReport(bench.Recovery(c.Context(), o))
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Cases, "cases", bench.RecoveryCases(), "what to measure: "+strings.Join(bench.RecoveryCases(), ", "))
	f.IntVar(&o.Kills, "kills", 10, "case kill: how often")
	f.Uint64Var(&o.Seed, "seed", 0, "case kill: seed of the moments (default the clock's)")
	f.Float64Var(&o.Load, "load", 1000, "case kill: events a second")
	f.IntVar(&o.FanOut, "fan-out", 2, "case kill: endpoints that want each event")
	f.IntVar(&o.Endpoints, "endpoints", 10, "endpoints that are well")
	f.IntVar(&o.Waiting, "waiting", 100_000, "case waiting: events that wait for the endpoint that is down")
	f.DurationVar(&o.Seconds, "seconds", 10*time.Second, "case waiting: how long the others are measured each time")
	f.Float64Var(&o.Rate, "rate", 50, "case rate: deliveries a second")
	f.IntVar(&o.Burst, "burst", 100, "case rate: deliveries at once")
	f.IntVar(&o.Events, "events", 3_000, "case rate: events published at once")
	f.StringVar(&sync, "sync", "always", "setting of nats.sync: always or 2m")
	f.StringVar(&o.Report, "report", "", "folder for index.html and report.json")
	return c
}

func synced(setting string) (bool, error) {
	if setting != "always" && setting != "2m" {
		return false, usagef("--sync %q is neither always nor 2m", setting)
	}
	return setting == "always", nil
}
