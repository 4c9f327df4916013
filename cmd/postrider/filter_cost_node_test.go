package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// One customer's filter costs all that one may at every event. It is put away,
// which its endpoint and its events show; the customer's other endpoint and the
// other customer get everything, and nothing is lost.
func TestAnEvilFilterIsItsCustomersOwn(t *testing.T) {
	t.Parallel()
	n := newTestNode(t, "POSTRIDER_QUOTA_FILTER_TIME=0.05")
	n.start()
	boxes := map[string]*inbox{"evil": newInbox(t, "sequr", 200), "plain": newInbox(t, "sequr", 200), "good": newInbox(t, "sequr", 200), "told": newInbox(t, "sequr", 200)}
	add := func(name, customer string, flags ...string) (ep transport.Endpoint) {
		out := n.must("", append([]string{"endpoint", "add", "-o", "json", "--customer", customer, "--name", name, "--url", boxes[name].URL,
			"--profile", "genea", "--version", "v3", "--secret", waySecret}, flags...)...)
		if err := json.Unmarshal([]byte(out), &ep); err != nil {
			t.Fatal(err)
		}
		return ep
	}
	evil := add("evil", "evil", "--events", "access.>", "--filter", `event.data.list.all(x, event.data.list.all(y, x == y))`)
	add("plain", "evil", "--events", "access.>")
	add("told", "evil", "--events", "ops.quota.>")
	add("good", "acme", "--events", "access.>", "--filter", `event.data.door == 'Main'`)

	const events, more = 30, 60
	large := `{"door":"Main","list":[` + strings.Repeat("1,", 2000) + `1]}`
	var lines strings.Builder
	for range events {
		lines.WriteString(large + "\n")
	}
	n.must(lines.String(), "publish", "events.evil.access.granted", "-", "--lines", "--nats-url", "nats://"+n.nats)
	lines.Reset()
	for range more {
		lines.WriteString(`{"door":"Main"}` + "\n")
	}
	n.must(lines.String(), "publish", "events.acme.access.granted", "-", "--lines", "--nats-url", "nats://"+n.nats)

	n.await("every outcome", func() bool {
		out := n.must("", "audit", "-o", "json")
		return strings.Contains(out, fmt.Sprintf(`"skipped": %d`, events)) && strings.Contains(out, fmt.Sprintf(`"delivered": %d`, events)) &&
			strings.Contains(out, fmt.Sprintf(`"delivered": %d`, more)) && strings.Contains(out, `"ok": true`)
	})
	if len(boxes["evil"].arrivals) != 0 {
		t.Errorf("what the filter could not tell was delivered %d times", len(boxes["evil"].arrivals))
	}
	n.await("the customer is told", func() bool {
		boxes["told"].mu.Lock()
		defer boxes["told"].mu.Unlock()
		return len(boxes["told"].arrivals) > 0
	})
	if out := n.must("", "delivery", "list", "--endpoint", evil.ID, "-o", "json"); !strings.Contains(out, `"filter_cost"`) {
		t.Errorf("the delivery log does not say why: %s", out)
	}
	// It says so while it is put away, which a busy machine may sleep through:
	// each further event of its has it put away anew.
	n.await("the endpoint to say so", func() bool {
		n.must(`{"list":[`+strings.Repeat("1,", 5000)+`1]}`, "publish", "events.evil.access.granted", "-", "--nats-url", "nats://"+n.nats)
		return strings.Contains(n.must("", "endpoint", "show", evil.ID), "put away until")
	})
	n.must("", "endpoint", "edit", evil.ID, "--filter", `event.data.door == 'Main'`)
	n.must(`{"door":"Main"}`, "publish", "events.evil.access.granted", "-", "--nats-url", "nats://"+n.nats)
	n.await("the endpoint whose filter was mended gets what comes", func() bool {
		boxes["evil"].mu.Lock()
		defer boxes["evil"].mu.Unlock()
		return len(boxes["evil"].arrivals) == 1
	})
}
