package trace

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/certificates"
)

const (
	// mostSent bounds the spans of one request, sendEvery how long they wait for
	// others.
	mostSent  = 512
	sendEvery = time.Second
	// tries bounds how often a request is made, sendTimeout one of them.
	tries       = 5
	sendTimeout = 10 * time.Second
	// firstPause doubles from try to try; longestPause bounds what a collector
	// may ask for.
	firstPause   = time.Second
	longestPause = 30 * time.Second
	mostAnswer   = 64 << 10
	// troubleEvery is how often the log tells of spans that were not taken.
	troubleEvery = time.Minute
)

// Options of a Tracer.
type Options struct {
	// Endpoint is the collector's address; /v1/traces is added where it has no
	// path. Headers go with each request, TLS is for a collector with a CA of its own.
	Endpoint string
	Headers  map[string]string
	TLS      certificates.Client
	// Sample is the share of events to trace that came without a trace context.
	Sample float64
	// Queue bounds the spans that wait.
	Queue int
	// Version and Instance tell the collector who speaks.
	Version, Instance string
	// Sent is told what became of spans: taken by the collector, or dropped.
	Sent   func(taken, dropped int)
	Now    func() time.Time
	Logger *slog.Logger
}

// New makes a Tracer and does not connect yet. A *transport.FieldError tells
// which setting is wrong. Close it after use.
func New(o Options) (*Tracer, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" {
		return nil, &transport.FieldError{Field: "traces.endpoint", Message: "is no address; give the collector's, for example http://127.0.0.1:4318"}
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	secure, err := o.TLS.Config()
	if err != nil {
		return nil, &transport.FieldError{Field: "traces.ca", Message: err.Error()}
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &exporter{o: o, url: u.String(), queue: make(chan *tracepb.Span, o.Queue), closing: make(chan struct{}), done: make(chan struct{}),
		ctx: ctx, cancel: cancel, client: &http.Client{
			Transport:     &http.Transport{TLSClientConfig: secure, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       sendTimeout,
		}}
	e.resource = &resourcepb.Resource{}
	for _, pair := range [][2]string{{"service.name", "postrider"}, {"service.version", o.Version}, {"service.instance.id", o.Instance}} {
		e.resource.Attributes = append(e.resource.Attributes, text(pair[0], pair[1]))
	}
	go e.run()
	return &Tracer{sample: o.Sample, now: o.Now, exporter: e}, nil
}

// Close sends what waits, until ctx ends. Spans may still be added; they are
// dropped then.
func (t *Tracer) Close(ctx context.Context) {
	if t != nil {
		t.exporter.close(ctx)
	}
}

type exporter struct {
	o        Options
	url      string
	client   *http.Client
	resource *resourcepb.Resource
	queue    chan *tracepb.Span
	closing  chan struct{}
	done     chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc
	told     time.Time // of trouble
}

// add never waits.
func (e *exporter) add(s *tracepb.Span) {
	select {
	case <-e.closing:
	default:
		select {
		case e.queue <- s:
			return
		default:
		}
	}
	e.o.Sent(0, 1)
}

func (e *exporter) run() {
	defer close(e.done)
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	var batch []*tracepb.Span
	flush := func() {
		if len(batch) > 0 {
			e.send(batch)
			batch = nil
		}
	}
	for {
		select {
		case s := <-e.queue:
			if batch = append(batch, s); len(batch) >= mostSent {
				flush()
			}
		case <-tick.C:
			flush()
		case <-e.closing:
			for {
				select {
				case s := <-e.queue:
					if batch = append(batch, s); len(batch) >= mostSent {
						flush()
					}
					continue
				default:
				}
				flush()
				return
			}
		}
	}
}

func (e *exporter) close(ctx context.Context) {
	close(e.closing)
	stop := context.AfterFunc(ctx, e.cancel)
	<-e.done
	stop()
	e.cancel()
	e.client.CloseIdleConnections()
}

// send makes the request until it is taken, refused for good, or tried enough.
func (e *exporter) send(batch []*tracepb.Span) {
	// A TracesData has the same form on the wire as the service's request.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: e.resource, ScopeSpans: []*tracepb.ScopeSpans{{Spans: batch}},
	}}})
	pause := firstPause
	for try := 1; err == nil; try++ {
		var again bool
		var asked time.Duration
		if again, asked, err = e.post(body); err == nil {
			e.o.Sent(len(batch), 0)
			return
		}
		if !again || try == tries || e.ctx.Err() != nil {
			break
		}
		select {
		case <-e.ctx.Done():
		case <-time.After(max(pause, min(asked, longestPause))):
			err = nil
		}
		pause = min(2*pause, longestPause)
	}
	e.o.Sent(0, len(batch))
	if now := e.o.Now(); now.Sub(e.told) >= troubleEvery {
		e.told = now
		e.o.Logger.Warn("the collector of traces does not take spans; they are dropped", "error", err)
	}
}

// post makes one request: whether another may help, and when the collector asks for it.
func (e *exporter) post(body []byte) (again bool, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(e.ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return false, 0, fmt.Errorf("traces.endpoint: no request can be made of it")
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "Postrider/"+e.o.Version)
	for name := range maps.Keys(e.o.Headers) {
		req.Header.Set(name, e.o.Headers[name])
	}
	resp, err := e.client.Do(req)
	if err != nil {
		if wrapped, is := err.(*url.Error); is { //nolint:errorlint // what Do gives, by its contract; the address may hold a password
			err = wrapped.Err
		}
		return true, 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, mostAnswer)) // so that the connection is kept
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return false, 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		asked, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return true, time.Duration(max(asked, 0)) * time.Second, fmt.Errorf("it answers %d", resp.StatusCode)
	}
	return false, 0, fmt.Errorf("it answers %d; check traces.endpoint and traces.headers", resp.StatusCode)
}
