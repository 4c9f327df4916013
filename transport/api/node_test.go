package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/quota"
)

var (
	testSecret = []byte("0123456789abcdef0123456789abcdef")
	testNow    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// node stands in for what the API needs: everything in memory, in one lock.
type node struct {
	mu        sync.Mutex
	revision  uint64
	endpoints map[string]*transport.Endpoint
	customers map[string]*transport.Customer
	events    []transport.Event
	letters   map[uint64]*transport.DeadLetter
	replayed  []uint64
	again     []string // single replays: sequence and endpoint
	wishes    []transport.ReplayWish
	jobs      []transport.ReplayJob
	begun     []string
	purges    []transport.LetterFilter
	revoked   map[string]time.Time
	answers   map[string][]byte
	logged    []transport.LoggedDelivery
	spans     map[string]transport.WaitingSpan
	asked     []transport.DeliveryFilter
	feeds     []*testFeed
	followed  []transport.DeliveryFilter
	counted   []transport.SeriesFilter
	eventLog  map[uint64]*transport.Event
	audited   []string
	audit     *transport.Audit // nil: one of nobody
	tested    []*transport.Event
	triedAt   []*transport.Endpoint
	answer    transport.Answer
	failure   error // of every call
	late      bool  // changes do not take effect in time
	lacks     []Lack
	changes   []transport.SettingChange // oldest first
	alertNode
}

func (n *node) Endpoint(id string) (*transport.Endpoint, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ep, there := n.endpoints[id]
	return ep, there
}

func (n *node) Endpoints(customer string) []*transport.Endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []*transport.Endpoint
	for _, ep := range n.endpoints {
		if customer == "" || ep.Customer == customer {
			list = append(list, ep)
		}
	}
	return list
}

func (n *node) Customer(id string) (*transport.Customer, bool) {
	c, there := n.customers[id]
	return c, there
}

func (n *node) CreateEndpoint(_ context.Context, ep *transport.Endpoint) (uint64, error) {
	return n.keep(ep)
}

func (n *node) UpdateEndpoint(_ context.Context, ep *transport.Endpoint) (uint64, error) {
	n.mu.Lock()
	old, there := n.endpoints[ep.ID]
	n.mu.Unlock()
	if !there || old.Revision != ep.Revision {
		return 0, transport.ErrConflict
	}
	return n.keep(ep)
}

func (n *node) keep(ep *transport.Endpoint) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failure != nil {
		return 0, n.failure
	}
	n.revision++
	kept := *ep
	kept.Revision = n.revision
	n.endpoints[ep.ID] = &kept
	return n.revision, nil
}

func (n *node) RemoveEndpoint(_ context.Context, id string) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.endpoints, id)
	n.revision++
	return n.revision, n.failure
}

