package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// 50,000 matches, far over the limit of a message, arrive as one signed body,
// whole and in order.
func TestFiftyThousandMatchesArriveWhole(t *testing.T) {
	t.Parallel()
	const n = 50_000
	node, box := newTestNode(t), newInbox(t, "genlogs")
	node.start()
	node.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--secret", waySecret)
	node.addAlert("normal", "normal", "AAA111") // a hot one runs by itself each quarter of an hour, maybe half-way through
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"id":"%d","license_plate":"AAA-111","text":"naïve & <quoted> %s"}`+"\n", i, strings.Repeat("x", 100))
	}
	node.must(lines.String(), "publish", "--lines", "detections.i45", "-", "--nats-url", "nats://"+node.nats)
	if answer := node.runAlerts(); answer.TotalMatches != n {
		t.Fatalf("%+v", answer)
	}
	node.await("the event", func() bool { ids, _ := box.count(); return ids == 1 })
	box.verified(t)
	opensslAgrees(t, box)
	for _, body := range box.bodies {
		var payload struct {
			Matches []matching.Match
			Total   int `json:"total_matches"`
		}
		if err := json.Unmarshal(body, &payload); err != nil || payload.Total != n || len(payload.Matches) != n {
			t.Fatalf("%v: %d matches of %d in %d bytes", err, len(payload.Matches), payload.Total, len(body))
		}
		t.Logf("%d bytes", len(body))
	}
	node.terminate()
}

// A document that is no detection becomes a dead letter, once, and holds up
// nothing, however often it is read.
func TestBadDetectionsAreBuried(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "genlogs")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--secret", waySecret)
	n.addAlert("hot", "hot", "AAA111")
	n.addAlert("live", "live", "AAA111")
	publishRaw(t, n.nats, "detections.i45", `[{"license_plate":"AAA111"}]`)
	publishRaw(t, n.nats, "detections.i45", "no JSON")
	n.must(`{"license_plate":"AAA111"}`, "publish", "detections.i45", "-", "--nats-url", "nats://"+n.nats)
	if answer := n.runAlerts(); answer.TotalMatches != 1 {
		t.Errorf("%+v", answer)
	}
	n.await("both events", func() bool { ids, _ := box.count(); return ids == 2 })
	var letters []struct{ Reason, Detail, Subject string }
	if out := n.must("", "deadletter", "list", "-o", "json"); json.Unmarshal([]byte(out), &letters) != nil || len(letters) != 2 {
		t.Fatalf("%s", out)
	}
	for _, l := range letters {
		if l.Reason != "not_readable" || l.Detail == "" {
			t.Errorf("%+v", l)
		}
	}
	n.terminate()
}

// A relay that asks to come again gets the mail by the schedule, once; a mailbox
// that does not exist makes a dead letter.
func TestMailsAreTriedAgain(t *testing.T) {
	t.Parallel()
	office, settings := newPostOffice(t)
	n := newTestNode(t, settings...)
	n.start()
	n.must("", "alert", "add", "--customer", "acme", "--name", "Stolen", "--email", "fleet@busy.example", "--cc", "boss@gone.example",
		"--license-plate", "AAA111", "--type", "hot")
	n.must(`{"license_plate":"AAA111"}`, "publish", "detections.i45", "-", "--nats-url", "nats://"+n.nats)
	n.runAlerts()
	gone := transport.MailboxID("acme", "boss@gone.example")
	n.await("the mail", func() bool { return len(office.got("fleet@busy.example")) == 1 })
	n.await("the dead letter", func() bool { return strings.Contains(n.must("", "deadletter", "list", "-o", "json"), gone) })
	n.await("the audit", func() bool { return strings.Contains(n.must("", "audit", "-o", "json"), `"ok": true`) })
	if got := office.got("fleet@busy.example"); len(got) != 1 {
		t.Errorf("%d mails", len(got))
	}
	n.terminate()
}

// What came since the last run is matched though the alert is called otherwise
// now; other criteria begin where they were changed.
func TestAnEditedAlertGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	id := n.addAlert("Stolen", "normal", "AAA111")
	n.byHand()
	cam := newCamera(t, n)
	cam.see("AAA111", nil)
	n.must("", "alert", "edit", id, "--name", "Stolen in Texas", "--description", "since Monday", "--email", "b@example.com")
	n.must("", "alert", "edit", id, "--type", "hot")
	cam.see("AAA111", nil)
	n.must("", "alert", "edit", id, "--description", "since Sunday")
	if answer := n.runAlerts(); answer.TotalMatches != 2 {
		t.Errorf("after other names: %+v", answer)
	}
	cam.see("BBB222", nil)
	n.must("", "alert", "edit", id, "--license-plate", "BBB222")
	cam.see("BBB222", nil)
	if answer := n.runAlerts(); answer.TotalMatches != 1 {
		t.Errorf("after another plate: %+v", answer)
	}
	n.terminate()
}

// Runs that find nothing are told of as those that do: each is a row of the
// list and an event of its own, and says what it read.
func TestEachRunIsToldOf(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "standard")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "standard", "--events", "ops.run.>", "--secret", waySecret)
	n.addAlert("Stolen", "hot", "AAA111")
	n.byHand()
	ids := map[string]bool{}
	for range 3 {
		ids[n.runAlerts().ID] = true
	}
	newCamera(t, n).see("BBB222", nil)
	last := n.runAlerts().ID
	ids[last] = true
	n.await("an event of each run", func() bool { events, _ := box.count(); return events == 4 })
	list := n.must("", "run", "list", "--customer", "acme")
	for id := range ids {
		if strings.Count(list, id) != 1 || len(ids) != 4 {
			t.Errorf("runs %v are listed as\n%s", ids, list)
		}
	}
	for event, body := range box.bodies {
		var told struct{ Data map[string]any }
		if err := json.Unmarshal(body, &told); err != nil || !ids[fmt.Sprint(told.Data["run_id"])] {
			t.Fatalf("%v: %s", err, body)
		}
		read := map[bool]string{true: "map[from:1 to:1]", false: "map[]"}[told.Data["run_id"] == last]
		span := map[string]any{}
		for _, name := range []string{"from", "to"} {
			if v, there := told.Data[name]; there {
				span[name] = v
			}
		}
		if fmt.Sprint(span) != read {
			t.Errorf("event %s says %s", event, body)
		}
	}
	n.terminate()
}

// byHand has acme's alerts run by hand alone, but for one night in four years.
func (n *testNode) byHand() {
	n.t.Helper()
	const leapNight = `{"schedules":{"normal":"0 0 29 2 *","hot":"0 0 29 2 *"}}`
	if status, text := n.call(http.MethodPatch, "/v1/customers/acme", leapNight, nil); status != http.StatusOK {
		n.t.Fatalf("%d %s", status, text)
	}
}
