package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// bareWorkers post one after the other each, on a connection of their own.
const bareWorkers = 64

const bareTimeout = 15 * time.Second

// bareClient is what the node is compared with: an HTTP client, tuned, posting
// bytes that were signed beforehand, in a closed loop, with nothing around it.
type bareClient struct {
	workers int
	// worker makes the function by which one worker posts.
	worker func() func() error
	close  func()
}

// barePost is what a bare client posts, where, and how.
type barePost struct {
	bareOptions
	url     string
	header  http.Header
	timeout time.Duration
}

// bareOptions have defaults: plain HTTP, a raw document, bareWorkers.
type bareOptions struct {
	scheme    string
	authority *authority // where the scheme has TLS
	format    string     // whose signature the body has
	body      []byte
	workers   int
}

func newBarePost(url string, o bareOptions) (*barePost, error) {
	f := formOf(o.format)
	signer, err := f.signer()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	o.workers = cmp.Or(o.workers, bareWorkers)
	if o.body == nil {
		o.body = documents([]time.Time{now})[0]
	}
	p := &barePost{
		bareOptions: o, url: url, timeout: bareTimeout,
		header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Postrider/bench"}, "Webhook-Id": {"EVENTS-1"}},
	}
	signer.Sign(p.header, "EVENTS-1", now, p.body)
	return p, nil
}

// netHTTP posts by the standard library.
func (p *barePost) netHTTP() *bareClient {
	transport := &http.Transport{
		MaxIdleConns: p.workers, MaxIdleConnsPerHost: p.workers, MaxConnsPerHost: p.workers,
		DisableCompression: true, TLSClientConfig: p.authority.client(),
	}
	if p.scheme == schemeH2 {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP2(true)
		transport.MaxConnsPerHost = 0 // one connection takes them all
	}
	client := &http.Client{Timeout: p.timeout, Transport: transport}
	post := func() error {
		// Not bound to the run's context: what was begun is finished, so that no connection breaks off.
		req, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader(p.body))
		if err != nil {
			return fmt.Errorf("bench: bare client: %w", err)
		}
		req.Header = p.header.Clone()
		resp, err := client.Do(req)
		if err != nil {
			return fmt.Errorf("bench: bare client: %w", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("bench: bare client: the sink answered %s", resp.Status)
		}
		return nil
	}
	return &bareClient{workers: p.workers, worker: func() func() error { return post }, close: client.CloseIdleConnections}
}

// fastHTTP posts by fasthttp, each worker with a request of its own that it
// sends again and again: about the least that a POST can cost in Go.
func (p *barePost) fastHTTP() (*bareClient, error) {
	to, err := url.Parse(p.url)
	if err != nil {
		return nil, fmt.Errorf("bench: bare fasthttp: %w", err)
	}
	dial := func(addr string) (net.Conn, error) { return net.DialTimeout("tcp", addr, p.timeout) }
	client := &fasthttp.HostClient{Addr: to.Host, Dial: dial, MaxConns: p.workers, IsTLS: p.authority != nil, TLSConfig: p.authority.client(), ReadTimeout: p.timeout, WriteTimeout: p.timeout, NoDefaultUserAgentHeader: true}
	worker := func() func() error {
		req, resp := &fasthttp.Request{}, &fasthttp.Response{}
		req.SetRequestURI(p.url)
		req.Header.SetMethod(http.MethodPost)
		for name, values := range p.header {
			req.Header.Set(name, values[0])
		}
		req.SetBodyRaw(p.body)
		return func() error {
			if err := client.Do(req, resp); err != nil {
				return fmt.Errorf("bench: bare fasthttp: %w", err)
			}
			if resp.StatusCode() != http.StatusOK {
				return fmt.Errorf("bench: bare fasthttp: the sink answered %d", resp.StatusCode())
			}
			return nil
		}
	}
	return &bareClient{workers: p.workers, worker: worker, close: client.CloseIdleConnections}, nil
}

// run posts until ctx ends or a post fails.
func (b *bareClient) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for range b.workers {
		post := b.worker()
		workers.Go(func() {
			for ctx.Err() == nil {
				if err := post(); err != nil {
					cancel(err)
				}
			}
		})
	}
	workers.Wait()
	b.close()
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return cause
	}
	return nil
}

// rate measures the client against the sink for d, after a quarter of it to
// warm up.
func (b *bareClient) rate(ctx context.Context, p *sinkProcess, d time.Duration) (rate, error) {
	if err := p.reset(ctx, time.Time{}); err != nil {
		return rate{}, err
	}
	posting, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.run(posting) }()
	p.firstArrival(posting) // handshakes are not what is measured
	measured, err := p.measure(ctx, d/4, d)
	stop()
	if failed := <-ended; failed != nil {
		return rate{}, failed
	}
	return measured, err
}
