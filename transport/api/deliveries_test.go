package api

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func (n *node) List(_ context.Context, f transport.DeliveryFilter) (*transport.DeliveryPage, error) {
	n.asked = append(n.asked, f)
	page := &transport.DeliveryPage{Next: "next", CompleteFrom: testNow}
	for _, d := range n.logged {
		if f.Customer == "" || f.Customer == d.Customer {
			page.Deliveries = append(page.Deliveries, d)
		}
	}
	if f.Total {
		page.Total, page.More = transport.MaxTotal, true
	}
	return page, n.failure
}

func (n *node) Delivery(_ context.Context, p transport.Pair) (*transport.LoggedDelivery, error) {
	for i := range n.logged {
		if n.logged[i].Pair == p {
			return &n.logged[i], n.failure
		}
	}
	return nil, transport.ErrNotFound
}

func (n *node) Event(_ context.Context, seq uint64) (*transport.Event, error) {
	if ev, there := n.eventLog[seq]; there {
		return ev, n.failure
	}
	return nil, transport.ErrNotFound
}

// enveloper puts the document into an envelope; a document of false has none.
type enveloper struct{ Tester }

func (enveloper) Preview(_ *transport.Endpoint, ev *transport.Event, _ time.Time) (*Preview, transport.Answer) {
	if string(ev.Data) == "false" {
		return nil, transport.Answer{Detail: "no body"}
	}
	return &Preview{Method: "POST", URL: "https://hooks.example.com/services/T0123456789/in?key=secret&plain", Settings: 5, Signatures: []string{"X-Signature"},
		Header: http.Header{"X-Own": {transport.Masked}, "X-Signature": {"v1,abc"}, "Webhook-Id": {ev.ID}}, Body: fmt.Appendf(nil, `{"type":%q,"data":%s}`, ev.Type, ev.Data)}, transport.Answer{}
}

const deliveryEndpoint = "5f0c2b7e-8f7d-4a63-9a55-0d6c1c0f9a01"

// logged puts an endpoint and a delivery to it into the fake.
func logged(t *testing.T, change func(*Options)) (*bench, *transport.LoggedDelivery) {
	b := start(t, func(o *Options) {
		o.Tester = enveloper{o.Tester}
		if change != nil {
			change(o)
		}
	})
	b.endpoints[deliveryEndpoint] = &transport.Endpoint{ID: deliveryEndpoint, Customer: "acme"}
	try := transport.Record{Kind: transport.Tried, Number: 1, At: testNow, NextAt: testNow.Add(time.Minute),
		Answer: transport.Answer{Class: transport.Failed, Status: 503, Reason: "status", Detail: "the endpoint answered 503", Took: 12 * time.Millisecond,
			DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: 10 * time.Millisecond, Body: []byte("busy\xff")}}
	b.logged = []transport.LoggedDelivery{{Pair: transport.Pair{Seq: 7, Endpoint: deliveryEndpoint, Replay: 3}, Customer: "acme", EventID: "e-7",
		EventType: "access.granted", State: transport.StateRetrying, Reason: "status", Since: testNow, Changed: testNow.Add(time.Second),
		NextAt: testNow.Add(time.Minute), Attempts: 1, Status: 503, Class: transport.Failed,
		Records: []*transport.Record{&try, {Kind: transport.DeadLettered}}}}
	b.eventLog = map[uint64]*transport.Event{7: {Seq: 7, ID: "e-7", Type: "access.granted", Time: testNow, Data: []byte(`{"card":{"number":"4111"},"n":1.50}`)}}
	return b, &b.logged[0]
}

const (
	deliveryJSON = `{"id":"7-` + deliveryEndpoint + `.3","customer":"acme","endpoint":"` + deliveryEndpoint + `","replay":3,"event":{"id":"e-7","type":"access.granted"%s},` +
		`"state":"retrying","reason":"status","status":503,"class":"failed","attempt_count":1,"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:06Z","next_attempt_at":"2026-01-02T03:05:05Z"%s}`
	attemptJSON = `,"attempts":[{"number":1,"at":"2026-01-02T03:04:05Z","took_ms":12,"dns_ms":1,"connect_ms":2,"tls_ms":3,"first_byte_ms":10,"resent":false,"status":503,"class":"failed","reason":"status",` +
		`"detail":"the endpoint answered 503","answer":"busy�","next_attempt_at":"2026-01-02T03:05:05Z","request_is":%q}]`
	requestJSON = `,"request":{"method":"POST","url":"https://hooks.example.com/services/***/in?key=***&***","headers":{"Webhook-Id":"e-7","X-Own":"***","X-Signature":"***"}}`
)

