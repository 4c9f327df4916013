package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/postrider/postrider/transport"
)

func newWitness(t *testing.T, answer func(path, id string, nth int) int) *witness {
	w := &witness{answer: answer, arrivals: map[string][]arrival{}}
	s := httptest.NewServer(w)
	w.url = s.URL
	t.Cleanup(s.Close)
	return w
}

func readAll(r *http.Request) ([]byte, error) { return io.ReadAll(r.Body) }

// serveAt is a witness' server at an address of its own; stop breaks every
// connection and refuses further ones.
func (w *witness) serveAt(t *testing.T, address string) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: w}
	go func() { _ = s.Serve(l) }() // ends with Close
	return func() { _ = s.Close() }
}

// setPaused pauses an endpoint, or resumes it.
func (n *testNode) setPaused(endpoint string, paused bool) {
	n.t.Helper()
	verb := map[bool]string{true: "pause", false: "resume"}[paused]
	if status, text := n.call(http.MethodPost, "/v1/endpoints/"+endpoint+"/"+verb, "", nil); status != http.StatusOK {
		n.t.Fatalf("%s: %d %s", verb, status, text)
	}
}

// addEndpoint adds an endpoint of acme by the API and gives its id.
func (n *testNode) addEndpoint(url, events string, schedule ...string) string {
	n.t.Helper()
	delivery := map[string]any{"retries": true, "jitter": 0}
	if schedule != nil {
		delivery["schedule"] = schedule
	}
	body, err := json.Marshal(map[string]any{"customer": "acme", "url": url, "secret": faultSecret,
		"profile": "custom", "events": []string{events}, "delivery": delivery})
	if err != nil {
		n.t.Fatal(err)
	}
	var made struct{ ID string }
	if status, text := n.call(http.MethodPost, "/v1/endpoints", string(body), &made); status != http.StatusCreated {
		n.t.Fatalf("adding an endpoint: %d %s", status, text)
	}
	return made.ID
}

// audit is the node's own count of what was owed and what became of it.
func (n *testNode) audit() (*transport.Audit, transport.EndpointAudit) {
	n.t.Helper()
	var a transport.Audit
	if status, text := n.call(http.MethodGet, "/v1/audit", "", &a); status != http.StatusOK {
		n.t.Fatalf("audit: %d %s", status, text)
	}
	var sum transport.EndpointAudit
	for _, e := range a.Endpoints {
		sum.Owed += e.Owed
		sum.Delivered += e.Delivered
		sum.DeadLettered += e.DeadLettered
		sum.Skipped += e.Skipped
		sum.Waiting += e.Waiting
		sum.Missing += e.Missing
		sum.Repeated += e.Repeated
		sum.Unowed += e.Unowed
	}
	return &a, sum
}

// settledAudit waits until nothing is waiting and says whether all adds up.
func (n *testNode) settledAudit() transport.EndpointAudit {
	n.t.Helper()
	var a *transport.Audit
	var sum transport.EndpointAudit
	n.await("nothing to wait any more", func() bool {
		a, sum = n.audit()
		return sum.Waiting == 0
	})
	if !a.OK || sum.Owed != sum.Delivered+sum.DeadLettered+sum.Skipped {
		n.t.Errorf("the audit does not add up: %+v", a)
	}
	return sum
}
