package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

var update = flag.Bool("update", false, "write the golden files anew")

// access is Genea's sample as a producer publishes it: hardware beside it, the
// order mixed, two fields that the sample does not know, and what JSON.stringify
// would write otherwise.
const access = `{
  "hardware": "mercury",
  "additional_info": "Prior : Yes, Current : No & <b> \u2028 \u003c",
  "created_at": "2020-12-09T10:45:39.346Z",
  "event_type": "ACCESS", "event_action": "SEQUR_ACCESS_GRANTED", "event_message": "Access Granted",
  "event_note": null, "uuid": "5fd0aad3d64a99000414d61e", "event_time": "2020-12-09T10:45:38.000Z",
  "door": {"10": "b", "name": "Main", "9": "a", "weight": 1.0, "far": 1e3, "serial": 12345678901234567890},
  "location": {"name": "Genea", "uuid": "u-1", "address_line1": "1 Road", "address_line2": "Suite 108", "city": "Alpharetta",
    "state": "GA", "zip": "30004", "phone": null, "timezone": "America/New_York", "latitude": 21.27410, "longitude": 72.9647},
  "actor": {"user_name": "Zoë \ud83d\ude00", "type": "USER", "user_uuid": "u-2", "extra": true},
  "card": {"uuid": "u-4", "type": "KEYCARD", "status": "ACTIVE", "card_number": "12006465125", "start_date": "2020-12-08T11:33:19.000Z", "end_date": null},
  "controller": {"uuid": "u-3", "name": "00:0F:E5:0B:A5:4E", "mac": "00:0f:e5:0b:a5:4e", "model": "LP1502", "status": "OFFLINE"}
}`

const audit = `{"uuid":"a-1","event_time":"2020-12-09T10:45:38.000Z","event_type":"AUDIT","event_action":"CREATED",
  "event_hw_info":{"panel":7},"actor":{"type":"PERSON","user_name":"Ada"},"audit_resource":{"type":"CARD","name":"Card 7","uuid":"c-7","id":7},
  "event_message":"Card created","created_at":"2020-12-09T10:45:39.346Z"}`

func event(doc string) *transport.Event {
	return &transport.Event{
		Seq: 7, ID: "evt-1", Customer: "acme", Type: "access.granted",
		Time: time.Date(2026, 11, 21, 19, 6, 7, 123456700, time.FixedZone("", 3600)),
		Data: []byte(doc),
	}
}

func endpoint(profile, format, version string) *transport.Endpoint {
	return &transport.Endpoint{ID: "123e4567-e89b-12d3-a456-426614174000", Customer: "acme", CustomerID: 123,
		Profile: profile, Format: format, Version: version}
}

