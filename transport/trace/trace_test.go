package trace

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testNow = time.Unix(1_800_000_000, 0)

// receiver reads requests as a collector does, with OpenTelemetry's own messages.
// (An ExportTraceServiceRequest is a TracesData on the wire; the package that has
// it brings gRPC along.)
type receiver struct {
	mu     sync.Mutex
	answer func(try int) int // a status; 0: 200
	calls  int
	header http.Header
	spans  []*tracepb.Span
	owner  map[string]string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.header = req.Header
	if r.answer != nil {
		if status := r.answer(r.calls); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var got tracepb.TracesData
	if err := proto.Unmarshal(body, &got); err != nil || len(got.ProtoReflect().GetUnknown()) > 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, of := range got.ResourceSpans {
		r.owner = values(of.Resource.Attributes)
		for _, scope := range of.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty ExportTraceServiceResponse has no bytes
}

func values(list []*commonpb.KeyValue) map[string]string {
	all := map[string]string{}
	for _, kv := range list {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			all[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			all[kv.Key] = time.Duration(v.IntValue).String()
		case *commonpb.AnyValue_DoubleValue:
			all[kv.Key] = time.Duration(v.DoubleValue * 1e9).String()
		}
	}
	return all
}

type counts struct {
	mu             sync.Mutex
	taken, dropped int
}

func (c *counts) add(taken, dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken += taken
	c.dropped += dropped
}

func start(t *testing.T, r *receiver, change func(*Options)) (*Tracer, *counts) {
	t.Helper()
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	c := &counts{}
	o := Options{Endpoint: srv.URL, Sample: 1, Queue: 1000, Version: "v1", Instance: "n1", Sent: c.add,
		Now: func() time.Time { return testNow }, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	tracer, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return tracer, c
}

func event(traceparent string) *transport.Event {
	return &transport.Event{Seq: 7, ID: "e7", Customer: "acme", Type: "a.b", Traceparent: traceparent,
		Stored: testNow.Add(-time.Second), Data: []byte(`{"secret":"of the document"}`)}
}

const fromProducer = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// From the producer's span to the log's, from there to each attempt, and on to
// the receiver: one trace, by the ids alone.
func TestATraceFromProducerToReceiver(t *testing.T) {
	r := &receiver{}
	tracer, c := start(t, r, func(o *Options) { o.Headers = map[string]string{"Api-Key": "k"} })
	ev := event(fromProducer)
	tracer.Adopt(ev)
	if ev.Traceparent != fromProducer {
		t.Errorf("the producer's context was changed to %s", ev.Traceparent)
	}
	tracer.Routed(ev, 2)
	first, sent := tracer.Begin(ev)
	if sent == ev || ev.Traceparent != fromProducer || !strings.HasPrefix(sent.Traceparent, fromProducer[:36]) || sent.Traceparent == fromProducer {
		t.Errorf("sent with %s", sent.Traceparent)
	}
	first.End("ep1", "example.com", 1, &transport.Answer{Class: transport.Failed, Status: 500, Reason: "status", TLS: time.Millisecond, Body: []byte("the answer")})
	second, _ := tracer.Begin(ev)
	second.End("ep1", "example.com", 2, &transport.Answer{Class: transport.Delivered, Status: 200})
	tracer.Close(t.Context())

	if len(r.spans) != 3 || c.taken != 3 || c.dropped != 0 {
		t.Fatalf("%d spans, %d taken, %d dropped", len(r.spans), c.taken, c.dropped)
	}
	route, failed, delivered := r.spans[0], r.spans[1], r.spans[2]
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) != fromProducer[3:35] {
			t.Errorf("trace %x", s.TraceId)
		}
		if strings.Contains(s.String(), "of the document") || strings.Contains(s.String(), "the answer") {
			t.Errorf("a document or an answer is in %s", s)
		}
	}
	if hex.EncodeToString(route.ParentSpanId) != fromProducer[36:52] || string(failed.ParentSpanId) != string(route.SpanId) || string(delivered.ParentSpanId) != string(route.SpanId) {
		t.Error("the spans do not follow each other")
	}
	if hex.EncodeToString(failed.SpanId) != sent.Traceparent[36:52] {
		t.Error("the receiver was given another span")
	}
	if got := time.Duration(route.EndTimeUnixNano - route.StartTimeUnixNano); got != time.Second {
		t.Errorf("from the log to the endpoints: %s", got)
	}
	want := map[string]string{"postrider.event.id": "e7", "postrider.event.type": "a.b", "postrider.customer": "acme", "postrider.endpoint": "ep1", "server.address": "example.com",
		"http.request.method": "POST", "postrider.attempt": "1ns", "http.response.status_code": "500ns", "error.type": "status", "postrider.tls": "1ms"}
	got := values(failed.Attributes)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if failed.Status.Code != tracepb.Status_STATUS_CODE_ERROR || delivered.Status.Code == tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("statuses %v, %v", failed.Status, delivered.Status)
	}
	if r.owner["service.name"] != "postrider" || r.owner["service.instance.id"] != "n1" || r.header.Get("Api-Key") != "k" {
		t.Errorf("%v, %v", r.owner, r.header)
	}
}

