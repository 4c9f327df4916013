package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// refusal is what a wrong input must be answered with.
type refusal struct {
	name, path, contentType, body string
	status                        int
	field, says                   string
}

// TestWrongInputByHTTP sends what people get wrong to a real node: each answer
// names the field and the remedy, and nothing of it is kept.
func TestWrongInputByHTTP(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	const events, endpoints = "/v1/events", "/v1/endpoints"
	const lines = "application/x-ndjson"
	event := func(typ, data string) string {
		return fmt.Sprintf(`{"customer":"acme","type":%q,"data":%s}`, typ, data)
	}
	endpoint := func(more string) string {
		return `{"customer":"acme","url":"http://127.0.0.1:1/"` + more + `}`
	}
	for _, c := range []refusal{
		{"not JSON", events, "", `not json`, 400, "body", "not JSON"},
		{"two documents", events, "", event("a.b", "1") + "{}", 400, "body", "send one object"},
		{"no document", events, "", `{"customer":"acme","type":"a.b"}`, 400, "data", "give the event's document"},
		{"9 MiB", events, "", event("a.b", `"`+strings.Repeat("x", 9<<20)+`"`), 413, "data", "split it"},
		{"nested too deeply", events, "", event("a.b", strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)), 400, "body", "deep"},
		{"an empty word", events, "", event("a..b", "1"), 400, "type", "dots stand between words"},
		{"a customer with a space", events, "", `{"customer":"a b","type":"x","data":1}`, 400, "customer", "A-Z a-z 0-9 _ -"},
		{"an unknown field", events, "", `{"customer":"acme","type":"x","data":1,"when":2}`, 400, "when", "check its spelling"},
		{"a wrong type", events, "", `{"customer":"acme","type":5,"data":1}`, 400, "type", "expected a string"},
		{"a long id", events, "", `{"customer":"acme","type":"x","data":1,"id":"` + strings.Repeat("i", 257) + `"}`, 400, "id", "at most 256"},
		{"a broken line", events, lines, event("x", "1") + "\n{oops", 400, "line 2", "not JSON"},
		{"a wrong line", events, lines, event("x", "1") + "\n" + event("", "1"), 400, "line 2.type", "give dot-separated words"},
		{"too many lines", events, lines, strings.Repeat(event("x", "1")+"\n", 1001), 413, "body", "several requests"},
		{"70 MiB of lines", events, lines, strings.Repeat(event("x", `"`+strings.Repeat("x", 7<<20)+`"`)+"\n", 10), 413, "body", "send less at a time"},
		{"an unknown setting of an endpoint", endpoints, "", endpoint(`,"delivery":{"timout":"1s"}`), 400, "delivery.timout", "check its spelling"},
		{"a zero", endpoints, "", endpoint(`,"delivery":{"concurrency":0}`), 400, "delivery.concurrency", "1 to 256"},
		{"a secret of 3 characters", endpoints, "", endpoint(`,"secret":"abc"`), 400, "secret", "16 or more"},
		{"a name of 5 MB", endpoints, "", endpoint(`,"name":"` + strings.Repeat("n", 5<<20) + `"`), 413, "body", "send less at a time"},
		{"a URL that is none", endpoints, "", `{"customer":"acme","url":"x"}`, 400, "url", "give one such as https://"},
	} {
		t.Run(c.name, func(t *testing.T) { n.refuses(t, &c) })
	}
	if out := n.must("", "endpoint", "list", "-o", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("endpoints were kept: %s", out)
	}
	if out := n.must("", "audit"); !strings.Contains(out, "\n0 events") {
		t.Errorf("events were kept: %s", out)
	}
}

