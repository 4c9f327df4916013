package node

import (
	"context"
	"net/url"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/certificates"
	"github.com/postrider/postrider/transport/trace"
)

// openTracer makes the tracer; nil where no collector is set.
func (n *Node) openTracer() (err error) {
	c := &n.cfg.Traces
	if c.Endpoint == "" {
		return nil
	}
	headers, err := c.HeaderList()
	if err != nil {
		return err
	}
	n.tracer, err = trace.New(trace.Options{
		Endpoint: c.Endpoint.Reveal(), Headers: headers, TLS: certificates.Client{CA: c.CA}, Sample: c.Sample, Queue: c.Queue,
		Version: n.version, Instance: n.id, Sent: n.metrics.Spans, Now: n.now, Logger: n.log,
	})
	return err
}

// adopting gives events a trace context before the shard sees them.
type adopting struct {
	transport.Sink
	tracer *trace.Tracer
}

func (a adopting) Event(ev *transport.Event, h transport.Handle) {
	a.tracer.Adopt(ev)
	a.Sink.Event(ev, h)
}

// traced makes a span of each attempt at a target.
type traced struct {
	endpoint.Target
	tracer   *trace.Tracer
	endpoint string
	host     string
}

// tracing is t itself where nothing is traced.
func (n *Node) tracing(t endpoint.Target, ep *transport.Endpoint) endpoint.Target {
	if n.tracer == nil {
		return t
	}
	w := traced{Target: t, tracer: n.tracer, endpoint: ep.ID}
	if u, err := url.Parse(ep.URL); err == nil {
		w.host = u.Hostname()
	}
	return w
}

// Send makes one attempt.
func (t traced) Send(ctx context.Context, ev *transport.Event, number int) transport.Answer {
	attempt, sent := t.tracer.Begin(ev)
	answer := t.Target.Send(ctx, sent, number)
	attempt.End(t.endpoint, t.host, number, &answer)
	return answer
}
