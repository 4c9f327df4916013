package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// The fake's answers.

func (n *node) Claim(_ context.Context, key string, data []byte) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.answers == nil {
		n.answers = map[string][]byte{}
	}
	if there := n.answers[key]; there != nil {
		return there, nil
	}
	n.answers[key] = data
	return nil, nil
}

func (n *node) Keep(_ context.Context, key string, data []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[key] = data
	return nil
}

func (n *node) Release(_ context.Context, key string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.answers, key)
	return nil
}

func TestARepeatedRequestIsDoneOnce(t *testing.T) {
	at := testNow
	b := start(t, func(o *Options) { o.Now = func() time.Time { return at } })
	admin := token(t, "acme", RoleAdmin)
	const body = `{"url":"https://example.com/"}`
	post := func(token, path, body, key string) answer {
		return b.call(token, "POST", path, body, "Idempotency-Key", key)
	}
	first := post(admin, "/v1/endpoints", body, "k-1")
	b.wantStatus(first, 201)
	again := post(token(t, "acme", RoleAdmin), "/v1/endpoints", body, "k-1") // a new token of the same caller
	if again.status != 201 || again.body != first.body || again.header.Get("ETag") != first.header.Get("ETag") ||
		again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" || len(b.endpoints) != 1 {
		t.Errorf("again: %d %v %s, %d endpoints", again.status, again.header, again.body, len(b.endpoints))
	}
	b.want(post(admin, "/v1/endpoints", `{"url":"https://example.com/2"}`, "k-1"), 409, anotherAnswer)
	b.want(post(admin, "/v1/events", body, "k-1"), 409, anotherAnswer)
	for what, got := range map[string]answer{
		"another key":      post(admin, "/v1/endpoints", body, "k-2"),
		"another customer": post(token(t, "other", RoleAdmin), "/v1/endpoints", body, "k-1"),
		"no key":           b.call(admin, "POST", "/v1/endpoints", body),
	} {
		if got.status != 201 || got.body == first.body {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	weaker := post(token(t, "acme", "stranger"), "/v1/endpoints", body, "k-1")
	if weaker.status != 403 || strings.Contains(weaker.body, "secret") {
		t.Errorf("a token that may not create got %d %s", weaker.status, weaker.body)
	}
	b.wantStatus(post(admin, "/v1/endpoints", `{}`, "k-3"), 400)
	b.wantStatus(post(admin, "/v1/endpoints", `{"url":"https://example.com/3"}`, "k-3"), 201) // a failure is not kept
	b.wantStatus(post(token(t, "acme", RolePublishEvents), "/v1/events", `{"type":"a","data":1}`, "k-4"), 202)
	b.wantStatus(post(token(t, "acme", RolePublishEvents), "/v1/events", `{"type":"a","data":1}`, "k-4"), 202)
	if len(b.events) != 1 {
		t.Errorf("%d events", len(b.events))
	}
	b.wantStatus(post("", "/v1/endpoints", body, "k-5"), 401)
	b.wantStatus(post(admin, "/v1/endpoints", body, strings.Repeat("k", 256)), 400)
	b.wantStatus(post(admin, "/v1/endpoints", body, "two words"), 400)
	b.wantStatus(b.call(admin, "GET", "/v1/endpoints", "", "Idempotency-Key", "k-1"), 200)
	b.wantStatus(post(admin, "/v1/nowhere", body, "k-6"), 404)
	b.wantStatus(post(admin, "/v1/endpoints", strings.Repeat(" ", usualBody.bytes+1), "k-7"), 413)
}

const (
	underWayAnswer = `{"message":"A request with this Idempotency-Key is under way: wait for its answer","error_type":"ConflictError","error_code":"CONFLICT"}`
	anotherAnswer  = `{"message":"This Idempotency-Key was used for another request: give each request a key of its own","error_type":"ConflictError","error_code":"CONFLICT"}`
)

// slow is a Tester that waits.
type slow struct {
	Tester
	began, goOn chan struct{}
}

func (s slow) Test(ctx context.Context, ep *transport.Endpoint, ev *transport.Event) transport.Answer {
	s.began <- struct{}{}
	<-s.goOn
	return transport.Answer{}
}

func TestARequestThatIsUnderWay(t *testing.T) {
	wait := slow{began: make(chan struct{}, 2), goOn: make(chan struct{})}
	b := start(t, func(o *Options) {
		wait.Tester = o.Tester
		o.Tester = wait
	})
	admin := token(t, "acme", RoleAdmin)
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	post := func(body string) answer {
		return b.call(admin, "POST", "/v1/endpoints/"+ep.ID+"/test", body, "Idempotency-Key", "k")
	}
	first := make(chan answer, 1)
	go func() { first <- post(`{}`) }()
	select {
	case <-wait.began:
	case a := <-first:
		t.Fatalf("it did not wait: %d %s", a.status, a.body)
	}
	got := post(`{}`)
	b.want(got, 409, underWayAnswer)
	if got.header.Get("Retry-After") != "1" {
		t.Error("no Retry-After")
	}
	b.want(post(`{"type":"a"}`), 409, anotherAnswer)
	close(wait.goOn)
	if a := <-first; a.status != 200 {
		t.Errorf("the first: %d %s", a.status, a.body)
	}
	if again := post(`{}`); again.status != 200 || again.header.Get("Idempotency-Replayed") != "true" || len(wait.began) != 0 {
		t.Errorf("again: %d %v", again.status, again.header)
	}
}

// Another run of the node made the request and ended before the answer: its key
// is free after a while, and what it made is found, not made again.
func TestARequestWhoseNodeEnded(t *testing.T) {
	at := testNow
	b := start(t, func(o *Options) { o.Now = func() time.Time { return at } })
	admin := token(t, "acme", RoleAdmin)
	post := func() answer {
		return b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com/"}`, "Idempotency-Key", "k")
	}
	first := post()
	b.wantStatus(first, 201)
	for key, data := range b.answers { // as it is before the answer
		b.answers[key] = []byte(strings.NewReplacer(`"status":201`, `"status":0,"run":"another"`).Replace(string(data)))
	}
	b.want(post(), 409, underWayAnswer)
	at = at.Add(answerWithin)
	again := post()
	b.wantStatus(again, 201)
	if again.body != first.body || len(b.endpoints) != 1 {
		t.Errorf("%d endpoints, %s instead of %s", len(b.endpoints), again.body, first.body)
	}
}

// forgetful are Answers of a NATS that goes away: it takes claims, and the
// answers to them are lost or not; no release comes through, nor what is kept.
type forgetful struct {
	Answers
	away, lost bool
}

func (f *forgetful) Claim(ctx context.Context, key string, data []byte) ([]byte, error) {
	there, err := f.Answers.Claim(ctx, key, data)
	if f.lost {
		return nil, transport.ErrUnknown
	}
	return there, err
}

func (f *forgetful) Release(ctx context.Context, key string) error {
	if f.away {
		return transport.ErrUnavailable
	}
	return f.Answers.Release(ctx, key)
}

func (f *forgetful) Keep(ctx context.Context, key string, data []byte) error {
	if f.away {
		return transport.ErrUnavailable
	}
	return f.Answers.Keep(ctx, key, data)
}

// A request that failed may be made again at once, though NATS was away when its
// key was to be released, or the answer to the claim was lost.
func TestAKeyThatCannotBeReleased(t *testing.T) {
	answers := &forgetful{}
	b := start(t, func(o *Options) {
		answers.Answers = o.Answers
		o.Answers = answers
	})
	admin := token(t, "acme", RoleAdmin)
	post := func(body string) answer {
		return b.call(admin, "POST", "/v1/endpoints", body, "Idempotency-Key", "k")
	}
	const body = `{"url":"https://example.com/"}`
	answers.away, b.failure = true, transport.ErrUnavailable
	b.wantStatus(post(body), 503)
	b.wantStatus(post(`{}`), 503) // before its own fault: the claim cannot be taken over
	answers.away, b.failure = false, nil
	b.wantStatus(post(`{}`), 400)
	b.wantStatus(post(body), 201)

	clear(b.answers)
	clear(b.endpoints)
	answers.lost = true
	b.wantStatus(post(body), 503)
	answers.lost = false
	b.wantStatus(post(body), 201)
	if len(b.endpoints) != 1 {
		t.Errorf("%d endpoints", len(b.endpoints))
	}
}

// What was done and whose answer cannot be kept is not done again at once.
func TestAnAnswerThatCannotBeKept(t *testing.T) {
	at := testNow
	answers := &forgetful{away: true}
	b := start(t, func(o *Options) {
		answers.Answers = o.Answers
		o.Now, o.Answers = func() time.Time { return at }, answers
	})
	admin := token(t, "acme", RoleAdmin)
	post := func(key string) answer {
		return b.call(admin, "POST", "/v1/endpoints", `{"url":"https://example.com/"}`, "Idempotency-Key", key)
	}
	b.wantStatus(post("k"), 201)
	answers.away = false
	b.want(post("k"), 409, underWayAnswer)
	at = at.Add(answerWithin)
	b.wantStatus(post("k"), 201)
	if len(b.endpoints) != 1 {
		t.Errorf("%d endpoints", len(b.endpoints))
	}
}

func TestAPanicFreesTheKey(t *testing.T) {
	b := start(t, func(o *Options) { o.Tester = panics{} })
	ep := b.made("acme", `{"url":"https://example.com/"}`)
	b.wantStatus(b.call(token(t, "acme", RoleAdmin), "POST", "/v1/endpoints/"+ep.ID+"/test", "", "Idempotency-Key", "k"), 500)
	if len(b.answers) != 0 {
		t.Errorf("kept %q", b.answers)
	}
}

func TestCORS(t *testing.T) {
	const page = "https://app.example.com"
	preflight := []string{"Origin", page, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
	off := start(t, nil)
	got := off.call("", "OPTIONS", "/v1/endpoints", "", preflight...)
	if got.status != http.StatusMethodNotAllowed || got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Vary") != "" {
		t.Errorf("without origins: %d %v", got.status, got.header)
	}
	b := start(t, func(o *Options) { o.CORSOrigins = []string{page} })
	got = b.call("", "OPTIONS", "/v1/endpoints", "", preflight...)
	if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != page || got.header.Get("Access-Control-Allow-Methods") != "GET, POST, PATCH, DELETE" ||
		!strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "Authorization") || got.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", got.status, got.header)
	}
	for origin, allowed := range map[string]string{page: page, "https://evil.example.com": "", "null": "", "https://app.example.com.evil.com": ""} {
		got := b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/info", "", "Origin", origin)
		if got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != allowed || got.header.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", origin, got.status, got.header)
		}
	}
	got = b.call("", "GET", "/v1/info", "", "Origin", page) // so that the page can read why
	if got.status != 401 || got.header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("refused: %d %v", got.status, got.header)
	}
}
