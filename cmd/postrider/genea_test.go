package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload/catalogue"
)

// addGenea adds an endpoint of the profile genea for acme.
func (n *testNode) addGenea(url string, flags ...string) transport.Endpoint {
	n.t.Helper()
	out := n.must("", append([]string{"endpoint", "add", "-o", "json", "--customer", "acme", "--url", url, "--profile", "genea", "--secret", waySecret}, flags...)...)
	var ep transport.Endpoint
	if err := json.Unmarshal([]byte(out), &ep); err != nil {
		n.t.Fatal(err)
	}
	return ep
}

// publishSample publishes a type's sample under id, as from that hardware.
func (n *testNode) publishSample(typ, id, hardware string) {
	n.t.Helper()
	e, known := catalogue.Find(typ)
	if !known {
		n.t.Fatalf("%s is not in the catalogue", typ)
	}
	doc := strings.Replace(string(e.Sample), `"hardware":"mercury"`, `"hardware":"`+hardware+`"`, 1)
	n.must(doc, "publish", "events.acme."+typ, "-", "--id", id, "--nats-url", "nats://"+n.nats)
}

// Each version gets the hardware it covers; what it does not cover is skipped,
// and counted. A type beyond the catalogue is delivered as all are.
func TestVersionsGetTheirHardware(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	boxes := map[string]*inbox{}
	for _, version := range []string{"v1", "v2", "v3"} {
		boxes[version] = newInbox(t, "sequr", 200)
		n.addGenea(boxes[version].URL, "--version", version, "--header", "DD-API-KEY=k-"+version)
	}
	n.publishSample("door.held_open", "m", "mercury")
	n.publishSample("door.held_open", "x", "vertx")
	n.publishSample("audit.user.created", "u", "vertx")
	n.must(`{"uuid":"own","location":{"uuid":"l"}}`, "publish", "events.acme.door.painted", "-", "--id", "own", "--nats-url", "nats://"+n.nats)
	wants := map[string][]string{"v1": {"own", "u", "x"}, "v2": {"m", "own"}, "v3": {"m", "own", "u", "x"}}
	n.await("every outcome", func() bool {
		out := n.must("", "audit", "-o", "json")
		return strings.Count(out, `"owed": 4`) == 3 && strings.Contains(out, `"skipped": 2`) && strings.Contains(out, `"skipped": 1`) &&
			strings.Contains(out, `"delivered": 4`) && strings.Contains(out, `"ok": true`)
	})
	for version, box := range boxes {
		box.verified(t)
		if got := slices.Sorted(maps.Keys(box.arrivals)); !slices.Equal(got, wants[version]) {
			t.Errorf("%s got %v, want %v", version, got, wants[version])
		}
		if box.headers["own"].Get("DD-API-KEY") != "k-"+version {
			t.Errorf("%s: the custom header is missing: %v", version, box.headers["own"])
		}
	}
	for id, want := range map[string]bool{"m": true, "u": true, "own": true, "x": false} {
		if body := string(boxes["v3"].bodies[id]); strings.Contains(body, `"location":[{`) != want || strings.Contains(body, `"metadata":{"version":3}`) != want {
			t.Errorf("%s in v3: %s", id, body)
		}
	}
	if got, want := string(boxes["v1"].bodies["x"]), string(boxes["v3"].bodies["x"]); got != want || strings.Contains(got, "event_note") {
		t.Errorf("a VertX event is in v1\n%s\nin v3\n%s", got, want)
	}
}

// 200 alone is success; three retries when they are on, none when they are off.
func TestGeneaTriesThreeTimesMoreOrNever(t *testing.T) {
	t.Parallel()
	n, on, off := newTestNode(t), newInbox(t, "sequr", 202), newInbox(t, "sequr", 202)
	n.start()
	plain := n.addGenea(on.URL+"/plain", "--events", "door.>")
	ten := transport.Duration(10 * time.Second)
	if d := plain.Delivery; !d.Retries || !slices.Equal(d.Schedule, []transport.Duration{ten, ten, ten}) || d.Success != "200" || d.Jitter != 0 {
		t.Errorf("without a word the delivery is %+v", d)
	}
	n.addGenea(on.URL, "--retries", "--schedule", "200ms,200ms,200ms", "--events", "access.>")
	n.addGenea(off.URL, "--no-retries", "--events", "access.>")
	n.publishSample("access.granted", "one", "mercury")
	var letters []struct{ Reason string }
	n.await("two dead letters", func() bool {
		out := n.must("", "deadletter", "list", "-o", "json")
		return json.Unmarshal([]byte(out), &letters) == nil && len(letters) == 2
	})
	if a, b := len(on.times("one")), len(off.times("one")); a != 4 || b != 1 {
		t.Errorf("%d attempts with retries, %d without; want 4 and 1", a, b)
	}
	on.verified(t)
	off.verified(t)
}

// The secret is revealed to admins alone; what the node refuses says what to do.
func TestGeneasSecretIsForAdmins(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	ep := n.addGenea("http://127.0.0.1:9/hook")
	if got := n.must("", "endpoint", "secret", ep.ID); strings.TrimSpace(got) != waySecret {
		t.Errorf("revealed %q", got)
	}
	lesser := strings.TrimSpace(n.must("", "token", "--customer", "acme", "--role", "edit-alert-webhook-endpoint", "--role", "external-api-get-webhook-list"))
	for _, args := range [][]string{{"endpoint", "secret", ep.ID}, {"endpoint", "rotate", ep.ID}, {"endpoint", "show", ep.ID}} {
		if out, code := n.run("", append(args, "--token", lesser)...); code != exitFailed || strings.Contains(out, waySecret) {
			t.Errorf("%v without admin: exit %d, %s", args, code, out)
		}
	}
	if status, text := n.call(http.MethodPost, "/v1/endpoints", `{"customer":"acme","url":"http://127.0.0.1:9/","profile":"genea","version":"v4"}`, nil); status != 400 || !strings.Contains(text, "choose v1 (VertX hardware), v2 (Mercury) or v3 (both)") {
		t.Errorf("%d %s", status, text)
	}
}
