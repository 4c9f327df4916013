package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/transport/signature"
)

const waySecret = "known to both sides"

// inbox is a receiver that checks every signature and answers by a script:
// one status per arrival of an id, the last for ever.
type inbox struct {
	*httptest.Server
	scheme  string
	answers []int

	mu       sync.Mutex
	arrivals map[string][]time.Time
	bodies   map[string][]byte
	headers  map[string]http.Header
	bad      []string
}

func newInbox(t *testing.T, scheme string, answers ...int) *inbox {
	i := &inbox{scheme: scheme, answers: answers, arrivals: map[string][]time.Time{}, bodies: map[string][]byte{}, headers: map[string]http.Header{}}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	err = signature.Verify(signature.Config{Scheme: i.scheme}, waySecret, r.Header, body, time.Now())
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		i.bad = append(i.bad, err.Error())
	}
	id := r.Header.Get("webhook-id")
	i.arrivals[id] = append(i.arrivals[id], time.Now())
	i.bodies[id], i.headers[id] = body, r.Header
	if n := min(len(i.arrivals[id]), len(i.answers)); n > 0 {
		w.WriteHeader(i.answers[n-1])
	}
}

// count gives distinct ids and arrivals.
func (i *inbox) count() (ids, all int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, times := range i.arrivals {
		all += len(times)
	}
	return len(i.arrivals), all
}

func (i *inbox) times(id string) []time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]time.Time(nil), i.arrivals[id]...)
}

func (i *inbox) verified(t *testing.T) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, bad := range i.bad {
		t.Errorf("a signature did not hold: %s", bad)
	}
}

// The script of the README: 10,000 documents, a receiver in another process
// than the node, and an audit that adds up.
func TestTenThousandDocumentsArriveSigned(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "genlogs")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--events", ">", "--secret", waySecret)
	var lines strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&lines, `{"number":%d,"text":"naïve & <quoted>"}`+"\n", i)
	}
	n.must(lines.String(), "publish", "--lines", "events.acme.parcel.scanned", "-", "--nats-url", "nats://"+n.nats)
	n.await("10,000 deliveries", func() bool { ids, _ := box.count(); return ids == 10_000 })
	box.verified(t)
	if ids, all := box.count(); ids != all {
		t.Errorf("%d deliveries of %d events", all, ids)
	}
	if out := n.must("", "audit"); !strings.Contains(out, "10000") || !strings.Contains(out, "adds up") {
		t.Errorf("audit says:\n%s", out)
	}
	opensslAgrees(t, box)
	if out := n.terminate(); strings.Contains(out, waySecret) {
		t.Error("the secret is in the node's output")
	}
}

// opensslAgrees checks a sample of deliveries with a tool that is not ours.
func opensslAgrees(t *testing.T, box *inbox) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Log("openssl is not on this machine: its opinion is not asked")
		return
	}
	checked := 0
	for id, body := range box.bodies {
		cmd := exec.CommandContext(t.Context(), "openssl", "dgst", "-sha512", "-hmac", waySecret)
		cmd.Stdin = strings.NewReader(string(body))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(out))
		if got, want := box.headers[id].Get("X-GenLogs-Signature"), "sha512="+fields[len(fields)-1]; got != want {
			t.Errorf("event %s is signed %s, openssl says %s", id, got, want)
		}
		if checked++; checked == 25 {
			return
		}
	}
}

// 500 twice, then 200: three attempts, at the times of the schedule.
func TestAReceiverThatIsDownForAMoment(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "sequr", 500, 500, 200)
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genea", "--secret", waySecret, "--events", ">", "--retries", "--schedule", "1s,2s")
	n.must(`{"event_type":"ACCESS"}`, "publish", "events.acme.access.granted", "-", "--id", "moment", "--nats-url", "nats://"+n.nats)
	n.await("three attempts", func() bool { return len(box.times("moment")) == 3 })
	box.verified(t)
	at := box.times("moment")
	for i, want := range []time.Duration{time.Second, 2 * time.Second} {
		if got := at[i+1].Sub(at[i]); got < want || got > want+1500*time.Millisecond {
			t.Errorf("attempt %d came %s after the one before, the schedule says %s", i+2, got, want)
		}
	}
	n.await("the audit to say delivered", func() bool {
		return strings.Contains(n.must("", "audit", "-o", "json"), `"delivered": 1`)
	})
}

