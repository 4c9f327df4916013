package api

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload/catalogue"
)

// testGrace is what a test may take beyond the endpoint's own time limit.
const testGrace = 5 * time.Second

// TestInput chooses the sample event of a test, and what is tested.
type TestInput struct {
	// Endpoint are changes that are not saved; with them a test needs the roles of
	// saving them.
	Endpoint json.RawMessage `json:"endpoint" doc:"Changes that are not saved, as a merge patch: the endpoint is tested as it would be with them. Asks for the roles of PATCH /v1/endpoints/{id}"`
	Type     string          `json:"type" doc:"The event's type; by default one that fits the profile"`
	Data     json.RawMessage `json:"data" doc:"The event's document; by default a sample"`
	// DryRun shows the request and sends nothing.
	DryRun bool `json:"dry_run" doc:"Show the request, headers and body, without sending it"`
}

// TestResult tells what one test attempt sent and what came back.
type TestResult struct {
	Success bool        `json:"success" doc:"Of a dry run: whether there is a request to send"`
	DryRun  bool        `json:"dry_run,omitempty"`
	Request TestRequest `json:"request"`
	Answer  TestAnswer  `json:"answer"`
	Timings TestTimings `json:"timings"`
}

// TestRequest is what was sent, secrets aside.
type TestRequest struct {
	Method    string          `json:"method"`
	URL       string          `json:"url"`
	EventID   string          `json:"event_id"`
	EventType string          `json:"event_type"`
	Data      json.RawMessage `json:"data"`
	// Headers and Body are rendered beside the attempt: a time in them, and a
	// signature over it, may be a second off.
	Headers map[string]string `json:"headers,omitempty" doc:"Values of the endpoint's own headers masked"`
	Body    string            `json:"body,omitempty" doc:"Nothing where there is no request to show, as for mails"`
}

// TestAnswer is what came back; status 0: no answer came.
type TestAnswer struct {
	Status int    `json:"status"`
	Class  string `json:"class" doc:"delivered, failed, throttled, gone, refused, aborted or skip; empty: nothing was sent, and nothing stands in the way"`
	Reason string `json:"reason"`
	Detail string `json:"detail" doc:"In words, what is wrong and what to do"`
	Body   string `json:"body" doc:"The first 4 KiB"`
}

// TestTimings are milliseconds; a phase that did not happen is 0.
type TestTimings struct {
	Total     float64 `json:"total_ms"`
	DNS       float64 `json:"dns_ms"`
	Connect   float64 `json:"connect_ms"`
	TLS       float64 `json:"tls_ms"`
	FirstByte float64 `json:"first_byte_ms"`
}

type testAnswer struct{ Body TestResult }

func (s *Server) testEndpoint(ctx context.Context, in *byID) (*testAnswer, error) {
	ep, err := s.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var wish TestInput
	if err := decode(bodyOf(ctx), &wish); err != nil {
		return nil, err
	}
	if ep.Kind == transport.KindEmail && (wish.Type != "" || len(wish.Data) > 0) {
		return nil, invalid(cmp.Or(map[bool]string{true: "type"}[wish.Type != ""], "data"), "a mailbox is tested with a sample, so that nobody is written to in our name: leave it out")
	}
	if len(wish.Endpoint) > 0 && string(wish.Endpoint) != "null" {
		who := callerOf(ctx)
		if !who.may(editRoles) {
			return nil, lacksRoles(editRoles)
		}
		if ep, err = s.edited(who, ep, wish.Endpoint); err != nil {
			return nil, err
		}
	}
	return s.try(ctx, ep, &wish)
}

