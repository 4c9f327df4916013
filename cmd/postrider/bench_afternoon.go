package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
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
	cmd   *exec.Cmd
	url   string
	mu    sync.Mutex
	stdin io.WriteCloser
	out   *bufio.Reader
}

func startAfternoon(_ context.Context, o bench.NodeOptions) (bench.Ingested, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: cannot find the own executable: %w", err)
	}
	p := &afternoonProcess{cmd: exec.Command(self, afternoonCommandName, o.DataDir, benchSync(o.Synced))}
	p.cmd.Stderr = os.Stderr
	if o.CAFile != "" {
		p.cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+o.CAFile)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: the afternoon's Go: %w", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("bench: the afternoon's Go: %w", err)
	}
	p.out = bufio.NewReader(out)
	line, err := p.out.ReadString('\n')
	if p.url = strings.TrimSpace(line); err != nil {
		_ = p.stdin.Close()
		return nil, fmt.Errorf("bench: the afternoon's Go said %q in place of its address: %w", line, errors.Join(err, p.cmd.Wait()))
	}
	return p, nil
}

func (p *afternoonProcess) NATS() string  { return p.url }
func (p *afternoonProcess) HTTP() string  { return "" }
func (p *afternoonProcess) Token() string { return "" }
func (p *afternoonProcess) Process() int  { return p.cmd.Process.Pid }

func (p *afternoonProcess) AddEndpoint(_ context.Context, e *transport.Endpoint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := json.NewEncoder(p.stdin).Encode(afternoon.Endpoint{URL: e.URL, Events: e.Events, Format: e.Format, Secret: e.Secrets.Current})
	if err != nil {
		return fmt.Errorf("bench: the afternoon's Go: %w", err)
	}
	if line, err := p.out.ReadString('\n'); err != nil || line != "added\n" {
		return fmt.Errorf("bench: the afternoon's Go said %q: %w", line, err)
	}
	return nil
}

func (p *afternoonProcess) Close(ctx context.Context) error {
	_ = p.stdin.Close() // it ends then
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	return p.cmd.Wait()
}
