package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// published puts events into acme's log, the newest last.
func (b *bench) published(docs ...string) {
	b.eventLog = map[uint64]*transport.Event{}
	for i, doc := range docs {
		typ, data, _ := strings.Cut(doc, " ")
		seq := uint64(i + 1)
		b.eventLog[seq] = &transport.Event{Seq: seq, ID: fmt.Sprint("e", seq), Customer: "acme", Type: typ, Time: testNow, Stored: testNow, Data: []byte(data)}
	}
}

func TestAnEndpointIsTriedOnTheLastEvents(t *testing.T) {
	b := start(t, nil)
	b.published(`access.granted {"door":"Main","n":1}`, `access.granted {"door":"Side"}`, `visitor.left {}`, `access.denied {"n":4}`, `access.granted {"door":"Main"}`)
	body := `{"endpoint":{"url":"https://example.com/","profile":"custom","signature":{"scheme":"none"},"events":["access.>"],"filter":"event.data.door == 'Main'","body":{"n":"${event.data.n}"}}}`
	got := b.call(token(t, "acme", RoleTestEndpoint), "POST", "/v1/endpoints/preview", body)
	b.wantStatus(got, 200)
	trial := read[Trial](b, got)
	if trial.Events != 5 || trial.Wanted != 1 || trial.Type != 1 || trial.Filter != 2 || trial.Failed != 1 || !trial.Complete {
		t.Errorf("%s", got.body)
	}
	verdicts := ""
	for _, item := range trial.Items {
		verdicts += item.ID + " " + item.Verdict + ", "
	}
	if verdicts != "e5 failed, e4 filter, e3 type, e2 filter, e1 wanted, " || trial.BodyOf != "e1" || trial.Body != `{"n":1}` {
		t.Errorf("%s %s", verdicts, got.body)
	}
	if !strings.Contains(trial.Items[1].Detail, "no answer") || trial.Items[0].Detail == "" {
		t.Errorf("%+v", trial.Items)
	}
	if len(b.endpoints) != 0 || len(b.tested) != 0 {
		t.Error("something was kept, or sent")
	}

	// One that is there is tried with a change; of another customer it is not there.
	ep := b.made("acme", `{"url":"https://example.com/","events":["visitor.>"]}`)
	got = b.call(token(t, "acme", RoleEditEndpoint), "POST", "/v1/endpoints/preview", `{"id":"`+ep.ID+`","endpoint":{"filter":"event.type == 'visitor.left'"},"last":3}`)
	if trial := read[Trial](b, got); trial.Events != 3 || trial.Wanted != 1 || trial.BodyOf != "e3" {
		t.Errorf("%d %s", got.status, got.body)
	}
	// Where none would be sent, what a sample would be is shown.
	got = b.call(token(t, "acme", RoleEditEndpoint), "POST", "/v1/endpoints/preview", `{"id":"`+ep.ID+`","endpoint":{"events":["no.such"],"body":{"is":"${event.type}"},"body_mode":"replace"}}`)
	if trial := read[Trial](b, got); trial.Wanted != 0 || trial.BodyOf != "" || trial.Body != `{"is":"postrider.test"}` {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.wantStatus(b.call(token(t, "other", RoleAdmin), "POST", "/v1/endpoints/preview", `{"id":"`+ep.ID+`"}`), 404)
	for body, field := range map[string]string{`{"endpoint":{"url":"https://example.com/","filter":"event."}}`: "filter", `{"endpoint":{"url":"https://example.com/"},"last":501}`: "last",
		`{"endpoint":{"url":"nowhere"}}`: "url", `{"ids":"x"}`: "ids"} {
		if got := b.call(token(t, "acme", RoleAdmin), "POST", "/v1/endpoints/preview", body); got.status != 400 || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	b.server.previews <- struct{}{}
	b.server.previews <- struct{}{}
	b.wantStatus(b.call(token(t, "acme", RoleAdmin), "POST", "/v1/endpoints/preview", `{"id":"`+ep.ID+`"}`), http.StatusTooManyRequests)
}

func TestDeadLettersAreGrouped(t *testing.T) {
	b := start(t, nil)
	for id := uint64(1); id <= 7; id++ {
		b.letters[id] = &transport.DeadLetter{ID: id, Customer: "acme", Endpoint: "a", Reason: "retries_exhausted", Detail: fmt.Sprint("d", id), At: testNow.AddDate(0, 0, int(id))}
	}
	b.letters[3].Reason, b.letters[4].Endpoint, b.letters[5].Customer = "expired", "", "other"
	got := b.call(token(t, "acme", RoleReplay), "GET", "/v1/deadletters/groups", "")
	b.want(got, 200, `{"items":[{"customer":"acme","endpoint":"a","reason":"retries_exhausted","count":4,"first":"2026-01-03T03:04:05Z","last":"2026-01-09T03:04:05Z","detail":"d7"},`+
		`{"customer":"acme","endpoint":"","reason":"retries_exhausted","count":1,"first":"2026-01-06T03:04:05Z","last":"2026-01-06T03:04:05Z","detail":"d4"},`+
		`{"customer":"acme","endpoint":"a","reason":"expired","count":1,"first":"2026-01-05T03:04:05Z","last":"2026-01-05T03:04:05Z","detail":"d3"}],"letters":6,"complete":true}`)
	b.want(b.call(token(t, "acme", RoleReplay), "GET", "/v1/deadletters/groups?customer=other", ""), 403, `{"detail":"Token of customer 'acme' may not act for another customer"}`)
}

// What is shown is proved to be what was sent by its hash, or told apart.
func TestABodyIsProvedByItsHash(t *testing.T) {
	b := start(t, nil)
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	b.eventLog = map[uint64]*transport.Event{5: {Seq: 5, Customer: "acme", Type: "a.b", Data: []byte(`{}`)}}
	try := &transport.Record{Kind: transport.Tried, Number: 1, At: testNow}
	d := aDelivery(5, "acme")
	d.Endpoint, d.Records = ep.ID, []*transport.Record{try}
	b.logged = []transport.LoggedDelivery{d}
	sum := sha256.Sum256([]byte(`{"sent":true}`)) // what the node previews
	for is, given := range map[string][32]byte{"sent": sum, "changed": {1}, "unknown": {}} {
		try.Answer.BodySum = given
		shown := read[ShownDelivery](b, b.call(token(t, "acme", RoleAdmin), "GET", "/v1/deliveries/5-"+ep.ID, ""))
		want := hex.EncodeToString(given[:])
		if is == "unknown" {
			want = ""
		}
		if shown.BodyIs != is || shown.Attempts[0].BodySum != want || shown.BodySum != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %+v", is, shown)
		}
	}
	// Where something is masked, no hash is shown: what is masked may be short.
	try.Answer.BodySum = sum
	b.server.Redact = func([]byte) []byte { return []byte(`{"sent":"***"}`) }
	shown := read[ShownDelivery](b, b.call(token(t, "acme", RoleAdmin), "GET", "/v1/deliveries/5-"+ep.ID, ""))
	if shown.BodyIs != "sent" || shown.BodySum != "" || shown.Attempts[0].BodySum != "" {
		t.Errorf("%+v", shown)
	}
}
