package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A drain lets the attempt under way finish, begins no other, tells so at
// /readyz, and loses nothing: after a restart all that came meanwhile arrives.
func TestDrain(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 100)
	answer := make(chan struct{})
	var got atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-answer
		got.Add(1)
	}))
	t.Cleanup(receiver.Close)
	n := newTestNode(t)
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", receiver.URL, "--secret", "0123456789abcdef")
	n.must(`{"n":1}`, "publish", "events.acme.a.b", "--nats-url", "nats://"+n.nats)
	<-arrived

	if out, code := n.run("", "drain", "--wait", "1ms"); code != exitFailed {
		t.Errorf("while an attempt is under way: exit %d, %s", code, out)
	}
	if status, body := n.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(string(body), "drained") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if status, _ := n.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	n.must(`{"n":2}`, "publish", "events.acme.a.b", "--nats-url", "nats://"+n.nats)
	close(answer)
	if out := n.must("", "drain", "--wait", "3m"); !strings.Contains(out, "drained, 0 in hand") {
		t.Errorf("drained: %s", out)
	}
	if got.Load() != 1 {
		t.Errorf("%d deliveries of a node that was drained during the first", got.Load())
	}
	if out := n.must("", "drain", "-o", "json"); !strings.Contains(out, `"shards": []`) {
		t.Errorf("once more: %s", out)
	}
	if _, body := n.get("/metrics"); !strings.Contains(string(body), "postrider_draining 1") {
		t.Error("the metric does not tell of the drain")
	}
	if code, body := n.call(http.MethodGet, "/v1/nodes", "", nil); code != http.StatusOK || !strings.Contains(body, `"state":"drained"`) {
		t.Errorf("/v1/nodes: %d %s", code, body)
	}
	n.terminate()
	n.start()
	n.await("the event that came during the drain", func() bool { return got.Load() == 2 })
	if status, _ := n.get("/readyz"); status != http.StatusOK {
		t.Errorf("after the restart: %d", status)
	}
	n.terminate()
}