// try sends a sample to ep, saved or not, or shows what would be sent.
func (s *Server) try(ctx context.Context, ep *transport.Endpoint, wish *TestInput) (*testAnswer, error) {
	ev, err := sampleEvent(ep, wish, s.Now().UTC())
	if err != nil {
		return nil, err
	}
	request, refused := s.preview(ep, ev)
	if wish.DryRun {
		nothingDone(ctx)
		result := testResult(ep, ev, refused)
		result.DryRun, result.Success = true, request != nil
		result.Request.show(request)
		return &testAnswer{Body: result}, nil
	}
	if err := s.tests.take(callerOf(ctx), ep); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ep.Delivery.Timeout)+testGrace)
	defer cancel()
	result := testResult(ep, ev, s.Tester.Test(ctx, ep, ev))
	result.Answer.Body = s.shownAnswer([]byte(result.Answer.Body), ep.Veil())
	result.Request.show(request)
	return &testAnswer{Body: result}, nil
}

// sampleTypes are the types of samples by profile.
var sampleTypes = map[string]string{
	transport.ProfileGenea:   "access.granted",
	transport.ProfileGenLogs: "alert.test",
}

// show puts in what is sent; nil: there is nothing to show.
func (r *TestRequest) show(p *Preview) {
	if p == nil {
		return
	}
	r.Method, r.URL, r.Body = p.Method, p.URL, string(p.Body)
	r.Headers = make(map[string]string, len(p.Header))
	for name := range p.Header {
		r.Headers[name] = p.Header.Get(name)
	}
}

// sampleEvent is the event of a test.
func sampleEvent(ep *transport.Endpoint, wish *TestInput, now time.Time) (*transport.Event, error) {
	typ := cmp.Or(wish.Type, sampleTypes[ep.Profile], "postrider.test")
	if err := transport.CheckType(typ); err != nil {
		return nil, err
	}
	ev := &transport.Event{ID: "test-" + uuid.NewString(), Customer: ep.Customer, Type: typ,
		Time: now, Stored: now, Data: wish.Data}
	if len(ev.Data) == 0 || string(ev.Data) == "null" {
		ev.Data = sampleData(ep, ev)
	}
	return ev, nil
}

// sampleData is the catalogue's sample of the type, as if it happened now and
// to a test user, from hardware that the endpoint's version covers.
func sampleData(ep *transport.Endpoint, ev *transport.Event) []byte {
	entry, known := catalogue.Find(ev.Type)
	if !known && ep.Format == "genea" {
		entry, _ = catalogue.Find(sampleTypes[transport.ProfileGenea])
	} else if !known {
		entry, _ = catalogue.Find(sampleTypes[transport.ProfileGenLogs])
	}
	var sample map[string]any
	_ = json.Unmarshal(entry.Sample, &sample) // the catalogue's tests see to that
	now := map[string]any{"uuid": ev.ID, "hardware": sampleHardware(ep.Version)}
	for _, name := range []string{"event_time", "created_at", "time"} {
		now[name] = ev.Time.Format("2006-01-02T15:04:05.000Z")
	}
	for name, value := range now {
		if _, there := sample[name]; there {
			sample[name] = value
		}
	}
	if actor, ok := sample["actor"].(map[string]any); ok {
		actor["user_name"], actor["user_email"] = "Test User", "test@example.com"
	}
	raw, _ := json.Marshal(sample) // was parsed from JSON: cannot fail
	return raw
}

func sampleHardware(version string) string {
	if version == "v1" {
		return transport.HardwareVertX
	}
	return transport.HardwareMercury
}

func testResult(ep *transport.Endpoint, ev *transport.Event, a transport.Answer) TestResult {
	return TestResult{
		Success: a.Class == transport.Delivered,
		Request: TestRequest{Method: "POST", URL: ep.URL, EventID: ev.ID, EventType: ev.Type, Data: ev.Data},
		Answer: TestAnswer{Status: a.Status, Class: a.Class.String(), Reason: a.Reason, Detail: a.Detail,
			Body: text(a.Body)},
		Timings: TestTimings{Total: ms(a.Took), DNS: ms(a.DNS), Connect: ms(a.Connect), TLS: ms(a.TLS),
			FirstByte: ms(a.FirstByte)},
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
