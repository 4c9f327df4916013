package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// testFeed is a feed whose rows a test puts in.
type testFeed struct {
	ready  chan struct{}
	mu     sync.Mutex
	rows   []transport.LoggedDelivery
	more   uint64
	closed bool
}

func (f *testFeed) Ready() <-chan struct{} { return f.ready }

func (f *testFeed) Take() ([]transport.LoggedDelivery, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, more := f.rows, f.more
	f.rows, f.more = nil, 0
	return rows, more
}

func (f *testFeed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

func (f *testFeed) put(more uint64, rows ...transport.LoggedDelivery) {
	f.mu.Lock()
	f.rows, f.more = append(f.rows, rows...), f.more+more
	f.mu.Unlock()
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

func (n *node) Follow(f transport.DeliveryFilter) (transport.DeliveryFeed, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fd := &testFeed{ready: make(chan struct{}, 1)}
	n.feeds, n.followed = append(n.feeds, fd), append(n.followed, f)
	return fd, n.failure
}

func (n *node) feed() *testFeed {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.feeds[len(n.feeds)-1]
}

// listener reads a stream event by event.
type listener struct {
	t      *testing.T
	lines  *bufio.Scanner
	close  func()
	status int
	header http.Header
}

func (b *bench) listen(token, query string, headers ...string) *listener {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "GET", b.url+"/v1/stream"+query, nil)
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // the listener closes it
	if err != nil {
		b.Fatal(err)
	}
	l := &listener{t: b.T, lines: bufio.NewScanner(response.Body), status: response.StatusCode, header: response.Header,
		close: func() { cancel(); _ = response.Body.Close() }}
	b.Cleanup(l.close)
	return l
}

// next gives the next event's name and data; "" at the end.
func (l *listener) next() (event, data string) {
	for l.lines.Scan() {
		line := l.lines.Text()
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "event":
			event = value
		case "data":
			data = value
		case "":
			if event != "" || data != "" {
				return event, data
			}
			if value != "" {
				return ":", value
			}
		}
	}
	return "", ""
}

func (l *listener) want(event string, parts ...string) {
	l.t.Helper()
	got, data := l.next()
	for _, part := range parts {
		if !strings.Contains(data, part) {
			l.t.Errorf("%s lacks %s: %s", got, part, data)
		}
	}
	if got != event {
		l.t.Fatalf("got %q %s, want %s", got, data, event)
	}
}

func aDelivery(seq uint64, customer string) transport.LoggedDelivery {
	return transport.LoggedDelivery{Pair: transport.Pair{Seq: seq, Endpoint: "e"}, Customer: customer, EventID: fmt.Sprint("event-", seq), EventType: "a.b",
		State: transport.StateDelivered, Since: testNow, Changed: testNow}
}

func TestAStreamTellsDeliveries(t *testing.T) {
	b := start(t, nil)
	l := b.listen(token(t, "acme", RoleReplay), "?type=a.%3E&status=delivered")
	if l.status != 200 || l.header.Get("Content-Type") != "text/event-stream" || l.header.Get("Cache-Control") != "no-store" {
		t.Fatal(l.status, l.header)
	}
	l.want("open", `"at":"2026-01-02T03:04:05Z"`)
	if f := b.followed[0]; f.Customer != "acme" || f.EventType != "a.>" || len(f.Outcomes) != 1 || f.Outcomes[0].State != transport.StateDelivered {
		t.Errorf("%+v", f)
	}
	b.feed().put(1932, aDelivery(1, "acme"), aDelivery(2, "other"))
	_, data := l.next()
	var part struct {
		Items []DeliveryItem
		More  uint64
	}
	if err := json.Unmarshal([]byte(data), &part); err != nil || len(part.Items) != 1 || part.Items[0].Event.ID != "event-1" || part.More != 1932 {
		t.Errorf("%v %s", err, data)
	}
	b.server.EndStreams()
	l.want("end", "the node stops")
	if event, _ := l.next(); event != "" {
		t.Errorf("%q after the end", event)
	}
	l.close()
	l = b.listen(token(t, "acme", RoleReplay), "")
	l.want("open")
	l.want("end")
}

func TestAStreamIsTakenUpAgain(t *testing.T) {
	b := start(t, nil)
	old := aDelivery(1, "acme")
	old.Changed = testNow.Add(-time.Hour)
	b.logged = append(b.logged, old)
	for seq := range uint64(transport.MaxFeedRows + 3) {
		b.logged = append(b.logged, aDelivery(seq+2, "acme"))
	}
	l := b.listen(token(t, "acme", RoleReplay), "", "Last-Event-ID", testNow.Add(-time.Minute).Format(time.RFC3339Nano))
	l.want("open")
	l.want("deliveries", `"more":3`, `"event-2"`)
	if got := b.listen(token(t, "acme", RoleReplay), "", "Last-Event-ID", "yesterday"); got.status != 400 {
		t.Errorf("%d", got.status)
	}
}

