package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// webNode takes events by HTTP, as a node in a process of its own does.
type webNode struct {
	Node
	server *httptest.Server
}

func (n *webNode) NATS() string  { return "" }
func (n *webNode) HTTP() string  { return n.server.URL }
func (n *webNode) Token() string { return "a token" }
func (n *webNode) Process() int  { return os.Getpid() }

func (n *webNode) Close(ctx context.Context) error {
	n.server.Close()
	return n.Node.Close(ctx)
}

func startWebNode(change func(*directNode)) StartIngested {
	return func(ctx context.Context, o NodeOptions) (Ingested, error) {
		direct, err := startDirect(change)(ctx, o)
		if err != nil {
			return nil, err
		}
		n := &webNode{Node: direct}
		n.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var ev struct {
				Customer, Type, ID string
				Data               json.RawMessage
			}
			text, _ := io.ReadAll(r.Body)
			err := json.Unmarshal(text, &ev)
			if err == nil {
				err = n.Publish(r.Context(), []transport.Event{{Customer: ev.Customer, Type: ev.Type, ID: ev.ID, Data: ev.Data}})
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		}))
		return n, nil
	}
}

func asUsers(t *testing.T, change func(*directNode)) Options {
	o := shortly(t, change)
	o.Start, o.Program, o.Producer, o.Clients, o.IDs = nil, startWebNode(change), producerHTTP, 3, true
	return o
}

// Producers in a process of their own: what they publish adds up, in full load
// and in each open loop, and costs are told apart.
func TestDeliveryByProducersOfTheirOwn(t *testing.T) {
	var out bytes.Buffer
	o := asUsers(t, nil)
	o.FanOuts, o.Endpoints, o.Loads, o.Check, o.Stdout, o.Report = []int{2}, []int{3}, []float64{100}, true, &out, t.TempDir()
	report, err := Delivery(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	d := report.Deliveries[0]
	if d.Owed == 0 || d.Received != d.Owed || d.Repeated != 0 || d.Distinct != d.Owed || d.BadSignatures != 0 {
		t.Errorf("does not add up: %+v", d)
	}
	if d.PerSecond <= 0 || d.Ratio <= 0 || d.Connections == 0 || d.Waited < 0 || d.Waited > 1 || d.Latency.Count == 0 || d.ProducerCPU <= 0 {
		t.Errorf("got %+v", d)
	}
	if len(d.Loads) != 1 || d.Loads[0].Stored == 0 || d.Loads[0].Latency.Count == 0 || d.Loads[0].Late.Count != int64(d.Loads[0].Stored) {
		t.Errorf("loads: %+v", d.Loads)
	}
	checkLines(t, out.String(), 2)
	checkReport(t, o.Report, report)
}

func TestProducersTellWhatWasRefused(t *testing.T) {
	o := asUsers(t, func(n *directNode) { n.refuseAfter = 1 })
	if _, err := Delivery(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
}

func TestProducersOfTheirOwnRefuse(t *testing.T) {
	good := asUsers(t, nil)
	for field, change := range map[string]func(*Options){
		"program":        func(o *Options) { o.Program = nil },
		"producer":       func(o *Options) { o.Producer = "pigeons" },
		"scheme":         func(o *Options) { o.Schemes = []string{"gopher"} },
		"format":         func(o *Options) { o.Formats = []string{"xml"} },
		"size":           func(o *Options) { o.Sizes = []int{1} },
		"clients":        func(o *Options) { o.Clients = -1 },
		"receiver_delay": func(o *Options) { o.Away = time.Hour },
		"loads":          func(o *Options) { o.Loads = []float64{0} },
	} {
		o := good
		change(&o)
		if _, err := Delivery(t.Context(), o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Every format's document has its size, is JSON, and carries the time.
func TestDocumentsOfEachFormat(t *testing.T) {
	at := time.Unix(1_800_000_000, 7)
	for _, format := range Formats() {
		for _, size := range []int{minGenea, 4096, 256 << 10} {
			made, err := newDocumentForm(format, size)
			if err != nil {
				t.Fatal(err)
			}
			doc := made.documents([]time.Time{at, at.Add(1)})[0]
			if got, ok := intended(doc); len(doc) != size || !json.Valid(doc) || !ok || got != at.UnixNano() {
				t.Errorf("%s of %d bytes: %d bytes, time %d (%t): %.200s", format, size, len(doc), got, ok, doc)
			}
		}
	}
}

// Each scheme is spoken by the receiver, verified by each signature, and counts
// its connections; one that is far away takes its time.
func TestReceiversByEachScheme(t *testing.T) {
	for _, scheme := range Schemes() {
		for _, format := range []string{formatRaw, formatStandard, formatGenea} {
			p, err := startSinkFor(t.Context(), sinkSpec{scheme: scheme, format: format, delay: 20 * time.Millisecond, dir: t.TempDir(), flags: checkAll})
			if err != nil {
				t.Fatal(err)
			}
			post, err := newBarePost(p.url(0), bareOptions{scheme: scheme, authority: p.authority, format: format})
			if err != nil {
				t.Fatal(err)
			}
			client := post.netHTTP()
			send, began := client.worker(), time.Now()
			err = alongside(t.Context(), func(context.Context) error { return send() }, func(context.Context) error { return send() })
			if err != nil {
				t.Errorf("%s, %s: %v", scheme, format, err)
			}
			if took := time.Since(began); took < 20*time.Millisecond {
				t.Errorf("%s: answered after %s", scheme, took)
			}
			s, err := p.stats(t.Context())
			if err != nil || s.Received != 2 || s.Verified != 2 || s.BadSignatures != 0 || s.Refused != 0 || s.Latency.Count != 2 {
				t.Errorf("%s, %s: %+v, %v", scheme, format, s, err)
			}
			if s.Connections < 1 || s.Connections > 2 {
				t.Errorf("%s: %d connections", scheme, s.Connections)
			}
			client.close()
			if err := p.close(); err != nil {
				t.Error(err)
			}
		}
	}
}
