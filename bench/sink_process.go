package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	sinkGrace = 5 * time.Second // what a sink has to end by itself
	countEach = 10 * time.Millisecond
)

// sinkProcess is a sink in a process of its own, seen from the one that started it.
type sinkProcess struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	address string // host:port for deliveries
	control string // base URL
	client  *http.Client
}

// startSink runs this executable as a sink; check makes it verify every
// signature and keep every id, at the cost of speed.
func startSink(ctx context.Context, check bool) (*sinkProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: cannot find the own executable to run the sink: %w", err)
	}
	args := []string{SinkCommand, "-with-parent"}
	if check {
		args = append(args, "-verify=1", "-ids")
	}
	cmd := exec.CommandContext(ctx, self, args...)
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
	p.address, p.control = address, "http://"+control
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

// url is where endpoint i takes its deliveries.
func (p *sinkProcess) url(i int) string { return fmt.Sprintf("http://%s/e/%d", p.address, i) }

// reset zeroes the counts; documents meant before latencyFrom are not timed.
func (p *sinkProcess) reset(ctx context.Context, latencyFrom time.Time) error {
	query := ""
	if !latencyFrom.IsZero() {
		query = "?" + url.Values{"latency_from": {strconv.FormatInt(latencyFrom.UnixNano(), 10)}}.Encode()
	}
	_, err := p.ask(ctx, http.MethodPost, "/reset"+query)
	return err
}

func (p *sinkProcess) count(ctx context.Context) (uint64, error) {
	text, err := p.ask(ctx, http.MethodGet, "/count")
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(string(text), 10, 64)
}

func (p *sinkProcess) stats(ctx context.Context) (s SinkStats, err error) {
	text, err := p.ask(ctx, http.MethodGet, "/stats")
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	return s, err
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

// arrived waits until n deliveries have come since the reset.
func (p *sinkProcess) arrived(ctx context.Context, n uint64, limit time.Duration) error {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var got uint64
	err := p.watch(within, func(count uint64) bool {
		got = count
		return got < n
	})
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return fmt.Errorf("bench: %d of %d deliveries had arrived %s after the last was published", got, n, limit)
	}
	return err
}

// watch tells the count each 10 ms until more says no.
func (p *sinkProcess) watch(ctx context.Context, more func(count uint64) bool) error {
	tick := time.NewTicker(countEach)
	defer tick.Stop()
	for {
		count, err := p.count(ctx)
		if err != nil {
			return err
		}
		if !more(count) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
