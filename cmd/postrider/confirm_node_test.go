package main

import (
	"encoding/hex"
	"io"
	"mime/quotedprintable"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/email"
)

const (
	stranger      = "fleet@partner.example"
	strangerAlert = "Stolen trailer"
)

// confirmNode is a node whose mailboxes must confirm, those of example.com aside.
type confirmNode struct {
	*testNode
	office *postOffice
}

func newConfirmNode(t *testing.T) *confirmNode {
	office, settings := newPostOffice(t)
	n := newTestNode(t, append(settings, "POSTRIDER_EMAIL_CONFIRM=true", "POSTRIDER_EMAIL_TRUSTED_DOMAINS=example.com")...)
	n.env = append(n.env, "POSTRIDER_HTTP_PUBLIC_URL=http://"+n.http+"/")
	return &confirmNode{testNode: n, office: office}
}

// watch adds an alert of customer that names the stranger and a trusted address.
func (n *confirmNode) watch(customer string) (alert string) {
	return strings.Fields(n.must("", "alert", "add", "--customer", customer, "--name", strangerAlert, "--email", stranger,
		"--cc", "desk@example.com", "--trailer-number", "T-123"))[1]
}

// match publishes a run in which the alert has one match.
func (n *confirmNode) match(customer, alert, run string) {
	report := `{"run_id":"` + run + `","customer_id":1,"alert_type":"normal","alert_details":[{"id":"` + alert + `","alert_name":"` + strangerAlert + `","email":"` + stranger +
		`","cc_emails":["desk@example.com"],"is_active":true,"trailer_number":"T-123"}],"matches":[{"alert_name":"` + strangerAlert +
		`","time":"2024-05-21T12:00:00+00:00","city":"Houston","state":"TX","trailer_number":"T-123","alert_id":"` + alert + `"}],"total_matches":1,"timestamp":"2024-05-21T12:01:00.123456+00:00"}`
	n.must(report, "publish", "events."+customer+".alert.matches_found", "-", "--id", run, "--nats-url", "nats://"+n.nats)
}

func (n *confirmNode) box(customer string) (box transport.Endpoint) {
	n.call("GET", "/v1/endpoints/"+transport.MailboxID(customer, stranger), "", &box)
	return box
}

var linkInMail = regexp.MustCompile(`http://\S+/confirm\?t=[A-Za-z0-9_-]+`)

// mails are those to the stranger, of which the questions have a link.
func (n *confirmNode) mails() (links, matches []string) {
	n.t.Helper()
	for _, raw := range n.office.got(stranger) {
		plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(raw)))
		if err != nil {
			n.t.Fatal(err)
		}
		link := linkInMail.FindString(string(plain))
		switch {
		case link != "" && strings.Contains(raw, "Subject: Confirm this mail address") && !strings.Contains(string(plain), strangerAlert):
			links = append(links, link)
		case link == "" && strings.Contains(string(plain), strangerAlert):
			matches = append(matches, raw)
		default:
			n.t.Fatalf("neither a question nor a match: %s", raw)
		}
	}
	return links, matches
}

