package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// The notices of genea v1 and v2.
const (
	noticeV1 = "an event of other hardware came: version v1 does not cover it; choose v3"
	noticeV2 = "an event of other hardware came: version v2 does not cover it; choose v3"
)

// The real node: once both kinds of hardware were seen, v1 and v2 show it and go
// on; v3 has nothing to show, and editing to v3 ends it, after a restart too.
func TestOtherHardwareShowsAtTheEndpoint(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "sequr", 200)
	n.start()
	ids := map[string]string{}
	for _, version := range []string{"v1", "v2", "v3"} {
		ids[version] = n.addGenea(box.URL, "--version", version).ID
	}
	shows := func(version, reason string) bool {
		var ep transport.Endpoint
		if status, text := n.call(http.MethodGet, "/v1/endpoints/"+ids[version], "", &ep); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		if ep.State != transport.StateActive {
			t.Fatalf("%s is %s", version, ep.State)
		}
		return ep.StateReason == reason
	}
	n.publishSample("door.held_open", "m", "mercury")
	n.await("the notice of v1", func() bool { return shows("v1", noticeV1) })
	if !shows("v2", "") || !shows("v3", "") {
		t.Error("a notice where the hardware is covered")
	}
	n.publishSample("door.held_open", "x", "vertx")
	n.await("the notice of v2", func() bool { return shows("v2", noticeV2) && shows("v1", noticeV1) && shows("v3", "") })
	n.terminate()
	n.start()
	n.must("", "endpoint", "edit", ids["v1"], "--version", "v3")
	n.await("the end of the notice", func() bool { return shows("v1", "") && shows("v2", noticeV2) })
	n.publishSample("door.held_open", "m2", "mercury")
	n.await("all three to go on", func() bool { return len(box.times("m2")) == 3 })
}

// The real node: a filter chooses among the events of the types, what it fails
// at is counted, and none of it leaves a record.
func TestAFilterChoosesEvents(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "sequr", 200)
	n.start()
	n.addGenea(box.URL, "--events", "door.>", "--filter", "event.data.door.name == 'Main'")
	publish := func(typ, id, doc string) {
		n.must(doc, "publish", "events.acme."+typ, "-", "--id", id, "--nats-url", "nats://"+n.nats)
	}
	publish("door.opened", "other", `{"door":{"name":"Side"}}`)
	publish("door.opened", "none", `{"door":null}`)
	publish("access.granted", "type", `{}`)
	publish("door.opened", "main", `{"door":{"name":"Main"}}`)
	n.await("the event of the main door", func() bool { return len(box.times("main")) == 1 })
	n.await("the audit of one", func() bool { return strings.Contains(n.must("", "audit", "-o", "json"), `"owed": 1`) })
	if ids, _ := box.count(); ids != 1 || n.metric("postrider_filter_errors_total") != 1 || n.metric("postrider_unrouted_total") != 3 {
		t.Errorf("%d events came, %v errors of filters, %v wanted by nobody", ids, n.metric("postrider_filter_errors_total"), n.metric("postrider_unrouted_total"))
	}
}
