package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/api"
)

// roomy are the settings of a node whose streams have little room: EVENTS has
// half of it, PAYLOADS a tenth.
func roomy(room string) []string {
	return []string{"POSTRIDER_QUOTA_LOG_SHARE=0.25", "POSTRIDER_NATS_MAX_STORE=" + room, "POSTRIDER_BREAKER_WAIT=1s", "POSTRIDER_BREAKER_MAX_WAIT=2s"}
}

// others are customers beside one who attacks: what they do must go on.
type others struct {
	*testNode
	w        *witness
	edited   string
	producer *natsProducer
	rounds   int
	ids      []string
}

// beside has a customer with two endpoints, one of which refuses each event the
// first time.
func beside(n *testNode) *others {
	n.t.Helper()
	w := newWitness(n.t, func(path, _ string, nth int) int {
		if path == "/retried" && nth == 1 || path == "/down" {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	o := &others{testNode: n, w: w}
	o.start()
	o.edited = o.addEndpoint(w.url+"/a", ">")
	o.addEndpoint(w.url+"/retried", ">", strings.Fields(strings.Repeat("300ms ", 20))...)
	o.producer = o.natsProducer()
	return o
}

// goOn publishes by HTTP and by NATS, edits an endpoint, revokes a token, and
// waits for all deliveries, the second tries among them.
func (o *others) goOn(rounds int) {
	o.t.Helper()
	for range rounds {
		o.rounds++
		byHTTP, byNATS := fmt.Sprint("others-", o.rounds), fmt.Sprint("acme-", o.rounds)
		o.publishOne(byHTTP)
		var waiting sync.WaitGroup
		o.producer.publish(byNATS, &waiting)
		waiting.Wait()
		o.producer.again(o.t) // an acknowledgement may be late on a busy machine
		if status, text := o.call(http.MethodPatch, "/v1/endpoints/"+o.edited, fmt.Sprintf(`{"description":%q}`, byHTTP), nil); status != http.StatusOK {
			o.t.Errorf("an edit: %d %s", status, text)
		}
		if status, text := o.call(http.MethodPost, "/v1/tokens/revoke", fmt.Sprintf(`{"jti":%q}`, byHTTP), nil); status != http.StatusOK {
			o.t.Errorf("a revocation: %d %s", status, text)
		}
		ids := []string{byHTTP, byNATS}
		o.ids = append(o.ids, ids...)
		o.await("what others published to arrive, where it is retried too", func() bool {
			return o.w.missing("/a", ids)+o.w.missing("/retried", ids) == 0
		})
	}
}

// callAs makes a request with a token and headers, and gives its whole answer.
func (n *testNode) requestAs(token, method, path string, body []byte, headers ...string) (int, http.Header, string) {
	n.t.Helper()
	req, err := http.NewRequest(method, "http://"+n.http+path, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return resp.StatusCode, resp.Header, string(text)
}

// tokenOf is a token of a customer with a role.
func (n *testNode) tokenOf(customer, role string) string {
	n.t.Helper()
	return strings.TrimSpace(n.must("", "token", "--customer", customer, "--role", role))
}

// logShare is what a customer has of the log's room, as its usage tells.
func (n *testNode) logShare(customer string) (used, bound float64) {
	n.t.Helper()
	var u api.Usage
	if status, text := n.call(http.MethodGet, "/v1/usage?customer="+customer, "", &u); status != http.StatusOK {
		n.t.Fatalf("%d %s", status, text)
	}
	for _, q := range u.Quotas {
		if q.Quota == "log_share" {
			return q.Used, q.Bound
		}
	}
	n.t.Fatal("no log_share among the quotas")
	return 0, 0
}

// streams tells how they stand.
func (n *testNode) streams() (all api.StreamStates, of map[string]api.StreamState) {
	n.t.Helper()
	if status, text := n.call(http.MethodGet, "/v1/streams", "", &all); status != http.StatusOK {
		n.t.Fatalf("%d %s", status, text)
	}
	of = map[string]api.StreamState{}
	for _, s := range all.Items {
		of[s.Name] = s
	}
	return all, of
}

// flood publishes documents of a size by NATS, asynchronously and as fast as it
// can, until stop is closed; it counts what was acknowledged, and gives how many
// answers said that the customer is over its share.
func (n *testNode) flood(subject string, size int, acked *atomic.Int64, stop <-chan struct{}) (overShare int) {
	n.t.Helper()
	nc, err := nats.Connect("nats://"+n.nats, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		n.t.Error(err)
		return 0
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(64), jetstream.WithPublishAsyncTimeout(5*time.Second))
	if err != nil {
		n.t.Error(err)
		return 0
	}
	document := fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", size))
	var mu sync.Mutex
	var waiting sync.WaitGroup
	for {
		select {
		case <-stop:
			waiting.Wait()
			return overShare
		default:
		}
		future, err := js.PublishAsync(subject, document)
		if err != nil {
			continue // too much is under way: its own limit
		}
		waiting.Go(func() {
			select {
			case <-future.Ok():
				acked.Add(1)
			case err := <-future.Err():
				mu.Lock()
				defer mu.Unlock()
				if strings.Contains(err.Error(), "quota.log_share") {
					overShare++
				}
			}
		})
	}
}

// 1 MB events that nobody wants, as fast as one client can: its oldest go first,
// it keeps to its share of the log, and the others do all they do. A kill -9 in
// the middle costs nothing that was acknowledged.
func TestAFloodOfWhatNobodyWants(t *testing.T) {
	t.Parallel()
	o := beside(newTestNode(t, roomy("96MiB")...))
	var acked atomic.Int64
	stop, ended := make(chan struct{}), make(chan int, 1)
	go func() { ended <- o.flood("events.mallory.unwanted", 1_000_000, &acked, stop) }()
	o.goOn(6)
	o.kill()
	o.start()
	o.goOn(4)
	// More than three times what its share takes at once: what nobody wants goes first.
	o.await("40 MB to be taken", func() bool { return acked.Load() >= 40 })
	close(stop)
	over := <-ended
	used, bound := o.logShare("mallory")
	if bound != 0.25 || used > bound {
		t.Errorf("it has %.3f of the log, its bound is %.3f", used, bound)
	}
	all, of := o.streams()
	t.Logf("%d of 1 MB were acknowledged, %d told over the share; it has %.3f of the log, EVENTS %d of %d bytes, all %d of %d",
		acked.Load(), over, used, of["EVENTS"].Bytes, of["EVENTS"].MaxBytes, all.Used, all.MaxStore)
	o.goOn(2)
	if missing := o.w.missing("/a", o.ids) + o.w.missing("/retried", o.ids); missing > 0 {
		t.Errorf("%d of the others' are missing", missing)
	}
	o.terminate()
}

// Events that wait for an endpoint that is down fill their customer's share of
// the log, and no more: by NATS an error says so, by HTTP 429 with what to do.
// Others go on, and the node is as before when the endpoint is removed.
func TestACustomerThatUsesUpItsShareOfTheLog(t *testing.T) {
	t.Parallel()
	o := beside(newTestNode(t, roomy("96MiB")...))
	body := fmt.Sprintf(`{"customer":"mallory","url":%q,"secret":%q,"profile":"custom","events":[">"],"delivery":{"retries":true,"timeout":"60s","schedule":["1h"]}}`,
		hanging(t), faultSecret)
	var made struct{ ID string }
	if status, text := o.call(http.MethodPost, "/v1/endpoints", body, &made); status != http.StatusCreated {
		t.Fatalf("%d %s", status, text)
	}
	var acked atomic.Int64
	stop, ended := make(chan struct{}), make(chan int, 1)
	go func() { ended <- o.flood("events.mallory.wanted", 200_000, &acked, stop) }()
	o.goOn(4)
	token := o.tokenOf("mallory", "publish-events")
	large := fmt.Appendf(nil, `{"type":"a","data":{"text":%q}}`, strings.Repeat("x", 900_000))
	var header http.Header
	text := ""
	o.await("it to be refused by HTTP", func() bool {
		status, h, answer := o.requestAs(token, http.MethodPost, "/v1/events", large)
		header, text = h, answer
		return status == http.StatusTooManyRequests
	})
	if header.Get("Retry-After") == "" || !strings.Contains(text, `"quota":"quota.log_share"`) || !strings.Contains(text, "events are settled") {
		t.Errorf("Retry-After %q, %s", header.Get("Retry-After"), text)
	}
	o.goOn(2)
	close(stop)
	over := <-ended
	if used, bound := o.logShare("mallory"); used > bound*1.2 || over == 0 {
		t.Errorf("it has %.3f of the log with a bound of %.3f, and was told so %d times; %d were taken", used, bound, over, acked.Load())
	}
	if out := o.must("", "customer", "usage", "--all", "--near"); !strings.Contains(out, "mallory") || !strings.Contains(out, "log_share") {
		t.Errorf("who is near a bound: %s", out)
	}
	if status, text := o.call(http.MethodDelete, "/v1/endpoints/"+made.ID, "", nil); status >= 300 {
		t.Fatalf("%d %s", status, text)
	}
	o.await("its share to be free again", func() bool {
		status, _, _ := o.requestAs(token, http.MethodPost, "/v1/events", large)
		return status == http.StatusAccepted
	})
	o.goOn(1)
	o.terminate()
}

// hanging is a receiver that does not answer until the test ends.
func hanging(t *testing.T) (url string) {
	ended := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-ended:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(ended) }) // before the server's end, which waits
	return s.URL
}

// Nine documents of 8 MB go to PAYLOADS, of which one customer has its share;
// others' large ones are taken.
func TestLargeOnesKeepToTheirShare(t *testing.T) {
	t.Parallel()
	o := beside(newTestNode(t, roomy("400MiB")...))
	token := o.tokenOf("mallory", "publish-events")
	statuses := map[int]int{}
	for i := range 9 {
		status, _, text := o.requestAs(token, http.MethodPost, "/v1/events",
			fmt.Appendf(nil, `{"type":"large","id":"large-%d","data":{"text":%q}}`, i, strings.Repeat("x", 8_000_000)))
		if statuses[status]++; status == http.StatusTooManyRequests && !strings.Contains(text, "quota.log_share") {
			t.Errorf("%d %s", status, text)
		}
	}
	t.Logf("nine of 8 MB: answered %v", statuses)
	if statuses[http.StatusAccepted] == 0 || statuses[http.StatusTooManyRequests] == 0 || statuses[http.StatusAccepted]+statuses[http.StatusTooManyRequests] != 9 {
		t.Errorf("answered %v", statuses)
	}
	if status, text := o.call(http.MethodPost, "/v1/events", fmt.Sprintf(`{"customer":"acme","type":"large","id":"others-large","data":{"text":%q}}`,
		strings.Repeat("y", 3_000_000)), nil); status != http.StatusAccepted {
		t.Errorf("another's: %d %s", status, text)
	}
	o.await("it to arrive", func() bool { return o.w.missing("/a", []string{"others-large"}) == 0 })
	o.goOn(2)
	_, of := o.streams()
	if p := of["OBJ_PAYLOADS"]; p.MaxBytes <= 0 || int64(p.Bytes) > p.MaxBytes {
		t.Errorf("PAYLOADS has %d of %d", p.Bytes, p.MaxBytes)
	}
	o.terminate()
}

// 200 dry runs of a large test with an Idempotency-Key leave nothing in ANSWERS;
// other answers that are kept have a bound for each customer.
func TestAnswersKeepToTheirRoom(t *testing.T) {
	t.Parallel()
	o := beside(newTestNode(t, roomy("64MiB")...))
	token := o.tokenOf("mallory", "admin")
	endpoint := fmt.Appendf(nil, `{"url":"http://127.0.0.1:9/x","secret":%q,"profile":"custom","events":["none"],"body_mode":"replace","body":{"text":%q}}`,
		faultSecret, strings.Repeat("z", 60_000))
	status, _, text := o.requestAs(token, http.MethodPost, "/v1/endpoints", endpoint, "Content-Type", "application/json")
	var made struct{ ID string }
	if status != http.StatusCreated || json.Unmarshal([]byte(text), &made) != nil {
		t.Fatalf("%d %s", status, text)
	}
	for i := range 200 {
		status, header, text := o.requestAs(token, http.MethodPost, "/v1/endpoints/"+made.ID+"/test", []byte(`{"dry_run":true}`),
			"Content-Type", "application/json", "Idempotency-Key", fmt.Sprint("dry-", i/2))
		if status != http.StatusOK && status != http.StatusTooManyRequests || header.Get("Idempotency-Replayed") != "" {
			t.Fatalf("%d: %d %s", i, status, text)
		}
	}
	_, of := o.streams()
	if a := of["KV_ANSWERS"]; a.Bytes > 200_000 || a.MaxBytes <= 0 {
		t.Errorf("200 dry runs left %d of %d bytes", a.Bytes, a.MaxBytes)
	}
	last, answers := 0, []int{}
	for i := range 200 {
		last, _, text = o.requestAs(token, http.MethodPost, "/v1/endpoints", endpoint, "Content-Type", "application/json", "Idempotency-Key", fmt.Sprint("real-", i))
		if answers = append(answers, last); last == http.StatusTooManyRequests {
			break
		}
	}
	if last != http.StatusTooManyRequests || !strings.Contains(text, "Idempotency-Key") || !slices.Contains(answers, http.StatusCreated) {
		t.Errorf("answered %v, the last with %s", answers, text)
	}
	if status, header, text := o.requestAs(o.token(), http.MethodPost, "/v1/events", []byte(`{"customer":"acme","type":"one.event","id":"keyed","data":{}}`),
		"Idempotency-Key", "others"); status != http.StatusAccepted {
		t.Errorf("another's key: %d %v %s", status, header, text)
	}
	o.goOn(2)
	o.terminate()
}

// Atomic batches that a producer begins and never ends are refused at once, so
// that they hold none of the server's places.
func TestHeldBatchesTakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	o := beside(newTestNode(t, hardy...)) // the second endpoint refuses each event once
	nc, err := nats.Connect("nats://" + o.nats)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	refused := 0
	for i := range 200 {
		m := nats.NewMsg("events.mallory.a")
		m.Data = []byte(`{}`)
		m.Header.Set("Nats-Batch-Id", fmt.Sprint("held-", i))
		m.Header.Set("Nats-Batch-Sequence", "1")
		answer, err := nc.RequestMsg(m, patience)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(answer.Data), "error") {
			refused++
		}
	}
	if refused != 200 {
		t.Errorf("%d of 200 were refused", refused)
	}
	accepted := 0
	for i := range 50 {
		status, text := o.call(http.MethodPost, "/v1/events", fmt.Sprintf(`[{"customer":"acme","type":"a","id":"x%d","data":{}},{"customer":"acme","type":"a","id":"y%d","data":{}}]`, i, i), nil)
		if status == http.StatusAccepted {
			accepted++
		} else {
			t.Errorf("%d %s", status, text)
		}
	}
	o.goOn(2)
	t.Logf("%d batches refused, %d of 50 arrays of others taken", refused, accepted)
	o.terminate()
}
