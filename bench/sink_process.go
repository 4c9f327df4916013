package bench

import (
	"bufio"
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
	if err := p.cmd.Wait(); err != nil {
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
