package afternoon

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	workers     = 64
	timeout     = 15 * time.Second
	pulled      = 500
	retryWithin = 5 * time.Second
)

// Endpoint is who wants events, each a whole type.
type Endpoint struct {
	URL    string   `json:"url"`
	Events []string `json:"events"`
	// Format of the body: genlogs or standard, each with its signature; genea and
	// raw are the event as it was published, signed as genea and genlogs do.
	Format string `json:"format"`
	Secret string `json:"secret"`
}

// Sender delivers the events of a stream.
type Sender struct {
	client *http.Client
	mu     sync.RWMutex
	wants  map[string][]*Endpoint
}

// New makes one that knows no endpoints yet.
func New() *Sender {
	return &Sender{
		client: &http.Client{Timeout: timeout, Transport: &http.Transport{
			MaxIdleConns: workers, MaxIdleConnsPerHost: workers, ForceAttemptHTTP2: true,
		}},
		wants: map[string][]*Endpoint{},
	}
}

// Add gives e its events from now on.
func (s *Sender) Add(e *Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, typ := range e.Events {
		s.wants[typ] = append(s.wants[typ], e)
	}
}

// Run delivers until ctx ends.
func (s *Sender) Run(ctx context.Context, nc *nats.Conn, stream string) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{Durable: "webhooks", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 4 * pulled})
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(pulled))
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	defer s.client.CloseIdleConnections()
	defer messages.Stop()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				m, err := messages.Next(jetstream.NextContext(ctx))
				if err != nil {
					return // ctx ended, or the server went
				}
				if err := s.deliver(ctx, m); err != nil {
					_ = m.NakWithDelay(retryWithin)
					continue
				}
				_ = m.Ack() // where it is lost the event comes again
			}
		})
	}
	all.Wait()
	return nil
}

// deliver posts an event to everybody who wants it, one after the other.
func (s *Sender) deliver(ctx context.Context, m jetstream.Msg) error {
	_, rest, _ := strings.Cut(m.Subject(), ".") // events.<customer>.<type>
	_, typ, _ := strings.Cut(rest, ".")
	id := m.Headers().Get(nats.MsgIdHdr)
	s.mu.RLock()
	endpoints := s.wants[typ]
	s.mu.RUnlock()
	for i, e := range endpoints {
		if err := s.post(ctx, e, i, id, typ, m.Data()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sender) post(ctx context.Context, e *Endpoint, number int, id, typ string, data []byte) error {
	now := time.Now().UTC()
	body, err := render(e, number, typ, data, now)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "afternoon/1.0")
	req.Header.Set("webhook-id", id)
	sign(req.Header, e, id, now, body)
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	_ = resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("%s: %s", e.URL, resp.Status)
	}
	return nil
}

func render(e *Endpoint, number int, typ string, data []byte, now time.Time) ([]byte, error) {
	switch e.Format {
	case "genlogs":
		return json.Marshal(struct {
			Event      string          `json:"event"`
			WebhookID  string          `json:"webhook_id"`
			CustomerID int             `json:"customer_id"`
			Data       json.RawMessage `json:"data"`
			Timestamp  string          `json:"timestamp"`
		}{typ, strconv.Itoa(number), 1, data, now.Format("2006-01-02T15:04:05.000000-07:00")})
	case "standard":
		return json.Marshal(struct {
			Type      string          `json:"type"`
			Timestamp time.Time       `json:"timestamp"`
			Data      json.RawMessage `json:"data"`
		}{typ, now, data})
	}
	return data, nil
}

func sign(h http.Header, e *Endpoint, id string, now time.Time, body []byte) {
	if e.Format == "standard" {
		at := strconv.FormatInt(now.Unix(), 10)
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(e.Secret, "whsec_")) // as it was made
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		h.Set("webhook-timestamp", at)
		h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return
	}
	name, scheme, hash := "X-GenLogs-Signature", "sha512=", sha512.New
	if e.Format == "genea" {
		name, scheme, hash = "X-Sequr-Signature", "sha1=", sha1.New
	}
	mac := hmac.New(hash, []byte(e.Secret))
	mac.Write(body)
	h.Set(name, scheme+hex.EncodeToString(mac.Sum(nil)))
}
