package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// bareWorkers post one after the other each, on a connection of their own.
const bareWorkers = 64

// bareClient is what the node is compared with: net/http, tuned, posting bytes
// that were signed beforehand, in a closed loop, with nothing around it.
type bareClient struct {
	client *http.Client
	url    string
	header http.Header
	body   []byte
}

func newBareClient(url string) (*bareClient, error) {
	signer, err := signature.NewSigner(benchScheme(), signature.Secrets{Current: Secret})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	b := &bareClient{
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
			MaxIdleConns: bareWorkers, MaxIdleConnsPerHost: bareWorkers, MaxConnsPerHost: bareWorkers,
			DisableCompression: true,
		}},
		url:    url,
		body:   documents([]time.Time{now})[0],
		header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Postrider/bench"}, "Webhook-Id": {"EVENTS-1"}},
	}
	signer.Sign(b.header, "EVENTS-1", now, b.body)
	return b, nil
}

// run posts until ctx ends or a post fails.
func (b *bareClient) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for range bareWorkers {
		workers.Go(func() {
			for ctx.Err() == nil {
				if err := b.post(); err != nil {
					cancel(err)
				}
			}
		})
	}
	workers.Wait()
	b.client.CloseIdleConnections()
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return cause
	}
	return nil
}

func (b *bareClient) post() error {
	// Not bound to ctx: what was begun is finished, so that no connection breaks off.
	req, err := http.NewRequest(http.MethodPost, b.url, bytes.NewReader(b.body))
	if err != nil {
		return fmt.Errorf("bench: bare client: %w", err)
	}
	req.Header = b.header.Clone()
	resp, err := b.client.Do(req)
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

// bareRate measures the bare client against the sink for d, after a quarter of it to warm up.
func bareRate(ctx context.Context, p *sinkProcess, d time.Duration) (rate, error) {
	b, err := newBareClient(p.url(0))
	if err != nil {
		return rate{}, err
	}
	if err := p.reset(ctx, time.Time{}); err != nil {
		return rate{}, err
	}
	posting, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.run(posting) }()
	measured, err := p.measure(ctx, d/4, d)
	stop()
	if failed := <-ended; failed != nil {
		return rate{}, failed
	}
	return measured, err
}