func TestAStreamTellsStatesReplaysAndRuns(t *testing.T) {
	now := testNow
	var mu sync.Mutex
	var ran func(*transport.Run)
	standing := map[string]transport.Standing{}
	b := start(t, func(o *Options) {
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); now = now.Add(seenEvery); return now }
		o.WatchRuns = func(each func(*transport.Run)) { ran = each }
		o.Standings = func(context.Context) map[string]transport.Standing {
			mu.Lock()
			defer mu.Unlock()
			return map[string]transport.Standing{"": {}, "x": standing["x"]}
		}
	})
	b.keepAs("acme", "x")
	b.keepAs("other", "y")
	l := b.listen(mustMint(t, "acme", time.Hour, RoleListEndpoints), "?what=endpoints,runs")
	l.want("open")
	mu.Lock()
	standing["x"] = transport.Standing{State: transport.StateFailing, Reason: "status 503", Waiting: 7, Breaker: "open"}
	mu.Unlock()
	l.want("endpoints", `"id":"x"`, `"state":"failing"`, `"waiting":7`, `"more":0`)
	ran(&transport.Run{ID: "r-other", Customer: "other", State: transport.RunDone})
	ran(&transport.Run{ID: "r-1", Customer: "acme", State: transport.RunDone, Matches: 3})
	l.want("runs", `"run_id":"r-1"`, `"total_matches":3`)

	// Who may not list endpoints is not told of them.
	if got := b.listen(mustMint(t, "acme", time.Hour, RoleReplay), "?what=endpoints"); got.status != 403 {
		t.Errorf("%d", got.status)
	}
}

func (b *bench) keepAs(customer, id string) {
	b.Helper()
	ep := &transport.Endpoint{ID: id, Customer: customer, URL: "https://example.com/", Enabled: true, State: transport.StateActive, Profile: transport.ProfileStandard}
	ep.ApplyDefaults()
	if _, err := b.keep(ep); err != nil {
		b.Fatal(err)
	}
}

func mustMint(t *testing.T, customer string, ttl time.Duration, roles ...string) string {
	t.Helper()
	s, err := MintToken(testSecret, customer, roles, ttl, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A stream ends with its token: when that expires, and when it is revoked.
func TestAStreamEndsWithItsToken(t *testing.T) {
	b := start(t, nil)
	l := b.listen(mustMint(t, "acme", 100*time.Millisecond, RoleReplay), "")
	l.want("open")
	l.want("end", "the token has ended")

	b = start(t, nil)
	b.server.streams.beat = 10 * time.Millisecond
	made := mustMint(t, "acme", time.Hour, RoleReplay)
	l = b.listen(made, "?what=deliveries")
	l.want("open")
	l.want(":", "beat")
	who, failure := b.server.tokens.caller(t.Context(), made)
	if failure != nil {
		t.Fatal(failure)
	}
	b.wantStatus(b.call(token(t, "", RoleOperator), "POST", "/v1/tokens/revoke", `{"jti":"`+who.jti+`"}`), 200)
	for event := ":"; event == ":"; {
		var data string
		if event, data = l.next(); event == "end" && !strings.Contains(data, "revoked") {
			t.Error(data)
		} else if event == "" {
			t.Error("no end was told")
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	b := start(t, nil)
	mine, theirs := token(t, "acme", RoleReplay), token(t, "other", RoleReplay)
	var open []*listener
	for range streamsOfOne {
		l := b.listen(mine, "?what=deliveries")
		l.want("open")
		open = append(open, l)
	}
	if l := b.listen(mine, ""); l.status != http.StatusTooManyRequests || l.header.Get("Retry-After") == "" {
		t.Errorf("%d %v", l.status, l.header)
	}
	other := b.listen(theirs, "?what=deliveries")
	other.want("open")
	open[0].close()
	b.await("a place", func() bool {
		b.server.streams.mu.Lock()
		defer b.server.streams.mu.Unlock()
		return b.server.streams.of["acme"] < streamsOfOne
	})
	again := b.listen(mine, "")
	again.want("open")
	for _, query := range []string{"?what=everything", "?status=fine", "?endpoint=x", "?customer=other", "?limit=3"} {
		if l := b.listen(theirs, query); l.status < 400 || l.status == 429 {
			if query != "?customer=other" {
				t.Errorf("%s: %d", query, l.status)
			}
		}
	}
	if l := b.listen(theirs, "?customer=acme"); l.status != 403 {
		t.Errorf("of another customer: %d", l.status)
	}
}

func (b *bench) await(what string, done func() bool) {
	b.Helper()
	for limit := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(limit) {
			b.Fatalf("waited a minute for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}
