package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// byHTTP publishes one request after the other, from each client.
func (p *producers) byHTTP(ctx context.Context, _ func(url string) (NATSProducer, error)) (*ProducerResult, error) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: p.spec.Clients}}
	defer client.CloseIdleConnections()
	if err := p.begin(); err != nil {
		return nil, err
	}
	cpu := cpuTime()
	var running sync.WaitGroup
	for i := range p.spec.Clients {
		running.Go(func() {
			for !p.over() && ctx.Err() == nil {
				at := time.Now()
				body, contentType, n := p.body(i, at)
				p.became(at, n, p.spec.post(ctx, client, contentType, body))
			}
		})
	}
	running.Wait()
	return p.result(cpu), nil
}

func (p *producers) body(client int, at time.Time) (body []byte, contentType string, n int) {
	contentType, n = "application/json", 1
	first, between, last := "", "", ""
	switch p.spec.Way {
	case wayArray:
		first, between, last, n = "[", ",", "]", perRequest
	case wayNDJSON:
		between, contentType, n = "\n", "application/x-ndjson", perRequest
	}
	var b bytes.Buffer
	b.WriteString(first)
	times := make([]time.Time, n)
	for i := range times {
		times[i] = at
	}
	for i, doc := range documents(times) {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(`{"customer":` + strconv.Quote(p.spec.customer(client)) + `,"type":` + strconv.Quote(p.spec.Type) + `,"data":`)
		b.Write(doc)
		b.WriteByte('}')
	}
	b.WriteString(last)
	return b.Bytes(), contentType, n
}

func (s *ProducerSpec) post(ctx context.Context, client *http.Client, contentType string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.HTTP+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+s.Token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("%s: %.300s", resp.Status, answer)
	}
	return err
}

// httpProducer publishes one event a request, as if it were by NATS.
type httpProducer struct {
	spec   ProducerSpec
	client *http.Client
}

func newHTTPProducer(spec ProducerSpec) *httpProducer {
	return &httpProducer{spec, &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: max(spec.Clients, spec.Window)}}}
}

// Publish waits for the answer.
func (h *httpProducer) Publish(ctx context.Context, subject string, data []byte) error {
	return h.send(ctx, subject, "", data)
}

// PublishAsync returns at once; done is called once the answer is there.
func (h *httpProducer) PublishAsync(subject, id string, data []byte, done func(error)) error {
	go func() { done(h.send(context.Background(), subject, id, data)) }()
	return nil
}

// Close does nothing: all clients share the connections.
func (h *httpProducer) Close() {}

func (h *httpProducer) send(ctx context.Context, subject, id string, data []byte) error {
	customer, typ, _ := strings.Cut(strings.TrimPrefix(subject, "events."), ".")
	var b bytes.Buffer
	b.WriteString(`{"customer":` + strconv.Quote(customer) + `,"type":` + strconv.Quote(typ))
	if id != "" {
		b.WriteString(`,"id":` + strconv.Quote(id))
	}
	b.WriteString(`,"data":`)
	b.Write(data)
	b.WriteByte('}')
	return h.spec.post(ctx, h.client, "application/json", b.Bytes())
}
