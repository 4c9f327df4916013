package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// sinkGrace is what a sink has to end by itself.
const sinkGrace = 5 * time.Second

// sinkProcess is a process of receivers, seen from the one that started it.
// Its own methods of a receiver are the first one's.
type sinkProcess struct {
	sinkReceiver
	own     *Own
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
	own, line, err := StartOwn(ctx, "the sink", nil, append([]string{SinkCommand, "-with-parent"}, flags...)...)
	if err != nil {
		return nil, err
	}
	p := &sinkProcess{own: own, client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
	address, control, found := strings.Cut(line, " ")
	if !found {
		return nil, errors.Join(fmt.Errorf("bench: the sink said %q in place of its two addresses", line), p.close())
	}
	p.control = "http://" + control
	p.sinkReceiver = sinkReceiver{process: p, address: address}
	return p, nil
}

// close lets the sink end, and kills it where it does not.
func (p *sinkProcess) close() error {
	p.client.CloseIdleConnections()
	within, cancel := context.WithTimeout(context.Background(), sinkGrace)
	defer cancel()
	err := p.own.Close(within)
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