func (n *node) WaitApplied(ctx context.Context, _ uint64) error {
	if n.late {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (n *node) Submit(_ context.Context, events []transport.Event) ([]transport.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failure != nil {
		return nil, n.failure
	}
	receipts := make([]transport.Receipt, len(events))
	for i, ev := range events {
		n.events = append(n.events, ev)
		receipts[i] = transport.Receipt{ID: ev.ID, Seq: uint64(len(n.events))}
		if ev.ID == "" {
			receipts[i].ID = "EVENTS-1"
		}
	}
	return receipts, nil
}

func (n *node) DeadLetters(_ context.Context, f transport.LetterFilter) ([]transport.DeadLetter, uint64, error) {
	var list []transport.DeadLetter
	for _, l := range n.letters {
		if (f.Customer == "" || f.Customer == l.Customer) && (f.Before == 0 || l.ID < f.Before) {
			list = append(list, *l)
		}
	}
	slices.SortFunc(list, func(a, b transport.DeadLetter) int { return int(b.ID) - int(a.ID) })
	if len(list) > f.Limit {
		return list[:f.Limit], list[f.Limit-1].ID, n.failure
	}
	return list, 0, n.failure
}

func (n *node) DeadLetter(_ context.Context, id uint64) (*transport.DeadLetter, error) {
	if l, there := n.letters[id]; there {
		return l, n.failure
	}
	return nil, transport.ErrNotFound
}

func (n *node) ReplayDeadLetter(_ context.Context, id uint64) (uint64, error) {
	n.replayed = append(n.replayed, id)
	return 3, n.failure
}

func (n *node) Audit(_ context.Context, _, _ time.Time, customer string) (*transport.Audit, error) {
	n.audited = append(n.audited, customer)
	if n.audit != nil {
		return n.audit, n.failure
	}
	return &transport.Audit{Cut: 9, Events: 9, OK: true}, n.failure
}

func (n *node) Preview(ep *transport.Endpoint, ev *transport.Event, _ time.Time) (*Preview, transport.Answer) {
	if ev.Type == "a.skipped" {
		return nil, transport.Answer{Class: transport.Skip, Reason: transport.ReasonHardware}
	}
	return &Preview{Method: "POST", URL: ep.URL, Header: http.Header{"X-Key": {transport.Masked}, "Webhook-Id": {"id"}}, Body: []byte(`{"sent":true}`)}, transport.Answer{}
}

func (n *node) Note(_ context.Context, c *transport.SettingChange) error {
	n.changes = append(n.changes, *c)
	return nil
}

func (n *node) Changes(want func(*transport.SettingChange) bool) (found []transport.SettingChange) {
	for _, c := range slices.Backward(n.changes) {
		if want(&c) {
			found = append(found, c)
		}
	}
	return found
}

func (n *node) Waiting(_ context.Context, endpoints []string) (map[string]transport.WaitingSpan, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	spans := map[string]transport.WaitingSpan{}
	for _, id := range endpoints {
		if w, there := n.spans[id]; there {
			spans[id] = w
		}
	}
	return spans, n.failure
}

func (n *node) Test(_ context.Context, ep *transport.Endpoint, ev *transport.Event) transport.Answer {
	n.tested, n.triedAt = append(n.tested, ev), append(n.triedAt, ep)
	return n.answer
}

// bench is a node, its API on a real server, and what it logged.
type bench struct {
	*node
	*testing.T
	url    string
	log    *bytes.Buffer
	server *Server
}

func start(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	b := &bench{T: t, log: &bytes.Buffer{}, node: &node{endpoints: map[string]*transport.Endpoint{},
		letters: map[uint64]*transport.DeadLetter{}, customers: map[string]*transport.Customer{}, alertNode: alertNode{alerts: map[string]keptAlert{}}}}
	o := Options{Registry: b, Events: b, Letters: b, Auditor: b, Tester: b, Deliveries: b, EventLog: b, ChangeLog: b, Replays: b, Revocations: b, Answers: b,
		Customers: b, Alerts: b, Runs: b.node, Detections: b, Mailboxes: b, TokenSecret: testSecret,
		Quotas:  quota.New(quota.Options{}),
		Version: "test", Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { return testNow }, ApplyWait: 10 * time.Millisecond,
		Ready: func(context.Context) []Lack { return b.lacks }}
	if change != nil {
		change(&o)
	}
	server, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	b.url, b.server = web.URL, server
	return b
}

func token(t testing.TB, customer string, roles ...string) string {
	t.Helper()
	s, err := MintToken(testSecret, customer, roles, time.Hour, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *bench) call(token, method, path, body string, headers ...string) answer {
	b.Helper()
	request, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// want checks status and body, byte for byte.
func (b *bench) want(got answer, status int, body string) {
	b.Helper()
	if got.status != status || got.body != body {
		b.Errorf("got  %d %s\nwant %d %s", got.status, got.body, status, body)
	}
}

func (b *bench) wantStatus(got answer, status int) {
	b.Helper()
	if got.status != status {
		b.Fatalf("got %d %s, want %d", got.status, got.body, status)
	}
}

// made creates an endpoint as admin of customer and returns its shown form.
func (b *bench) made(customer, body string) ShownEndpoint {
	b.Helper()
	got := b.call(token(b, customer, RoleAdmin), "POST", "/v1/endpoints", body)
	b.wantStatus(got, http.StatusCreated)
	return read[ShownEndpoint](b, got)
}

func read[T any](b *bench, got answer) T {
	b.Helper()
	var v T
	if err := json.Unmarshal([]byte(got.body), &v); err != nil {
		b.Fatalf("%v in %s", err, got.body)
	}
	return v
}
