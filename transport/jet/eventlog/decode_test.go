package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

func noObjects(context.Context, string) ([]byte, error) { return nil, transport.ErrNotFound }

func TestDecode(t *testing.T) {
	stored := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const genea = `{"uuid":"5fd0","event_time":"2020-12-09T10:45:38.000Z","event_type":"ACCESS","time":1}`
	const cloud = `{"specversion":"1.0","id":"ce1","source":"/doors","type":"com.x","time":"2021-01-01T00:00:00Z","data": {"id":1} }`
	structured := []string{"Content-Type", "application/cloudevents+json; charset=utf-8"}
	cases := []struct {
		name, subject, data string
		headers             []string
		id                  string
		given               bool
		typ                 string
		time                string
		out                 string
		source              string
		reason              string
	}{
		{name: "a plain document", data: `{"id":1}`, id: "EVENTS-7"},
		{name: "white space around", data: " \n{\"a\": 1}\r\n", out: `{"a": 1}`, id: "EVENTS-7"},
		{name: "a Genea envelope", data: genea, id: "5fd0", given: true, time: "2020-12-09T10:45:38Z"},
		{name: "a uuid alone is no envelope", data: `{"uuid":"x"}`, id: "EVENTS-7"},
		{name: "nor is a nested one", data: `{"a":{"uuid":"x","event_type":"y"}}`, id: "EVENTS-7"},
		{name: "a uuid with escapes", data: `{"event_action":"A","uuid":"a\u0062"}`, id: "ab", given: true},
		{name: "Nats-Msg-Id first", data: genea, headers: []string{"Nats-Msg-Id", "n", "Postrider-Id", "p", "ce-id", "c"}, id: "n", given: true, time: "2020-12-09T10:45:38Z"},
		{name: "then Postrider-Id", data: `1`, headers: []string{"Postrider-Id", "p", "ce-id", "c"}, id: "p", given: true},
		{name: "then ce-id", data: genea, headers: []string{"ce-id", "c%20d", "ce-source", "/s", "ce-time", "2022-02-02T00:00:00+01:00"}, id: sourced("c%20d", "/s"), given: true, source: "/s", time: "2022-02-01T23:00:00Z"},
		{name: "Postrider-Time", data: `{"time":"2020-01-01T00:00:00Z"}`, headers: []string{"Postrider-Time", "2023-03-03T00:00:00Z"}, id: "EVENTS-7", time: "2023-03-03T00:00:00Z"},
		{name: "unix seconds", data: `{"timestamp":1600000000.5}`, id: "EVENTS-7", time: "2020-09-13T12:26:40.5Z"},
		{name: "unix milliseconds", data: `{"time":1600000000123}`, id: "EVENTS-7", time: "2020-09-13T12:26:40.123Z"},
		{name: "a time that is none is passed over", data: `{"event_time":"soon","timestamp":1600000000}`, id: "EVENTS-7", time: "2020-09-13T12:26:40Z"},
		{name: "structured CloudEvent", data: cloud, headers: structured, id: sourced("ce1", "/doors"), given: true, source: "/doors", time: "2021-01-01T00:00:00Z", out: `{"id":1}`},
		{name: "its data in base64", data: `{"specversion":"1.0","id":"c","source":"s","type":"t","data_base64":"eyJhIjoxfQ=="}`, headers: structured, id: sourced("c", "s"), given: true, source: "s", out: `{"a":1}`},
		{name: "without data", data: `{"specversion":"1.0","id":"c","source":"s","type":"t"}`, headers: structured, id: sourced("c", "s"), given: true, source: "s", out: `null`},
		{name: "without a content type, as SDKs send it", data: cloud, id: sourced("ce1", "/doors"), given: true, source: "/doors", time: "2021-01-01T00:00:00Z", out: `{"id":1}`},
		{name: "with another content type", data: cloud, headers: []string{"Content-Type", "application/json"}, id: sourced("ce1", "/doors"), given: true, source: "/doors", time: "2021-01-01T00:00:00Z", out: `{"id":1}`},
		{name: "what looks like one and says that it is data", data: cloud, headers: []string{"Postrider-Data", "json"}, id: "EVENTS-7", time: "2021-01-01T00:00:00Z"},
		{name: "what has no version is a document", data: `{"id":"1","source":"s","type":"t"}`, id: "EVENTS-7"},
		{name: "names are matched exactly", data: `{"specversion":"1.0","ID":"1","Id":"2","id":"3","source":"s","Source":"x","type":"t","Data":1,"data":2}`, headers: structured, id: sourced("3", "s"), given: true, source: "s", out: `2`},
		{name: "the same id of two sources", data: `1`, headers: []string{"Ce-Id", "1", "Ce-Source", "/door/A"}, id: "1_153ac7de242a4a6a", given: true, source: "/door/A"},
		{name: "are two events", data: `1`, headers: []string{"ce-id", "1", "ce-source", "/door/B"}, id: "1_6d28a218e18769db", given: true, source: "/door/B"},
		{name: "binary mode without data", data: ``, headers: []string{"ce-id", "1", "ce-source", "s"}, id: sourced("1", "s"), given: true, source: "s", out: `null`},
		{name: "XML in binary mode", data: `<a/>`, headers: []string{"ce-id", "1", "ce-source", "s", "ce-datacontenttype", "application/xml"}, id: sourced("1", "s"), given: true, source: "s", out: `"<a/>"`},
		{name: "a CloudEvent by HTTP", data: `"<a/>"`, headers: []string{"Postrider-Id", "1", "Postrider-Cloud-Event", `{"id":"1","source":"s","datacontenttype":"text/xml"}`}, id: sourced("1", "s"), given: true, source: "s"},

		{name: "letters of other scripts in an id", data: `1`, headers: []string{"Nats-Msg-Id", "東京-3 b"}, id: "%E6%9D%B1%E4%BA%AC-3%20b", given: true},
		{name: "ce-id is percent-encoded on its way", data: `1`, headers: []string{"ce-id", "caf%c3%A9-2", "ce-source", "s"}, id: sourced("caf%C3%A9-2", "s"), given: true, source: "s"},
		{name: "and not in structured mode", data: `{"specversion":"1.0","id":"café-2","source":"s","type":"t","data":1}`, headers: structured, id: sourced("caf%C3%A9-2", "s"), given: true, source: "s", out: `1`},
		{name: "what is encoded already stays", data: `1`, headers: []string{"Postrider-Id", "caf%C3%A9-2"}, id: "caf%C3%A9-2", given: true},
		{name: "blanks at the ends are left out", data: `{"event_type":"A","uuid":" \t a b "}`, id: "a%20b", given: true},
		{name: "blanks alone are no id", data: genea, headers: []string{"Nats-Msg-Id", "  "}, id: "5fd0", given: true, time: "2020-12-09T10:45:38Z"},
		{name: "what is no UTF-8", data: `1`, headers: []string{"Nats-Msg-Id", "caf\xe9"}, id: "caf%E9", given: true},

		{name: "a byte order mark", data: "\ufeff {\"a\":1}", out: `{"a":1}`, id: "EVENTS-7"},
		{name: "t and z in lower case", data: `{"time":"2026-11-30t14:00:00z"}`, id: "EVENTS-7", time: "2026-11-30T14:00:00Z"},
		{name: "a leap second", data: `{"time":"2016-12-31T23:59:60Z"}`, id: "EVENTS-7", time: "2017-01-01T00:00:00Z"},
		{name: "a leap second elsewhere", data: `1`, headers: []string{"Postrider-Time", "1990-12-31T15:59:60-08:00"}, id: "EVENTS-7", time: "1991-01-01T00:00:00Z"},
		{name: "ops", subject: "ops.acme.endpoint.failing", data: `{}`, id: "EVENTS-7", typ: "ops.endpoint.failing"},

		{name: "not JSON", data: `{"a":`, reason: transport.ReasonNotJSON},
		{name: "empty", data: ``, reason: transport.ReasonNotJSON},
		{name: "two values", data: `1 2`, reason: transport.ReasonNotJSON},
		{name: "nested beyond all sense", data: strings.Repeat("[", 1<<20), reason: transport.ReasonNotJSON},
		{name: "a customer with a dot too many", subject: "events.acme", data: `{}`, reason: transport.ReasonBadSubject},
		{name: "an id too long", data: `{}`, headers: []string{"Nats-Msg-Id", strings.Repeat("x", 257)}, reason: transport.ReasonBadID},
		{name: "an id with a control character", data: `{"event_type":"A","uuid":"a\u0007"}`, reason: transport.ReasonBadID},
		{name: "another CloudEvents version", data: `{}`, headers: []string{"ce-specversion", "0.3", "ce-id", "c"}, reason: transport.ReasonBadCloudEvent},
		{name: "a batch", data: `[]`, headers: []string{"Content-Type", "application/cloudevents-batch+json"}, reason: transport.ReasonBadCloudEvent},
		{name: "no source", data: `{"specversion":"1.0","id":"c","type":"t"}`, headers: structured, reason: transport.ReasonBadCloudEvent},
		{name: "data twice", data: `{"specversion":"1.0","id":"c","source":"s","type":"t","data":1,"data_base64":"MQ=="}`, headers: structured, reason: transport.ReasonBadCloudEvent},
		{name: "base64 that is no JSON", data: `{"specversion":"1.0","id":"c","source":"s","type":"t","data_base64":"eyI="}`, headers: structured, reason: transport.ReasonBadCloudEvent},
		{name: "a payload that is gone", data: ``, headers: []string{"Postrider-Object", "x"}, reason: transport.ReasonPayloadGone},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := &inbound{Subject: c.subject, Data: []byte(c.data), Seq: 7, Stored: stored}
			if in.Subject == "" {
				in.Subject = "events.acme.access.granted"
			}
			if len(c.headers) > 0 {
				in.Header = nats.Header{}
			}
			for i := 0; i < len(c.headers); i += 2 {
				in.Header.Set(c.headers[i], c.headers[i+1])
			}
			ev, letter, err := decodeInbound(t.Context(), in, noObjects)
			if err != nil {
				t.Fatal(err)
			}
			if c.reason != "" {
				if letter == nil || letter.Reason != c.reason || letter.Detail == "" || letter.Event.Seq != 7 || letter.Subject != in.Subject {
					t.Fatalf("event %+v, letter %+v", ev, letter)
				}
				return
			}
			if letter != nil {
				t.Fatalf("letter: %s, %s", letter.Reason, letter.Detail)
			}
			if c.typ == "" {
				c.typ = "access.granted"
			}
			if c.time == "" {
				c.time = stored.Format(time.RFC3339Nano)
			}
			if c.out == "" {
				c.out = c.data
			}
			if ev.ID != c.id || ev.IDGiven != c.given || ev.Customer != "acme" || ev.Type != c.typ || ev.Source != c.source ||
				ev.Time.Format(time.RFC3339Nano) != c.time || string(ev.Data) != c.out || !ev.Stored.Equal(stored) {
				t.Errorf("%+v with data %s", ev, ev.Data)
			}
		})
	}
}

