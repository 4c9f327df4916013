package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/jet/publisher"
)

const connectTimeout = 60 * time.Second

// eventSink is where the flags say, or for detections of that subject NATS.
func (a *app) eventSink(f *publishFlags, detections string) (eventSink, error) {
	if f.http {
		cl, err := a.client()
		return &apiSink{cl}, err
	}
	address := f.natsURL
	if address == "" {
		cfg, err := a.settings()
		if err != nil {
			return nil, err
		}
		if address, err = natsURL(cfg); err != nil {
			return nil, err
		}
	}
	s, err := dialNATS(address)
	if err != nil || detections == "" {
		return s, err
	}
	return &detectionSink{natsSink: s, subject: detections}, nil
}

// natsURL is where producers of this machine's settings publish.
func natsURL(cfg *config.Config) (string, error) {
	n := &cfg.NATS
	if n.Credentials != "" {
		return "", errors.New("nats.credentials is set, which publish does not read; give --nats-url with a user, or --http")
	}
	if n.URL != "" {
		return n.URL.Reveal(), nil
	}
	if n.Listen == "" {
		return "", errors.New("nats.listen is empty: the node takes no producers by NATS; give --http, or --nats-url")
	}
	host, port, err := net.SplitHostPort(n.Listen)
	if err != nil {
		return "", fmt.Errorf("nats.listen: %w", err)
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	u := url.URL{Scheme: "nats", Host: net.JoinHostPort(host, port)}
	if n.TLSCert != "" {
		u.Scheme = "tls"
	}
	switch {
	case n.Token != "":
		u.User = url.User(n.Token.Reveal())
	case n.User != "":
		u.User = url.UserPassword(n.User, n.Password.Reveal())
	}
	return u.String(), nil
}

type natsSink struct {
	p       *publisher.Publisher
	address config.URL
}

// dialNATS connects. The address is checked first, as a parser's error would
// repeat it with its password.
func dialNATS(address string) (*natsSink, error) {
	masked := config.URL(address)
	for part := range strings.SplitSeq(address, ",") {
		if u, err := url.Parse(strings.TrimSpace(part)); err != nil || u.Host == "" {
			return nil, usagef("--nats-url is not an address such as nats://127.0.0.1:4222")
		}
	}
	p, err := publisher.Connect(address, publisher.Options{Name: "postrider publish"})
	if err != nil {
		return nil, fmt.Errorf("cannot reach %s: %w; start a node (postrider serve --dev), or give --nats-url or --http", masked, err)
	}
	return &natsSink{p: p, address: masked}, nil
}

func (s *natsSink) close() { s.p.Close() }

func (s *natsSink) publish(ctx context.Context, events []publisher.Event) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return s.stored(len(events), s.p.PublishAll(ctx, events))
}

// stored tells how many of n documents are durable after err.
func (s *natsSink) stored(n int, err error) (int, error) {
	if err == nil {
		return n, nil
	}
	stored := 0
	var part *publisher.PartError
	if errors.As(err, &part) {
		stored, err = part.Stored, part.Err
	}
	if publisher.Unavailable(err) {
		err = fmt.Errorf("%s: %w; try again when the node is ready", s.address, err)
	}
	return stored, err
}

// detectionSink publishes the documents of events as detections.
type detectionSink struct {
	*natsSink
	subject string
}

func (s *detectionSink) publish(ctx context.Context, events []publisher.Event) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if len(events) == 1 {
		return s.stored(1, s.p.PublishDetection(ctx, s.subject, events[0].ID, events[0].Data))
	}
	docs := make([][]byte, len(events))
	for i := range events {
		docs[i] = events[i].Data
	}
	return s.stored(len(docs), s.p.PublishDetections(ctx, s.subject, docs))
}

// apiSink publishes with POST /v1/events, which takes all of a request or none.
type apiSink struct{ *client }

// apiEvent is an event as POST /v1/events takes it.
type apiEvent struct {
	Customer string          `json:"customer"`
	Type     string          `json:"type"`
	ID       string          `json:"id,omitempty"`
	Data     json.RawMessage `json:"data"`
}

func (s *apiSink) close() { s.http.CloseIdleConnections() }

func (s *apiSink) publish(ctx context.Context, events []publisher.Event) (int, error) {
	body := make([]apiEvent, len(events))
	for i, e := range events {
		body[i] = apiEvent{Customer: e.Customer, Type: e.Type, ID: e.ID, Data: e.Data}
	}
	var in any = body
	if len(body) == 1 {
		in = body[0]
	}
	if _, err := s.call(ctx, http.MethodPost, "/v1/events", in, nil); err != nil {
		return 0, err
	}
	return len(events), nil
}