func render(t *testing.T, ep *transport.Endpoint, ev *transport.Event) []byte {
	t.Helper()
	r, err := New(ep)
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Body(ev)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestCloudEventsGoOutWithWhatTheyCameWith: the producer's own id, subject,
// extensions, and data as what it is.
func TestCloudEventsGoOutWithWhatTheyCameWith(t *testing.T) {
	for _, c := range []struct{ in, data, want string }{
		{`{"id":"café","subject":"Main \"door\"","dataschema":"/s","extensions":[{"name":"aisle","value":7},{"name":"zone","value":"b"}]}`, `{"a":1}`,
			`"id":"café","source":"/door/A","type":"access.granted","time":"2026-11-21T18:06:07.1234567Z","subject":"Main \"door\"","dataschema":"/s","aisle":7,"zone":"b","datacontenttype":"application/json","data":{"a":1}}`},
		{`{"id":"1","datacontenttype":"text/xml"}`, `"<a/>"`, `"id":"1","source":"/door/A","type":"access.granted","time":"2026-11-21T18:06:07.1234567Z","datacontenttype":"text/xml","data":"<a/>"}`},
		{`{"id":"1","datacontenttype":"image/png","form":"base64"}`, `"iVBORw=="`, `"id":"1","source":"/door/A","type":"access.granted","time":"2026-11-21T18:06:07.1234567Z","datacontenttype":"image/png","data_base64":"iVBORw=="}`},
		{`{"id":"1","form":"none"}`, `null`, `"id":"1","source":"/door/A","type":"access.granted","time":"2026-11-21T18:06:07.1234567Z"}`},
	} {
		ev := event(c.data)
		ev.ID, ev.Source = transport.SourcedID("1", "/door/A"), "/door/A"
		if err := json.Unmarshal([]byte(c.in), &ev.Cloud); err != nil {
			t.Fatal(err)
		}
		got := string(render(t, endpoint("custom", "cloudevents", ""), ev))
		if got != `{"specversion":"1.0",`+c.want {
			t.Errorf("%s\ngot  %s\nwant {\"specversion\":\"1.0\",%s", c.in, got, c.want)
		}
		if back, err := cloudevents.ReadStructured([]byte(got)); err != nil || back.ID != ev.Cloud.ID || string(back.Data) != c.data {
			t.Errorf("%s reads as %+v, %v", got, back, err)
		}
	}
}

func TestBodiesAreAsTheGoldenFiles(t *testing.T) {
	sourced := event(`{"a":1}`)
	sourced.Source = "https://example.com/\"gate\""
	for _, c := range []struct {
		name string
		ep   *transport.Endpoint
		ev   *transport.Event
	}{
		{"standard", endpoint("standard", "standard", ""), event(access)},
		{"raw", endpoint("custom", "", ""), event(access)},
		{"cloudevents", endpoint("custom", "cloudevents", ""), event(`{"a":[1, 2]}`)},
		{"cloudevents_source", endpoint("custom", "cloudevents", ""), sourced},
		{"genlogs", endpoint("genlogs", "", ""), event(`{"a":[1, 2]}`)},
		{"genea_v2_access", endpoint("genea", "genea", "v2"), event(access)},
		{"genea_v2_audit", endpoint("genea", "", "v2"), event(audit)},
		{"genea_v2_array", endpoint("genea", "", "v2"), event(`[1, {"hardware":"vertx"}]`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, c.ep, c.ev)
			file := filepath.Join("testdata", c.name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if !json.Valid(got) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func TestWhatIsNotRenderedIsRefused(t *testing.T) {
	for field, eps := range map[string][]*transport.Endpoint{
		"version": {endpoint("genea", "", "v4"), endpoint("genea", "", ""), endpoint("custom", "genea", "v9")},
		"format":  {endpoint("custom", "xml", ""), endpoint("", "", "")},
	} {
		for _, ep := range eps {
			_, err := New(ep)
			var wrong *transport.FieldError
			if !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%+v: error %v; want one of the field %s", ep, err, field)
			}
		}
	}
}

func TestHeadersOfTheProfiles(t *testing.T) {
	at := time.Unix(1795283000, 999)
	for _, c := range []struct {
		profile, format, contentType, userAgent string
		lines                                   string
	}{
		{"standard", "", "application/json", "", ""},
		{"custom", "cloudevents", "application/cloudevents+json", "", ""},
		{"genlogs", "", "application/json", "GenLogs-Webhook/1.0",
			"X-GenLogs-Event: access.granted\r\nX-GenLogs-Timestamp: 1795283000\r\n"},
	} {
		r, err := New(endpoint(c.profile, c.format, ""))
		if err != nil {
			t.Fatal(err)
		}
		lines := string(r.AppendLines(nil, event(`{}`), at, strings.Clone))
		if r.ContentType() != c.contentType || r.UserAgent() != c.userAgent || lines != c.lines {
			t.Errorf("%s: %s, %q, %q", c.profile, r.ContentType(), r.UserAgent(), lines)
		}
	}
}

func TestRenderingChangesNothingAndRepeats(t *testing.T) {
	for _, ep := range []*transport.Endpoint{endpoint("standard", "", ""), endpoint("genea", "", "v2"), endpoint("custom", "", "")} {
		ev := event(access)
		first := bytes.Clone(render(t, ep, ev))
		if second := render(t, ep, ev); !bytes.Equal(first, second) || string(ev.Data) != access {
			t.Errorf("%s: rendering twice differs, or the document changed", ep.Profile)
		}
	}
}
