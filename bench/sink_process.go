package bench

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// sinkGrace is what a sink has to end by itself.
const sinkGrace = 5 * time.Second

// sinkProcess is a process of receivers, seen from the one that started it.
// Its own methods of a receiver are the first one's.
type sinkProcess struct {
	sinkReceiver
	cmd     *exec.Cmd
	stdin   io.Closer
	control string // base URL
	client  *http.Client
	// authority is whom its clients trust; nil: they need trust nobody.
	authority *authority
}

// sinkSpec is what the first receiver of a sink process is like.
type sinkSpec struct {
	scheme, format string
	delay          time.Duration
	dir            string // for the CA's files
	flags          []string
}

// startSinkFor runs this executable as a sink, with a CA of its own where the
// scheme has TLS.
func startSinkFor(ctx context.Context, spec sinkSpec) (*sinkProcess, error) {
	flags := append([]string{"-scheme=" + cmp.Or(spec.scheme, schemeHTTP), "-format=" + cmp.Or(spec.format, formatRaw), "-delay=" + spec.delay.String()}, spec.flags...)
	var a *authority
	if urlScheme(spec.scheme) == "https" {
		var err error
		if a, err = newAuthority(spec.dir); err != nil {
			return nil, err
		}
		flags = append(flags, a.flags()...)
	}
	p, err := startSink(ctx, flags...)
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	p.authority, p.scheme = a, spec.scheme
	return p, nil
}

// attachSink is a sink process that another started, by the base URL of its
// control port.
func attachSink(control string) *sinkProcess {
	p := &sinkProcess{control: control, client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
	p.process = p
	return p
}

// What the first receiver does beside counting, at the cost of speed: it keeps
// every id, and verifies every signature too.
var (
	keepIDs  = []string{"-ids"}
	checkAll = []string{"-ids", "-verify=1"}
)

// startSink runs this executable as a sink.
func startSink(ctx context.Context, flags ...string) (*sinkProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: cannot find the own executable to run the sink: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, append([]string{SinkCommand, "-with-parent"}, flags...)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: sink: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: sink: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: cannot start the sink: %w", err)
	}
	p := &sinkProcess{cmd: cmd, stdin: stdin, client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	address, control, found := strings.Cut(strings.TrimSpace(line), " ")
	if err == nil && !found {
		err = errors.New("no two addresses")
	}
	if err != nil {
		_ = p.close()
		return nil, fmt.Errorf("bench: the sink said %q in place of its addresses; does the binary have the command %s? (%w)", line, SinkCommand, err)
	}
	p.control = "http://" + control
	p.sinkReceiver = sinkReceiver{process: p, address: address}
	return p, nil
}

// close lets the sink end, and kills it where it does not.
func (p *sinkProcess) close() error {
	p.client.CloseIdleConnections()
	_ = p.stdin.Close()
	kill := time.AfterFunc(sinkGrace, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	err := p.cmd.Wait()
	if failed := p.authority.close(); failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("bench: sink: %w", err)
	}
	return nil
}

func (p *sinkProcess) ask(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.control+path, nil)
	if err != nil {
		return nil, fmt.Errorf("bench: sink: %w", err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("bench: sink: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	if err != nil {
		return nil, fmt.Errorf("bench: sink: %w", err)
	}
	return text, nil
}
