package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// The real program, a collector and a receiver: what the producer began the
// receiver can continue, through a failed attempt, and the collector has all of it.
func TestATraceThroughTheNode(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	spans := map[string][]*tracepb.Span{} // by trace
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got tracepb.TracesData
		if err := proto.Unmarshal(body, &got); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, s := range got.ResourceSpans[0].ScopeSpans[0].Spans {
			id := hex.EncodeToString(s.TraceId)
			spans[id] = append(spans[id], s)
		}
	}))
	defer collector.Close()
	var received []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if received = append(received, r.Header.Get("traceparent")); len(received) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer receiver.Close()

	n := newTestNode(t, "POSTRIDER_TRACES_ENDPOINT="+collector.URL, "POSTRIDER_TRACES_SAMPLE=0", "POSTRIDER_LOG_LEVEL=debug")
	n.start()
	if status, body := n.call(http.MethodPost, "/v1/endpoints", `{"customer":"acme","url":"`+receiver.URL+`","delivery":{"schedule":["1s"]}}`, nil); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	const trace = "0af7651916cd43dd8448eb211c80319c"
	n.publishTraced("events.acme.a.b", "00-"+trace+"-b7ad6b7169203331-01")
	n.await("three spans", func() bool { mu.Lock(); defer mu.Unlock(); return len(spans[trace]) == 3 })
	mu.Lock()
	if len(received) != 2 || received[0] == received[1] {
		t.Errorf("receivers were sent %q", received)
	}
	attempts := map[string]bool{}
	for _, s := range spans[trace] {
		attempts["00-"+trace+"-"+hex.EncodeToString(s.SpanId)+"-01"] = s.Name == "postrider attempt"
	}
	for _, traceparent := range received {
		if !attempts[traceparent] {
			t.Errorf("the receiver was given %s, which is no attempt's span", traceparent)
		}
	}
	mu.Unlock()
	n.await("the delivery log to tell of the trace", func() bool {
		var list struct{ Items []struct{ ID string } }
		var shown struct {
			TraceID string `json:"trace_id"`
		}
		n.call(http.MethodGet, "/v1/deliveries", "", &list)
		if len(list.Items) != 1 {
			return false
		}
		status, _ := n.call(http.MethodGet, "/v1/deliveries/"+list.Items[0].ID, "", &shown)
		return status == http.StatusOK && shown.TraceID == trace
	})
	for _, class := range []string{"delivered", "failed"} {
		if got := n.exemplar(class); got != trace {
			t.Errorf("the exemplar of attempts that are %s leads to %q", class, got)
		}
	}
	if out := n.terminate(); !strings.Contains(out, "trace="+trace) {
		t.Error("the trace is on no line of the log")
	}
}

// exemplar is the trace that the durations of attempts lead to, as Prometheus is
// told.
func (n *testNode) exemplar(class string) (trace string) {
	n.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+n.http+"/metrics", nil)
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	found := regexp.MustCompile(`postrider_attempt_duration_seconds_bucket\{class="` + class + `",[^}]*\} \d+ # \{trace_id="([0-9a-f]{32})"\}`).FindSubmatch(body)
	if found == nil {
		return ""
	}
	return string(found[1])
}

func (n *testNode) publishTraced(subject, traceparent string) {
	n.t.Helper()
	nc, err := nats.Connect("nats://" + n.nats)
	if err != nil {
		n.t.Fatal(err)
	}
	defer nc.Close()
	m := nats.NewMsg(subject)
	m.Header.Set("traceparent", traceparent)
	m.Data = []byte(`{"n":1}`)
	if err := nc.PublishMsg(m); err != nil {
		n.t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		n.t.Fatal(err)
	}
}
