package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/bench"
	"github.com/postrider/postrider/bench/afternoon"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/natsbench"
)

const afternoonCommandName = "bench-afternoon"

// afternoonCommand is the afternoon's Go with a NATS server in its process, as
// the node has one: the bench starts it.
func (a *app) afternoonCommand() *cobra.Command {
	return &cobra.Command{
		Use: afternoonCommandName, Hidden: true, DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if len(args) != 2 {
				return usagef("%s FOLDER SYNC", afternoonCommandName)
			}
			s, err := natsbench.Serve(c.Context(), args[0], args[1] == benchSync(true))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			nc, err := s.Dial()
			if err != nil {
				return err
			}
			defer nc.Close()
			if _, err := fmt.Fprintln(a.stdout, s.URL()); err != nil {
				return err
			}
			return afternoon.Main(c.Context(), nc, natsbench.Stream, os.Stdin, a.stdout)
		},
	}
}

// afternoonProcess is that process, seen from the bench.
type afternoonProcess struct {
	*bench.Own
	url string
	mu  sync.Mutex
}

func startAfternoon(_ context.Context, o bench.NodeOptions) (bench.Ingested, error) {
	var env []string
	if o.CAFile != "" {
		env = []string{"SSL_CERT_FILE=" + o.CAFile}
	}
	own, url, err := bench.StartOwn(context.Background(), "the afternoon's Go", env, afternoonCommandName, o.DataDir, benchSync(o.Synced))
	if err != nil {
		return nil, err
	}
	return &afternoonProcess{Own: own, url: url}, nil
}

func (p *afternoonProcess) NATS() string  { return p.url }
func (p *afternoonProcess) HTTP() string  { return "" }
func (p *afternoonProcess) Token() string { return "" }
func (p *afternoonProcess) Process() int  { return p.Cmd.Process.Pid }

func (p *afternoonProcess) AddEndpoint(_ context.Context, e *transport.Endpoint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := json.NewEncoder(p.In).Encode(afternoon.Endpoint{URL: e.URL, Events: e.Events, Format: e.Format, Secret: e.Secrets.Current})
	if err != nil {
		return fmt.Errorf("bench: the afternoon's Go: %w", err)
	}
	if line, err := p.Out.ReadString('\n'); err != nil || line != "added\n" {
		return fmt.Errorf("bench: the afternoon's Go said %q: %w", line, err)
	}
	return nil
}
