package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
)

// testGrace is what a test may take beyond the endpoint's own time limit.
const testGrace = 5 * time.Second

// TestInput chooses the sample event of a test.
type TestInput struct {
	Type string          `json:"type" doc:"The event's type; by default one that fits the profile"`
	Data json.RawMessage `json:"data" doc:"The event's document; by default a sample"`
}

// TestResult tells what one test attempt sent and what came back.
type TestResult struct {
	Success bool        `json:"success"`
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
}

// TestAnswer is what came back; status 0: no answer came.
type TestAnswer struct {
	Status int    `json:"status"`
	Class  string `json:"class" enum:"delivered,failed,throttled,gone,refused,aborted"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
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
	ev, err := sampleEvent(ep, bodyOf(ctx), s.Now().UTC())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ep.Delivery.Timeout)+testGrace)
	defer cancel()
	return &testAnswer{Body: testResult(ep, ev, s.Tester.Test(ctx, ep, ev))}, nil
}

// sampleTypes are the types of samples by profile.
var sampleTypes = map[string]string{
	transport.ProfileGenea:   "access.granted",
	transport.ProfileGenLogs: "alert.test",
}

func sampleEvent(ep *transport.Endpoint, raw []byte, now time.Time) (*transport.Event, error) {
	var wish TestInput
	if err := decode(raw, &wish); err != nil {
		return nil, err
	}
	if wish.Type == "" {
		wish.Type = sampleTypes[ep.Profile]
	}
	if wish.Type == "" {
		wish.Type = "postrider.test"
	}
	if err := transport.CheckType(wish.Type); err != nil {
		return nil, err
	}
	ev := &transport.Event{ID: "test-" + uuid.NewString(), Customer: ep.Customer, Type: wish.Type,
		Time: now, Stored: now, Data: wish.Data}
	if len(ev.Data) == 0 || string(ev.Data) == "null" {
		ev.Data = sampleData(ep, ev)
	}
	return ev, nil
}

func sampleData(ep *transport.Endpoint, ev *transport.Event) []byte {
	at := ev.Time.Format("2006-01-02T15:04:05.000Z")
	sample := map[string]any{"message": "A test event from Postrider", "test": true, "time": at}
	if ep.Format == "genea" {
		sample = map[string]any{"uuid": ev.ID, "event_time": at, "event_type": "ACCESS",
			"event_action": "SEQUR_ACCESS_GRANTED", "event_message": "Access Granted", "event_note": nil,
			"actor":    map[string]any{"type": "USER", "user_name": "Test User", "user_email": "test@example.com"},
			"location": map[string]any{"name": "Test Location", "timezone": "America/New_York"},
			"card":     map[string]any{"type": "KEYCARD", "status": "ACTIVE", "card_number": "0"},
			"hardware": "mercury", "created_at": at}
	}
	raw, _ := json.Marshal(sample) // strings, a bool and nil: cannot fail
	return raw
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
