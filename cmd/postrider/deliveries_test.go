package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/api"
)

// logged asks the delivery log; not ready, it has nothing to tell yet.
func (n *testNode) logged(query string) (list api.DeliveryList) {
	n.t.Helper()
	if status, text := n.call(http.MethodGet, "/v1/deliveries?"+query, "", &list); status != http.StatusOK && status != http.StatusServiceUnavailable {
		n.t.Fatalf("%s: %d %s", query, status, text)
	}
	return list
}

// The delivery log tells what became of each event at each endpoint, the same
// after a stop, after a kill, and with its snapshot lost.
func TestTheDeliveryLogOutlivesTheNode(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, append(slices.Clone(hardy), "POSTRIDER_LOG_REDACT=**.number")...)
	good, bad := newInbox(t, "standard"), newInbox(t, "standard", 500, 503)
	n.start()
	for _, box := range []*inbox{good, bad} {
		n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--secret", waySecret)
	}
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, `{"n":%d,"card":{"number":"4111"}}`+"\n", i)
	}
	n.must(lines.String(), "publish", "--lines", "events.acme.parcel.scanned", "-", "--nats-url", "nats://"+n.nats)
	n.await("20 delivered, 20 retrying", func() bool {
		return len(n.logged("status=delivered").Items) == 20 && len(n.logged("status=retrying").Items) == 20
	})
	before := n.logged("status=delivered")
	one := before.Items[7]
	if got := n.logged("event=" + one.Event.ID + "&endpoint=" + one.Endpoint).Items; len(got) != 1 || got[0].ID != one.ID {
		t.Errorf("%+v", got)
	}
	show := n.must("", "delivery", "show", one.ID)
	if !strings.Contains(show, `"card":{"number":"***"}`) || strings.Contains(show, "4111") {
		t.Errorf("shown:\n%s", show)
	}
	for name, between := range map[string]func(){
		"a stop": func() { n.terminate() },
		"a kill": n.kill,
		"a lost snapshot": func() {
			n.terminate()
			if err := os.Remove(filepath.Join(n.data(), "deliveries", "deliveries.index")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		between()
		n.start()
		n.await("the delivery log after "+name, func() bool {
			got, err1 := json.Marshal(n.logged("status=delivered&endpoint=" + one.Endpoint))
			want, err2 := json.Marshal(before)
			return err1 == nil && err2 == nil && string(got) == string(want)
		})
	}
	good.verified(t)
}