// open opens a link as a browser does, by GET, or presses its button, by POST.
func (n *confirmNode) open(method, link string) (int, string) {
	n.t.Helper()
	req, err := http.NewRequest(method, link, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp.StatusCode, string(page)
}

func (n *confirmNode) want(method, link string, status int, has string) {
	n.t.Helper()
	if got, page := n.open(method, link); got != status || !strings.Contains(page, has) {
		n.t.Errorf("%s %s: %d %s, want %d with %q", method, link, got, page, status, has)
	}
}

// A stranger's mailbox gets one mail, with a link, and nothing else until its
// owner confirms: then what waited comes, once. A trusted domain's gets its
// mails at once.
func TestAMailboxConfirmsFirst(t *testing.T) {
	t.Parallel()
	n := newConfirmNode(t)
	n.start()
	alert := n.watch("acme")
	n.await("the question", func() bool { links, _ := n.mails(); return len(links) == 1 })
	links, _ := n.mails()
	n.match("acme", alert, "r1")
	n.await("the trusted mailbox's mail", func() bool { return len(n.office.got("desk@example.com")) == 1 })
	n.await("the match to wait", func() bool { return n.box("acme").Waiting == 1 })
	if box := n.box("acme"); box.State != transport.StatePaused || box.StateReason != transport.ReasonMailboxUnconfirmed {
		t.Errorf("%+v", box)
	}
	if out := n.must("", "endpoint", "list", "--kind", "email"); !strings.Contains(out, stranger) || !strings.Contains(out, "paused") {
		t.Error(out)
	}
	path := "/v1/endpoints/" + transport.MailboxID("acme", stranger)
	if status, body := n.call("POST", path+"/resume", "", nil); status != 409 || !strings.Contains(body, "not confirmed") {
		t.Errorf("resume: %d %s", status, body)
	}
	if status, body := n.call("POST", path+"/test", "", nil); status != 200 || !strings.Contains(body, `"mailbox_unconfirmed"`) {
		t.Errorf("test: %d %s", status, body)
	}

	n.want("GET", links[0], 200, `<form method="post">`) // as a scanner of mails does
	n.refuseForged(links[0])
	n.watch("other")
	n.await("the other customer's question", func() bool { links, _ := n.mails(); return len(links) == 2 })
	both, _ := n.mails()
	n.want("POST", both[1], 200, "<h1>Confirmed</h1>")
	if box := n.box("other"); box.State != transport.StateActive {
		t.Errorf("the other customer's: %+v", box)
	}
	n.terminate()
	n.start()
	n.await("the match to wait after a restart", func() bool { return n.box("acme").Waiting == 1 })
	if box := n.box("acme"); box.State != transport.StatePaused || n.box("other").State != transport.StateActive {
		t.Errorf("after a restart: %+v", box)
	}
	if links, matches := n.mails(); len(links) != 2 || len(matches) != 0 {
		t.Errorf("before it was confirmed: %d questions, %q", len(links), matches)
	}

	n.want("POST", links[0], 200, "<h1>Confirmed</h1>")
	n.await("what waited", func() bool { _, matches := n.mails(); return len(matches) == 1 })
	n.want("POST", links[0], 200, "<h1>Confirmed</h1>")
	n.want("GET", links[0], 200, "<h1>Confirmed</h1>")
	n.terminate()
	n.start()
	n.match("acme", alert, "r2")
	n.await("the next match, at once", func() bool { _, matches := n.mails(); return len(matches) == 2 })
	n.await("nothing to wait", func() bool { return n.box("acme").Waiting == 0 })
	if links, matches := n.mails(); len(links) != 2 || len(matches) != 2 {
		t.Errorf("%d questions, %d matches", len(links), len(matches))
	}
	if out := n.must("", "audit"); !strings.Contains(out, "adds up") {
		t.Error(out)
	}
	n.terminate()
}

// refuseForged tries links that are not the stranger's to use, and leaves the
// mailbox as it was.
func (n *confirmNode) refuseForged(good string) {
	n.t.Helper()
	kept, err := os.ReadFile(filepath.Join(n.data(), node.MasterKeyFile))
	if err != nil {
		n.t.Fatal(err)
	}
	master, err := hex.DecodeString(strings.TrimSpace(string(kept)))
	if err != nil {
		n.t.Fatal(err)
	}
	made := func(key []byte, age time.Duration) string {
		links, err := email.NewLinks("http://"+n.http, key, nil)
		if err != nil {
			n.t.Fatal(err)
		}
		return links.Make("acme", stranger, time.Now().Add(-age))
	}
	n.want("POST", made(master, time.Minute), http.StatusGone, "expired")
	n.want("POST", made(make([]byte, 32), -time.Hour), http.StatusBadRequest, "not valid")
	n.want("POST", good[:len(good)-4], http.StatusBadRequest, "not valid")
	n.want("POST", "http://"+n.http+"/confirm", http.StatusBadRequest, "not valid")
	if box := n.box("acme"); box.StateReason != transport.ReasonMailboxUnconfirmed {
		n.t.Errorf("after links that were refused: %+v", box)
	}
}

// Switched on where there are mailboxes, each is asked; switched off, what
// waited is sent without a word of its owner, as soon as it is looked at again.
func TestConfirmationIsSwitchedOnAndOff(t *testing.T) {
	t.Parallel()
	n := newConfirmNode(t)
	n.env = append(n.env, "POSTRIDER_WAITING_HORIZON=1m")
	with := n.env
	without := append(append([]string(nil), with...), "POSTRIDER_EMAIL_CONFIRM=false")
	n.env = without
	n.start()
	alert := n.watch("acme")
	n.match("acme", alert, "r1")
	n.await("a mail without a question", func() bool { _, matches := n.mails(); return len(matches) == 1 })
	n.terminate()
	n.env = with
	n.start()
	n.await("the question", func() bool { links, _ := n.mails(); return len(links) == 1 })
	n.match("acme", alert, "r2")
	n.await("the match to wait", func() bool { return n.box("acme").Waiting == 1 })
	n.terminate()
	n.env = without
	n.start()
	n.await("what waited", func() bool { _, matches := n.mails(); return len(matches) == 2 })
	n.terminate()
}

// A mailbox that is not there is disabled by the question already, and its
// customer told.
func TestAnUnconfirmedMailboxThatIsNotThereIsDisabled(t *testing.T) {
	t.Parallel()
	n := newConfirmNode(t)
	n.start()
	n.watch("acme")
	n.must("", "customer", "edit", "acme", "--email", "boss@example.com")
	n.must("", "alert", "add", "--customer", "acme", "--name", "x", "--email", "nobody@gone.example", "--vin", "004352")
	var box transport.Endpoint
	n.await("the mailbox to be disabled", func() bool {
		n.call("GET", "/v1/endpoints/"+transport.MailboxID("acme", "nobody@gone.example"), "", &box)
		return box.State == transport.StateDisabled
	})
	if !strings.Contains(box.StateReason, "550 5.1.1") {
		t.Errorf("%+v", box)
	}
	n.await("the customer to be told", func() bool {
		return strings.Contains(strings.Join(n.office.got("boss@example.com"), ""), "nobody@gone.example have stopped")
	})
	n.terminate()
}
