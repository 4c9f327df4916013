package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/bench"
	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/transport"
)

// benchProgram is this executable as a node in a process of its own.
type benchProgram struct {
	dir, address string
	env          []string
	client       *client

	mu   sync.Mutex
	cmd  *exec.Cmd // nil: not running
	out  *tail
	done chan struct{}
}

const (
	// programRetry is between two tries to reach the program.
	programRetry = 10 * time.Millisecond
	programReady = time.Minute
)

// newBenchProgram prepares a node that knows no settings but those it is
// given: not the environment's, and no file of the folder.
func (a *app) newBenchProgram(o bench.NodeOptions) (bench.Program, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p := &benchProgram{dir: o.DataDir, address: l.Addr().String()}
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	settings := map[string]string{"http.listen": p.address, "nats.listen": "", "nats.sync": benchSync(o.Synced), "log.level": "warn"}
	maps.Copy(settings, o.Settings)
	for _, line := range a.env {
		if !strings.HasPrefix(line, "POSTRIDER_") {
			p.env = append(p.env, line)
		}
	}
	for name, value := range settings {
		p.env = append(p.env, "POSTRIDER_"+strings.ToUpper(strings.ReplaceAll(name, ".", "_"))+"="+value)
	}
	if o.CAFile != "" {
		p.env = append(p.env, "SSL_CERT_FILE="+o.CAFile)
	}
	p.client = &client{base: "http://" + p.address, http: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
	return p, nil
}

// Start runs serve and waits until it is ready.
func (p *benchProgram) Start(ctx context.Context) error {
	if err := p.launch(); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, programReady)
	defer cancel()
	for {
		_, err := p.client.call(within, http.MethodGet, "/readyz", nil, nil)
		if err == nil {
			return p.readToken()
		}
		select {
		case <-p.done:
			return fmt.Errorf("bench: the node left: %s", p.out)
		case <-within.Done():
			return fmt.Errorf("bench: the node is not ready: %w: %s", err, p.out)
		case <-time.After(programRetry):
		}
	}
}

// readToken takes the first start's token: it holds beyond the next ones.
func (p *benchProgram) readToken() error {
	if p.client.token != "" {
		return nil
	}
	token, err := os.ReadFile(filepath.Join(p.dir, node.AdminTokenFile))
	p.client.token = strings.TrimSpace(string(token))
	return err
}

func (p *benchProgram) launch() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("bench: cannot find the own executable: %w", err)
	}
	cmd := exec.Command(self, "serve", "--dev", "--data", p.dir)
	cmd.Dir, cmd.Env = p.dir, p.env
	p.out = &tail{}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("bench: cannot start the node: %w", err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }() // how it left is in ProcessState
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.done = cmd, done
	return nil
}

func (p *benchProgram) running() *exec.Cmd {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd
}

func (p *benchProgram) gone() {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = nil
}

// Kill is kill -9.
func (p *benchProgram) Kill() error {
	cmd := p.running()
	if cmd == nil {
		return errors.New("bench: the node is not running")
	}
	if err := cmd.Process.Kill(); err != nil {
		return fmt.Errorf("bench: kill the node: %w: %s", err, p.out)
	}
	p.gone()
	return nil
}

// Close is a graceful stop, and kill -9 where ctx ends first.
func (p *benchProgram) Close(ctx context.Context) error {
	defer p.client.http.CloseIdleConnections()
	cmd := p.running()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return errors.Join(err, p.Kill())
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("bench: the node does not stop: %w", ctx.Err()), p.Kill())
	}
	p.gone()
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("bench: the node left with code %d: %s", code, p.out)
	}
	return nil
}

// Memory is the resident set, 0 while the program is not running.
func (p *benchProgram) Memory() uint64 {
	if cmd := p.running(); cmd != nil {
		return bench.ResidentMemory(cmd.Process.Pid)
	}
	return 0
}

// Audit is the node's own count.
func (p *benchProgram) Audit(ctx context.Context) (*transport.Audit, error) {
	var a transport.Audit
	_, err := p.client.call(ctx, http.MethodGet, "/v1/audit", nil, &a)
	return &a, err
}

// Stored is how a stream stands.
func (p *benchProgram) Stored(ctx context.Context, stream string) (bench.Stored, error) {
	var all struct {
		Items []struct {
			Name     string
			Messages uint64
			Bytes    uint64
			LastSeq  uint64 `json:"last_seq"`
		}
	}
	_, err := p.client.call(ctx, http.MethodGet, "/v1/streams", nil, &all)
	for _, s := range all.Items {
		if s.Name == stream {
			return bench.Stored{Messages: s.Messages, Bytes: s.Bytes, Ever: s.LastSeq}, err
		}
	}
	return bench.Stored{}, errors.Join(err, errors.New("bench: the node tells nothing of the stream "+stream))
}

// AddEndpoint registers an endpoint of the bench.
func (p *benchProgram) AddEndpoint(ctx context.Context, ep *transport.Endpoint) error {
	_, err := p.client.call(ctx, http.MethodPost, "/v1/endpoints", map[string]any{
		"customer": ep.Customer, "name": ep.Name, "url": ep.URL, "profile": ep.Profile, "version": ep.Version, "format": ep.Format, "events": ep.Events,
		"secret": ep.Secrets.Current, "signature": map[string]string{"scheme": ep.Signature.Scheme}, "delivery": ep.Delivery,
	}, nil)
	return err
}

// Publish sends the events as one array, again and again until they are taken.
func (p *benchProgram) Publish(ctx context.Context, events []transport.Event) error {
	body := arrayOf(events)
	for {
		status, err := p.client.send(ctx, http.MethodPost, "/v1/events", "application/json", bytes.NewReader(body), nil)
		if err == nil || status != 0 && !slices.Contains([]int{http.StatusServiceUnavailable, http.StatusTooManyRequests}, status) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(programRetry):
		}
	}
}

func arrayOf(events []transport.Event) []byte {
	var b bytes.Buffer
	for i := range events {
		e := &events[i]
		b.WriteString(string("[,"[min(i, 1)]) + `{"customer":` + strconv.Quote(e.Customer) + `,"type":` + strconv.Quote(e.Type))
		if e.IDGiven {
			b.WriteString(`,"id":` + strconv.Quote(e.ID))
		}
		b.WriteString(`,"data":`)
		b.Write(e.Data)
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.Bytes()
}

func benchSync(always bool) string {
	if always {
		return "always"
	}
	return "2m"
}

// tail keeps the last of what a program printed, on one line.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailBytes = 2048

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	t.last = t.last[max(0, len(t.last)-tailBytes):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return oneLine(string(t.last))
}
