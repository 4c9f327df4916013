package jet

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
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
		{name: "then ce-id", data: genea, headers: []string{"ce-id", "c%20d", "ce-source", "/s", "ce-time", "2022-02-02T00:00:00+01:00"}, id: "c d", given: true, source: "/s", time: "2022-02-01T23:00:00Z"},
		{name: "Postrider-Time", data: `{"time":"2020-01-01T00:00:00Z"}`, headers: []string{"Postrider-Time", "2023-03-03T00:00:00Z"}, id: "EVENTS-7", time: "2023-03-03T00:00:00Z"},
		{name: "unix seconds", data: `{"timestamp":1600000000.5}`, id: "EVENTS-7", time: "2020-09-13T12:26:40.5Z"},
		{name: "unix milliseconds", data: `{"time":1600000000123}`, id: "EVENTS-7", time: "2020-09-13T12:26:40.123Z"},
		{name: "a time that is none is passed over", data: `{"event_time":"soon","timestamp":1600000000}`, id: "EVENTS-7", time: "2020-09-13T12:26:40Z"},
		{name: "structured CloudEvent", data: cloud, headers: structured, id: "ce1", given: true, source: "/doors", time: "2021-01-01T00:00:00Z", out: `{"id":1}`},
		{name: "its data in base64", data: `{"specversion":"1.0","id":"c","source":"s","type":"t","data_base64":"eyJhIjoxfQ=="}`, headers: structured, id: "c", given: true, source: "s", out: `{"a":1}`},
		{name: "without data", data: `{"specversion":"1.0","id":"c","source":"s","type":"t"}`, headers: structured, id: "c", given: true, source: "s", out: `null`},
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

func FuzzScanJSON(f *testing.F) {
	for _, s := range []string{`{}`, `[1,{"a":[]}]`, `{"uuid":"x","time":-1.5e+3}`, `"\u00e9\n"`, "01", "1.", "-", "[1,]", `{"a":1,}`, "\"\x01\"", "nul", " true ", strings.Repeat("[", 10001)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d document
		got := scanJSON(b, &d)
		if want := json.Valid(b); got != want {
			t.Fatalf("scanJSON %v, json.Valid %v: %q", got, want, b)
		}
		if got && d.time != nil && !json.Valid(d.time) {
			t.Fatalf("time %q of %q", d.time, b)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add("events.acme.x", []byte(`{"uuid":"u","event_type":"A","time":1}`), "", "Content-Type", "application/cloudevents+json")
	f.Add("events.acme.x", []byte(`{"specversion":"1.0","id":"a","source":"b","type":"c","data_base64":"MQ=="}`), "id", "Content-Type", "application/cloudevents+json")
	f.Fuzz(func(t *testing.T, subject string, data []byte, id, header, value string) {
		in := &inbound{Subject: subject, Data: data, Seq: 1, Stored: testTime, Header: nats.Header{header: {value}}}
		if id != "" {
			in.Header.Set("Nats-Msg-Id", id)
		}
		ev, letter, err := decodeInbound(context.Background(), in, noObjects)
		if err != nil || (ev == nil) == (letter == nil) {
			t.Fatalf("%v, %v, %v", ev, letter, err)
		}
		if ev != nil && (!json.Valid(ev.Data) || ev.ID == "" || len(ev.ID) > transport.MaxIDLength || ev.Time.IsZero()) {
			t.Fatalf("%+v", ev)
		}
	})
}

func sampleDocument(n int) []byte {
	b := []byte(`{"uuid":"5fd0aad3d64a99000414d61e","event_time":"2020-12-09T10:45:38.000Z","event_type":"ACCESS","actor":{"user_name":"Ada","n":[1,2.5,true,null]},"note":"`)
	return append(append(b, strings.Repeat("lorem ipsum ", (n-len(b))/12)...), `"}`...)
}

func BenchmarkDecode1KiB(b *testing.B) {
	in := &inbound{Subject: "events.acme.access.granted", Data: sampleDocument(1024), Seq: 1, Stored: testTime}
	b.SetBytes(int64(len(in.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if ev, _, _ := decodeInbound(context.Background(), in, noObjects); ev == nil {
			b.Fatal("no event")
		}
	}
}

func BenchmarkScanJSON1KiB(b *testing.B) {
	data := sampleDocument(1024)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var d document
		scanJSON(data, &d)
	}
}

func BenchmarkJSONValid1KiB(b *testing.B) {
	data := sampleDocument(1024)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		json.Valid(data)
	}
}
