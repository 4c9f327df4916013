package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

// directNode posts what is published straight to the endpoints that want it.
type directNode struct {
	client *http.Client
	work   chan delivery
	group  sync.WaitGroup

	mu        sync.Mutex
	endpoints []*transport.Endpoint
	seq       int

	// What a broken node would do.
	refuseAfter int  // publish fails after so many events; 0 never
	twice       bool // each delivery is made twice
	wrongSecret bool
}

type delivery struct {
	id       string
	body     []byte
	endpoint *transport.Endpoint
}

func startDirect(change func(*directNode)) StartNode {
	return func(_ context.Context, o NodeOptions) (Node, error) {
		if o.DataDir == "" {
			return nil, errors.New("no data folder")
		}
		n := &directNode{
			client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
			work:   make(chan delivery, 100),
		}
		if change != nil {
			change(n)
		}
		for range 16 {
			n.group.Go(func() {
				for d := range n.work {
					_ = n.post(d)
				}
			})
		}
		return n, nil
	}
}

func (n *directNode) AddEndpoint(_ context.Context, e *transport.Endpoint) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.endpoints = append(n.endpoints, e)
	return nil
}

func (n *directNode) Publish(_ context.Context, events []transport.Event) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ev := range events {
		n.seq++
		if n.refuseAfter > 0 && n.seq > n.refuseAfter {
			return fmt.Errorf("the disk is full: %w", transport.ErrUnavailable)
		}
		for _, e := range n.endpoints {
			if !wants(e, ev.Type) {
				continue
			}
			n.work <- delivery{"EVENTS-" + strconv.Itoa(n.seq), ev.Data, e}
			if n.twice {
				n.work <- delivery{"EVENTS-" + strconv.Itoa(n.seq), ev.Data, e}
			}
		}
	}
	return nil
}

func (n *directNode) post(d delivery) error {
	secret := d.endpoint.Secrets.Current
	if n.wrongSecret {
		secret = "another secret than the endpoint's"
	}
	signer, err := signature.NewSigner(signature.Config{Scheme: d.endpoint.Signature.Scheme}, signature.Secrets{Current: secret})
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, d.endpoint.URL, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	req.Header.Set("Webhook-Id", d.id)
	signer.Sign(req.Header, d.id, time.Now(), d.body)
	resp, err := n.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

func (n *directNode) Close(context.Context) error {
	close(n.work)
	n.group.Wait()
	n.client.CloseIdleConnections()
	return nil
}

func wants(e *transport.Endpoint, typ string) bool {
	return slices.ContainsFunc(e.Events, func(pattern string) bool { return transport.MatchType(pattern, typ) })
}