// 500 for ever: a dead letter with all its attempts, which can be replayed
// once the receiver is well, past dedup, as a pair of its own.
func TestAReceiverThatIsDownForGood(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "genlogs", 500, 500, 500, 200)
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--events", ">", "--secret", waySecret, "--schedule", "300ms,300ms")
	n.must(`{"a":1}`, "publish", "events.acme.parcel.lost", "-", "--id", "good", "--nats-url", "nats://"+n.nats)
	type letter struct {
		ID       json.Number `json:"id"`
		Reason   string      `json:"reason"`
		Attempts []any       `json:"attempts"`
	}
	var letters []letter
	n.await("a dead letter", func() bool {
		out := n.must("", "deadletter", "list", "-o", "json")
		return json.Unmarshal([]byte(out), &letters) == nil && len(letters) == 1
	})
	id := letters[0].ID.String()
	var shown letter
	if out := n.must("", "deadletter", "show", id, "-o", "json"); json.Unmarshal([]byte(out), &shown) != nil || shown.Reason != "retries_exhausted" || len(shown.Attempts) != 3 {
		t.Fatalf("the dead letter shows %s", out)
	}
	n.must("", "deadletter", "replay", id)
	n.await("the replay", func() bool { return len(box.times("good")) == 4 })
	box.verified(t)
	n.await("the audit to add up", func() bool {
		out := n.must("", "audit", "-o", "json")
		return strings.Contains(out, `"owed": 2`) && strings.Contains(out, `"delivered": 1`) && strings.Contains(out, `"dead_lettered": 1`) && strings.Contains(out, `"ok": true`)
	})
}

// What is larger than a NATS message goes by the object store and arrives whole.
func TestALargeEventArrivesWhole(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "genlogs")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "custom", "--format", "raw", "--scheme", "genlogs", "--events", ">", "--secret", waySecret)
	doc := `{"text":"` + strings.Repeat("0123456789", 600_000) + `"}`
	if status, text := n.call(http.MethodPost, "/v1/events", `{"customer":"acme","type":"parcel.photo","id":"large","data":`+doc+`}`, nil); status != http.StatusAccepted {
		t.Fatalf("a 6 MB event: %d %.200s", status, text)
	}
	n.await("the large event", func() bool { ids, _ := box.count(); return ids == 1 })
	box.verified(t)
	if got := string(box.bodies["large"]); got != doc {
		t.Errorf("%d bytes arrived of %d", len(got), len(doc))
	}
}

// A change of an endpoint holds from the next attempt on, without a restart;
// a node that is stopped and started goes on where it was.
func TestAnEndpointIsEditedRemovedAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	n, first, second := newTestNode(t), newInbox(t, "genlogs", 500), newInbox(t, "genlogs")
	n.start()
	var made struct{ ID string }
	out := n.must("", "endpoint", "add", "-o", "json", "--customer", "acme", "--url", first.URL, "--profile", "genlogs", "--events", ">", "--secret", waySecret, "--schedule", "1s,2s,4s,8s")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	n.must(`{"a":1}`, "publish", "events.acme.a", "-", "--id", "one", "--nats-url", "nats://"+n.nats)
	n.await("the first attempt", func() bool { return len(first.times("one")) >= 1 })
	n.terminate()
	n.start()
	n.must("", "endpoint", "edit", made.ID, "--url", second.URL)
	n.await("the retry at the new address", func() bool { return len(second.times("one")) == 1 })
	second.verified(t)
	n.must("", "endpoint", "remove", made.ID, "--yes")
	n.must(`{"a":2}`, "publish", "events.acme.a", "-", "--id", "two", "--nats-url", "nats://"+n.nats)
	n.await("the log to say that nobody wanted it", func() bool {
		out := n.must("", "audit", "-o", "json")
		return strings.Contains(out, `"unrouted": 1`) && strings.Contains(out, `"ok": true`)
	})
	if got := second.times("two"); got != nil {
		t.Error("a removed endpoint got an event")
	}
}

// Documents that cannot be read become dead letters and block nothing.
func TestBadDocumentsAreBuried(t *testing.T) {
	t.Parallel()
	n, box := newTestNode(t), newInbox(t, "genlogs")
	n.start()
	n.must("", "endpoint", "add", "--customer", "acme", "--url", box.URL, "--profile", "genlogs", "--events", ">", "--secret", waySecret)
	publishRaw(t, n.nats, "events.acme.a", "this is no JSON")
	n.must(`{"a":1}`, "publish", "events.acme.a", "-", "--id", "after", "--nats-url", "nats://"+n.nats)
	n.await("the event behind it", func() bool { return len(box.times("after")) == 1 })
	n.await("its dead letter", func() bool { return strings.Contains(n.must("", "deadletter", "list"), "not_json") })
}

// Files of the data folder that hold secrets are their owner's alone.
func TestKeysArePrivate(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	for _, name := range []string{node.AdminTokenFile, node.AuthKeyFile, node.MasterKeyFile} {
		info, err := os.Stat(filepath.Join(n.data(), name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}