// refuses makes a request and checks the whole of its answer.
func (n *testNode) refuses(t *testing.T, c *refusal) {
	t.Helper()
	if c.contentType == "" {
		c.contentType = "application/json"
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.http+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+n.token())
	req.Header.Set("Content-Type", c.contentType)
	req.Header.Set("Expect", "100-continue") // else the answer to a body that is not read may get lost
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Message string         `json:"message"`
		Type    string         `json:"error_type"`
		Code    string         `json:"error_code"`
		Details map[string]any `json:"details"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != c.status || answer.Details["field"] != c.field || answer.Type == "" || answer.Code == "" ||
		!strings.HasPrefix(answer.Message, c.field+": ") || !strings.Contains(answer.Message, c.says) {
		t.Errorf("got %d %+v, want %d naming %q and saying %q", resp.StatusCode, answer, c.status, c.field, c.says)
	}
}

// TestWrongInputByNATS: who waits for an answer is told what is wrong; what came
// without a reply subject becomes a dead letter with its reason. What comes
// after it arrives.
func TestWrongInputByNATS(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	n.start()
	in := newInbox(t, "standard")
	n.must("", "endpoint", "add", "--customer", "acme", "--url", in.URL, "--secret", waySecret)
	nc, err := nats.Connect("nats://" + n.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	want := map[string]int{"not_json": 1, "bad_subject": 2, "bad_cloudevent": 1, "bad_id": 1}
	for _, c := range []struct {
		m    *nats.Msg
		says string
	}{
		{&nats.Msg{Subject: "events.acme.x", Data: []byte("not json")}, "not_json: the document is not valid JSON"},
		{&nats.Msg{Subject: "events.acme", Data: []byte("{}")}, "not events.<customer>.<type>"},
		{&nats.Msg{Subject: "events.a$b.x", Data: []byte("{}")}, "give 1 to 64 of"},
		{&nats.Msg{Subject: "events.acme.x", Data: []byte(`{"id":"1"}`), Header: nats.Header{"Content-Type": {"application/cloudevents+json"}}}, "bad_cloudevent: this is no CloudEvent"},
		{&nats.Msg{Subject: "events.acme.x", Data: []byte("{}"), Header: nats.Header{"Postrider-Id": {strings.Repeat("i", 300)}}}, "at most 256"},
		{&nats.Msg{Subject: "events.acme.x", Data: []byte("{}"), Header: nats.Header{"Nats-Msg-Id": {"the-good-one"}}}, `"seq":`},
	} {
		answer, err := nc.RequestMsgWithContext(t.Context(), c.m)
		if err != nil {
			t.Fatalf("%s: %v", c.m.Subject, err)
		}
		var got struct{ Error struct{ Description string } }
		if err := json.Unmarshal(answer.Data, &got); err != nil || !strings.Contains(string(answer.Data)+got.Error.Description, c.says) {
			t.Errorf("%s is answered %s, %v; want %q", c.m.Subject, answer.Data, err, c.says)
		}
		if c.says != `"seq":` && nc.PublishMsg(c.m) != nil {
			t.Fatal("not published")
		}
	}
	n.await("the good one", func() bool { return len(in.times("the-good-one")) == 1 })
	in.verified(t)
	n.await("the dead letters", func() bool {
		var letters []letter
		if err := json.Unmarshal([]byte(n.must("", "deadletter", "list", "-o", "json")), &letters); err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, l := range letters {
			got[l.Reason]++
			if l.Detail == "" || l.Endpoint != "" {
				t.Errorf("dead letter %+v", l)
			}
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	})
	if out, code := n.run("", "deadletter", "replay", "--reason", "not_json", "--yes"); code != 0 || !strings.Contains(out, "replayed 0") {
		t.Errorf("a replay of what nobody was owed: exit code %d, %s", code, out)
	}
}

// TestWrongCommandLines: one line each, which says what to do.
func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.json")
	if err := os.WriteFile(large, []byte(`"`+strings.Repeat("x", 9<<20)+`"`), 0o600); err != nil {
		t.Fatal(err)
	}
	unknown := filepath.Join(dir, "unknown.yaml")
	if err := os.WriteFile(unknown, []byte("nats:\n  lissten: 127.0.0.1:4222\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, env string
		code      int
		says      string
	}{
		{"publish events.acme..x", "", exitUsage, "dots stand between words"},
		{"publish events.acme", "", exitUsage, "events.<customer>.<type>"},
		{"publish ops.acme.x", "", exitUsage, "publish to events."},
		{"publish events.acme.x " + large, "", exitFailed, "larger than 8,388,608 bytes; publish a reference"},
		{"serve --sample", "", exitUsage, "add --dev"},
		{"serve --dev --frob", "", exitUsage, "see postrider serve --help"},
		{"serve --dev --config " + unknown, "", exitFailed, "did you mean nats.listen?"},
		{"serve --dev", "POSTRIDER_NATS_LISSTEN=x", exitFailed, "did you mean POSTRIDER_NATS_LISTEN?"},
		{"serve --dev --listen here", "", exitFailed, "host:port"},
		{"endpoint add --customer acme", "", exitUsage, "needs --url"},
		{"endpoint add --url x --concurrency many", "", exitUsage, "is not a number"},
	} {
		cmd := command(context.Background(), dir, []string{"POSTRIDER_NATS_URL=nats://127.0.0.1:1", c.env}, strings.Fields(c.args)...)
		var errs strings.Builder
		cmd.Stderr = &errs
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != c.code || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s postrider %s: exit %d, %q; want %d and %q", c.env, c.args, code, errs.String(), c.code, c.says)
		}
	}
}
