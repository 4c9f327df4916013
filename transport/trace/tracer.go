package trace

import (
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/postrider/postrider/transport"
)

// Tracer makes spans. A nil Tracer makes none.
type Tracer struct {
	sample   float64
	now      func() time.Time
	exporter *exporter
}

// Adopt gives an event that came without a trace context one of its own, if it
// is among those that are sampled. It is called before anybody else sees ev.
func (t *Tracer) Adopt(ev *transport.Event) {
	if t == nil || ev.Traceparent != "" {
		return
	}
	if c := made(ev); chosen(c.trace, t.sample) {
		ev.Traceparent = c.String()
	}
}

// Routed tells that an event of the log was given to so many endpoints now.
func (t *Tracer) Routed(ev *transport.Event, endpoints int) {
	c, traced := t.context(ev)
	if !traced {
		return
	}
	own, parent := first(ev, c)
	t.exporter.add(&tracepb.Span{
		TraceId: c.trace[:], SpanId: own[:], ParentSpanId: unlessZero(parent), Name: "postrider route", Kind: tracepb.Span_SPAN_KIND_CONSUMER,
		StartTimeUnixNano: nanos(ev.Stored), EndTimeUnixNano: nanos(t.now()),
		Attributes: append(about(ev), integer("postrider.endpoints", endpoints)),
	})
}

// Attempt is one under way; nil: it is not traced.
type Attempt struct {
	tracer *Tracer
	began  time.Time
	c      spanContext
	parent [8]byte
	ev     *transport.Event
}

// Begin begins an attempt at ev. The event it gives is the one to send: its
// trace context is the attempt's, for the receiver to go on from.
func (t *Tracer) Begin(ev *transport.Event) (*Attempt, *transport.Event) {
	c, traced := t.context(ev)
	if !traced {
		return nil, ev
	}
	a := &Attempt{tracer: t, began: t.now(), c: c, ev: ev}
	a.parent, _ = first(ev, c)
	a.c.span = newSpan()
	sent := *ev
	sent.Traceparent = a.c.String()
	return a, &sent
}

// End ends the attempt, with what came of it. host is the receiver's, or empty.
func (a *Attempt) End(endpoint, host string, number int, answer *transport.Answer) {
	if a == nil {
		return
	}
	attributes := append(about(a.ev), text("postrider.endpoint", endpoint), text("server.address", host), text("http.request.method", "POST"),
		integer("postrider.attempt", number), text("postrider.class", answer.Class.String()))
	if answer.Status != 0 {
		attributes = append(attributes, integer("http.response.status_code", answer.Status))
	}
	for name, took := range map[string]time.Duration{"dns": answer.DNS, "connect": answer.Connect, "tls": answer.TLS, "first_byte": answer.FirstByte} {
		if took > 0 {
			attributes = append(attributes, seconds("postrider."+name, took))
		}
	}
	status := &tracepb.Status{}
	if answer.Class != transport.Delivered {
		status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: answer.Reason}
		attributes = append(attributes, text("error.type", answer.Reason))
	}
	a.tracer.exporter.add(&tracepb.Span{
		TraceId: a.c.trace[:], SpanId: a.c.span[:], ParentSpanId: a.parent[:], Name: "postrider attempt", Kind: tracepb.Span_SPAN_KIND_CLIENT,
		StartTimeUnixNano: nanos(a.began), EndTimeUnixNano: nanos(a.tracer.now()), Attributes: attributes, Status: status,
	})
}

// context is that of an event which is traced.
func (t *Tracer) context(ev *transport.Event) (spanContext, bool) {
	if t == nil || ev.Traceparent == "" {
		return spanContext{}, false
	}
	c, ok := parse(ev.Traceparent)
	return c, ok && c.sampled
}

func about(ev *transport.Event) []*commonpb.KeyValue {
	return []*commonpb.KeyValue{text("postrider.event.id", ev.ID), text("postrider.event.type", ev.Type), text("postrider.customer", ev.Customer)}
}

func text(name, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: name, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func integer(name string, value int) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: name, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(value)}}}
}

func seconds(name string, value time.Duration) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: name, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_DoubleValue{DoubleValue: value.Seconds()}}}
}

func nanos(at time.Time) uint64 { return uint64(max(0, at.UnixNano())) }

func unlessZero(id [8]byte) []byte {
	if id == [8]byte{} {
		return nil
	}
	return id[:]
}