// An event without a context has always the same one, and a root of its own.
func TestATraceOfItsOwn(t *testing.T) {
	r := &receiver{}
	tracer, _ := start(t, r, nil)
	once, again := event(""), event("")
	tracer.Adopt(once)
	tracer.Adopt(again)
	if once.Traceparent == "" || once.Traceparent != again.Traceparent {
		t.Errorf("%q, %q", once.Traceparent, again.Traceparent)
	}
	tracer.Routed(once, 1)
	a, _ := tracer.Begin(again)
	a.End("ep", "", 1, &transport.Answer{Class: transport.Delivered})
	tracer.Close(t.Context())
	if len(r.spans) != 2 || len(r.spans[0].ParentSpanId) != 0 || string(r.spans[1].ParentSpanId) != string(r.spans[0].SpanId) {
		t.Errorf("%v", r.spans)
	}
}

func TestWhatIsNotTraced(t *testing.T) {
	r := &receiver{}
	tracer, _ := start(t, r, func(o *Options) { o.Sample = 0 })
	none := event("")
	tracer.Adopt(none)
	if none.Traceparent != "" {
		t.Errorf("adopted with a share of 0: %s", none.Traceparent)
	}
	var off *Tracer
	off.Adopt(none)
	for _, ev := range []*transport.Event{none, event(fromProducer[:53] + "00"), event("nonsense"), event("00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01")} {
		for _, tr := range []*Tracer{tracer, off} {
			tr.Routed(ev, 1)
			a, sent := tr.Begin(ev)
			if a != nil || sent != ev {
				t.Errorf("%s is traced", ev.Traceparent)
			}
			a.End("ep", "", 1, &transport.Answer{})
		}
	}
	tracer.Close(t.Context())
	off.Close(t.Context())
	if r.calls != 0 {
		t.Errorf("%d requests", r.calls)
	}
}

// About the share that is asked for is traced, the same events each time.
func TestTheShareThatIsSampled(t *testing.T) {
	tracer := &Tracer{sample: 0.25}
	traced := 0
	for seq := range uint64(4000) {
		ev := event("")
		ev.Seq = seq
		if tracer.Adopt(ev); ev.Traceparent != "" {
			traced++
		}
	}
	if traced < 800 || traced > 1200 { // 1000 expected, 27 is the standard deviation
		t.Errorf("%d of 4000", traced)
	}
}

// A collector that is away or refuses costs spans, never a wait; one that is
// busy is asked again.
func TestTheCollectorsTroubles(t *testing.T) {
	busy := &receiver{answer: func(try int) int { return map[int]int{1: 503}[try] }}
	tracer, c := start(t, busy, nil)
	tracer.Routed(event(fromProducer), 1)
	tracer.Close(t.Context())
	if c.taken != 1 || busy.calls != 2 {
		t.Errorf("busy: %d taken in %d tries", c.taken, busy.calls)
	}
	refuses := &receiver{answer: func(int) int { return 401 }}
	tracer, c = start(t, refuses, nil)
	tracer.Routed(event(fromProducer), 1)
	tracer.Close(t.Context())
	if c.dropped != 1 || refuses.calls != 1 {
		t.Errorf("refused: %d dropped in %d tries", c.dropped, refuses.calls)
	}
	held := make(chan struct{})
	hangs := &receiver{answer: func(int) int { <-held; return 0 }}
	tracer, c = start(t, hangs, func(o *Options) { o.Queue = 256 })
	for range 3 * mostSent {
		tracer.Routed(event(fromProducer), 1) // would stand still if it waited
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	tracer.Close(over)
	close(held)
	if c.dropped == 0 || c.taken+c.dropped != 3*mostSent {
		t.Errorf("hanging: %d taken, %d dropped", c.taken, c.dropped)
	}
	tracer.Routed(event(fromProducer), 1)
	if c.taken+c.dropped != 3*mostSent+1 {
		t.Error("a span after the end was not counted")
	}
}

func TestSettingsThatAreWrong(t *testing.T) {
	for _, o := range []Options{{Endpoint: "collector:4318"}, {Endpoint: "http://"}, {Endpoint: "https://c", TLS: caThatIsNone()}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fromProducer)
	f.Add("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more")
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := parse(s)
		if !ok {
			return
		}
		if again, ok := parse(c.String()); !ok || again != c {
			t.Errorf("%q: %v, %v", s, c, again)
		}
	})
}