func sourced(id, source string) string { return transport.SourcedID(id, source) }

// TestCloudEventsKeepWhatTheySay: subject and extensions are with the event,
// by both modes the same.
func TestCloudEventsKeepWhatTheySay(t *testing.T) {
	binary := &inbound{Subject: "events.acme.x", Seq: 1, Stored: jettest.Time, Data: []byte("<a/>"), Header: nats.Header{"ce-specversion": {"1.0"},
		"ce-id": {"caf%C3%A9"}, "ce-source": {"/s"}, "ce-type": {"t"}, "ce-subject": {"Main%20door"}, "ce-zone": {"b"}, "ce-datacontenttype": {"text/xml"}}}
	structured := &inbound{Subject: "events.acme.x", Seq: 1, Stored: jettest.Time, Data: []byte(
		`{"specversion":"1.0","id":"café","source":"/s","type":"t","subject":"Main door","zone":"b","datacontenttype":"text/xml","data":"<a/>"}`)}
	want := &cloudevents.Attributes{ID: "café", Source: "/s", Subject: "Main door", DataContentType: "text/xml",
		Extensions: []cloudevents.Extension{{Name: "zone", Value: []byte(`"b"`)}}}
	for name, in := range map[string]*inbound{"binary": binary, "structured": structured} {
		ev, letter, err := decodeInbound(t.Context(), in, noObjects)
		if err != nil || letter != nil {
			t.Fatal(name, letter, err)
		}
		if !reflect.DeepEqual(ev.Cloud, want) || ev.ID != sourced("caf%C3%A9", "/s") || string(ev.Data) != `"<a/>"` {
			t.Errorf("%s: %+v of %s", name, ev.Cloud, ev.Data)
		}
	}
}

