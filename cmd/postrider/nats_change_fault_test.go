package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// With an external NATS away a change is refused at once, in words that say
// that nothing was changed, and that is true: it is not there when NATS is back,
// and added again it is there once.
func TestWhatIsRefusedWithoutNATSIsNotThereLater(t *testing.T) {
	t.Parallel()
	nats := newNATS(t, true)
	nats.start()
	n := newTestNode(t, append(slices.Clone(hardy), "POSTRIDER_NATS_URL="+nats.url())...)
	n.start()
	n.addEndpoint("https://example.com/before", ">")
	add := []string{"endpoint", "add", "--customer", "acme", "--url", "https://example.com/later", "--events", ">"}
	const publish = `{"customer":"acme","type":"a.b","id":"e-1","data":{}}`
	large := `{"customer":"acme","type":"a.b","id":"e-2","data":"` + strings.Repeat("x", 2<<20) + `"}`

	nats.kill()
	n.await("/readyz to say that NATS is missing", n.natsIsMissing)
	began := time.Now()
	cmd := command(t.Context(), n.dir, []string{"POSTRIDER_NATS_URL="}, append(slices.Clone(add), "--server", "http://"+n.http)...)
	said, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != 1 || !strings.Contains(string(said), "nothing was changed") {
		t.Errorf("endpoint add: exit %d, %s", code, said)
	}
	t.Logf("endpoint add, without NATS, after %s: %s", time.Since(began).Round(time.Millisecond), said)
	for _, body := range []string{publish, large} {
		if status, text := n.call(http.MethodPost, "/v1/events", body, nil); status != http.StatusServiceUnavailable || !strings.Contains(text, "nothing was changed") {
			t.Errorf("publishing: %d %s", status, text)
		}
	}

	nats.start()
	n.awaitReady()
	if urls := n.endpointURLs(); !slices.Equal(urls, []string{"https://example.com/before"}) {
		t.Errorf("NATS is back, and there are %q", urls)
	}
	if sum, _ := n.audit(); sum.Events != 0 {
		t.Errorf("NATS is back, and the log has %d events", sum.Events)
	}
	n.must("", add...)
	if urls := n.endpointURLs(); !slices.Equal(urls, []string{"https://example.com/before", "https://example.com/later"}) {
		t.Errorf("added again, there are %q", urls)
	}
	n.terminate()
}

// endpointURLs are those of all endpoints.
func (n *testNode) endpointURLs() (urls []string) {
	n.t.Helper()
	var all struct {
		Items []transport.Endpoint `json:"items"`
	}
	if status, text := n.call(http.MethodGet, "/v1/endpoints", "", &all); status != http.StatusOK {
		n.t.Fatalf("listing: %d %s", status, text)
	}
	for i := range all.Items {
		urls = append(urls, all.Items[i].URL)
	}
	slices.Sort(urls)
	return urls
}