func TestDeliveries(t *testing.T) {
	b, _ := logged(t, nil)
	anyone := token(t, "acme", RoleGetAlerts)
	b.want(b.call(anyone, "GET", "/v1/deliveries", ""), 200,
		`{"items":[`+fmt.Sprintf(deliveryJSON, "", "")+`],"next_cursor":"`+listOfDeliveries.cursorAt("next")+`","complete_from":"2026-01-02T03:04:05Z"}`)
	b.want(b.call(token(t, "other", RoleGetAlerts), "GET", "/v1/deliveries", ""), 200, `{"items":[],"next_cursor":"`+listOfDeliveries.cursorAt("next")+`","complete_from":"2026-01-02T03:04:05Z"}`)
	if got := b.call(anyone, "GET", "/v1/deliveries?total=true", ""); got.status != 200 || !strings.Contains(got.body, `"total":10000,"total_more":true`) || !b.asked[len(b.asked)-1].Total {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.asked = nil
	b.wantStatus(b.call(anyone, "GET", "/v1/deliveries?endpoint=01980000-0000-7000-8000-000000000000&event=i&type=access.%3E&status=waiting,503&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&limit=7&cursor="+listOfDeliveries.cursorAt("next"), ""), 200)
	b.wantStatus(b.call(token(t, "", RoleOperator), "GET", "/v1/deliveries?status=dead_lettered", ""), 200)
	want := []transport.DeliveryFilter{
		{Customer: "acme", Endpoint: "01980000-0000-7000-8000-000000000000", EventID: "i", EventType: "access.>", Outcomes: []transport.Outcome{{State: transport.StateWaiting}, {Status: 503}}, From: testNow.Truncate(24*time.Hour).AddDate(0, 0, -1),
			To: testNow.Truncate(24 * time.Hour), Limit: 7, Cursor: "next"},
		{Outcomes: []transport.Outcome{{State: transport.StateDeadLettered}}, Limit: 100},
	}
	if fmt.Sprint(b.asked) != fmt.Sprint(want) {
		t.Errorf("asked\n%+v\nwant\n%+v", b.asked, want)
	}
	b.want(b.call(anyone, "GET", "/v1/deliveries?status=lost", ""), 400, `{"message":"status: not a state (waiting, retrying, delivered, dead_lettered, skipped), a class (failed, throttled, gone, refused) or an HTTP status such as 503; several with commas between them",`+
		`"error_type":"ValidationError","error_code":"VALIDATION_ERROR","details":{"field":"status","status":"lost"}}`)
	for _, query := range []string{"limit=501", "from=monday", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "cursor=%21", "colour=red"} {
		b.wantStatus(b.call(anyone, "GET", "/v1/deliveries?"+query, ""), 400)
	}
	b.wantStatus(b.call(anyone, "GET", "/v1/deliveries?customer=other", ""), 403)
	b.failure = fmt.Errorf("the delivery log is being read: %w", transport.ErrUnavailable)
	b.wantStatus(b.call(anyone, "GET", "/v1/deliveries", ""), 503)
}

func TestADelivery(t *testing.T) {
	b, d := logged(t, nil)
	anyone := token(t, "acme", RoleGetAlerts)
	path := "/v1/deliveries/" + transport.DeliveryID(d.Pair)
	b.want(b.call(anyone, "GET", path, ""), 200, fmt.Sprintf(deliveryJSON, `,"time":"2026-01-02T03:04:05Z","data":{"card":{"number":"4111"},"n":1.50}`,
		requestJSON+fmt.Sprintf(attemptJSON, "unknown")+`,"body":"{\"type\":\"access.granted\",\"data\":{\"card\":{\"number\":\"4111\"},\"n\":1.50}}","body_is":"unknown","body_sha256":"61b589898cfaf99c15d2372494de1fd5e51c3ed7a35d5f9d207391efa68158fb"`))
	for settings, want := range map[uint32]string{5: "sent", 6: "changed"} {
		d.Records[0].Answer.Settings, d.Records[0].Answer.Revision = settings, 12
		if a := read[ShownDelivery](b, b.call(anyone, "GET", path, "")).Attempts[0]; a.RequestIs != want || a.Revision != 12 {
			t.Errorf("settings %d: %+v", settings, a)
		}
	}
	note := func(want string) {
		t.Helper()
		got := read[ShownDelivery](b, b.call(anyone, "GET", path, ""))
		if got.Body != "" || got.BodyNote != want || len(got.Attempts) != 1 {
			t.Errorf("%+v, want the note %q", got, want)
		}
	}
	b.eventLog[7].Data = []byte("false")
	note("the endpoint as it is now has no body for it: no body")
	delete(b.endpoints, deliveryEndpoint)
	note("the endpoint was removed")
	d.State = transport.StateSkipped
	note("the event was skipped: nothing was sent")
	delete(b.eventLog, 7)
	note("the event is no longer kept")
	for _, id := range []string{"7-" + deliveryEndpoint, "8-" + deliveryEndpoint + ".3", "x", "7-a%2Fb"} {
		if got := b.call(anyone, "GET", "/v1/deliveries/"+id, ""); got.status != 404 || !strings.Contains(got.body, `"error_type":"DeliveryNotFoundError"`) {
			t.Errorf("%s: %d %s", id, got.status, got.body)
		}
	}
	b.want(b.call(token(t, "other", RoleAdmin), "GET", path, ""), 404,
		`{"message":"Delivery `+transport.DeliveryID(d.Pair)+` not found","error_type":"DeliveryNotFoundError","error_code":"DELIVERY_NOT_FOUND"}`)
}

// What is masked is masked in the event, in what was made of it, and in an
// answer that gives it back, whether its path begins at the event or not.
func TestWhatIsMaskedIsNotShown(t *testing.T) {
	for _, path := range []string{`{"data":{"card":{"number":`, `{"card":{"number":`} {
		mask := func(doc []byte) []byte {
			return bytes.Replace(doc, []byte(path+`"4111"`), []byte(path+`"[masked]"`), 1)
		}
		b, d := logged(t, func(o *Options) { o.Redact = mask })
		d.Records[0].Answer.Body = []byte(path + `"4111"}}`)
		got := b.call(token(t, "acme", RoleGetAlerts), "GET", "/v1/deliveries/"+transport.DeliveryID(d.Pair), "")
		if got.status != 200 || strings.Contains(got.body, "4111") || strings.Count(got.body, "[masked]") != 3 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func (n *node) Recent(_ context.Context, customer string, most int) (recent []*transport.Event, err error) {
	for _, ev := range n.eventLog {
		if ev.Customer == customer {
			recent = append(recent, ev)
		}
	}
	slices.SortFunc(recent, func(a, b *transport.Event) int { return cmp.Compare(b.Seq, a.Seq) })
	return recent[:min(most, len(recent))], n.failure
}
