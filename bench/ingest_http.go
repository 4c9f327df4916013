package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// byHTTP publishes one request after the other, from each client.
func (p *producers) byHTTP(ctx context.Context, _ func(url string) (NATSProducer, error)) (*ProducerResult, error) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: p.spec.Clients}}
	defer client.CloseIdleConnections()
	p.begin()
	cpu := cpuTime()
	var running sync.WaitGroup
	for i := range p.spec.Clients {
		running.Go(func() {
			for !p.over() && ctx.Err() == nil {
				at := time.Now()
				body, contentType, n := p.body(i, at)
				p.became(at, n, p.post(ctx, client, contentType, body))
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

func (p *producers) post(ctx context.Context, client *http.Client, contentType string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.spec.HTTP+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+p.spec.Token)
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