func TestDecodeFetchesThePayload(t *testing.T) {
	in := &inbound{Subject: "events.acme.x", Header: nats.Header{"Postrider-Object": {"o"}}, Seq: 1}
	ev, _, err := decodeInbound(t.Context(), in, func(_ context.Context, name string) ([]byte, error) { return []byte(` {"from":"` + name + `"}`), nil })
	if err != nil || ev.Object != "o" || string(ev.Data) != `{"from":"o"}` {
		t.Fatalf("%+v, %v", ev, err)
	}
	away := errors.New("away")
	if _, letter, err := decodeInbound(t.Context(), in, func(context.Context, string) ([]byte, error) { return nil, away }); !errors.Is(err, away) || letter != nil {
		t.Fatalf("an object store that is away must not bury the event: %v, %v", letter, err)
	}
}

func TestTraceparentIsTakenWhereValid(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for header, want := range map[string]string{"traceparent": trace, "ce-traceparent": trace} {
		in := &inbound{Subject: "events.acme.x", Data: []byte(`1`), Header: nats.Header{header: {trace}}}
		if ev, _, _ := decodeInbound(t.Context(), in, noObjects); ev.Traceparent != want {
			t.Errorf("%s: %q", header, ev.Traceparent)
		}
	}
	in := &inbound{Subject: "events.acme.x", Data: []byte(`1`), Header: nats.Header{"traceparent": {trace + "\r\nx"}}}
	if ev, _, _ := decodeInbound(t.Context(), in, noObjects); ev.Traceparent != "" {
		t.Errorf("%q", ev.Traceparent)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("events.acme.x", []byte(`{"uuid":"u","event_type":"A","time":1}`), "", "Content-Type", "application/cloudevents+json")
	f.Add("events.acme.x", []byte(`{"specversion":"1.0","id":"a","source":"b","type":"c","data_base64":"MQ=="}`), "id", "Content-Type", "application/cloudevents+json")
	f.Fuzz(func(t *testing.T, subject string, data []byte, id, header, value string) {
		in := &inbound{Subject: subject, Data: data, Seq: 1, Stored: jettest.Time, Header: nats.Header{header: {value}}}
		if id != "" {
			in.Header.Set("Nats-Msg-Id", id)
		}
		ev, letter, err := decodeInbound(context.Background(), in, noObjects)
		if err != nil || (ev == nil) == (letter == nil) {
			t.Fatalf("%v, %v, %v", ev, letter, err)
		}
		if ev != nil && (!json.Valid(ev.Data) || ev.ID == "" || len(ev.ID) > transport.MaxEventID || !visibleASCII(ev.ID) || ev.Time.IsZero()) {
			t.Fatalf("%+v", ev)
		}
	})
}

func visibleASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

func BenchmarkDecode1KiB(b *testing.B) {
	in := &inbound{Subject: "events.acme.access.granted", Data: jettest.SampleDocument(1024), Seq: 1, Stored: jettest.Time}
	b.SetBytes(int64(len(in.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if ev, _, _ := decodeInbound(context.Background(), in, noObjects); ev == nil {
			b.Fatal("no event")
		}
	}
}
