package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

// TestCloudEventsByHTTP: in each mode the same event comes of it.
func TestCloudEventsByHTTP(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	const envelope = `{"specversion":"1.0","id":"caf\u00e9-2","source":"/door/A","type":"com.example.opened","time":"2026-11-30t14:00:00z",` +
		`"subject":"Main","zone":"b","datacontenttype":"text/xml","data":"<a/>"}`
	structured := []string{"Content-Type", "application/cloudevents+json; charset=utf-8"}
	binary := []string{"Content-Type", "text/xml", "ce-specversion", "1.0", "ce-id", "caf%C3%A9-2", "ce-source", "/door/A",
		"ce-type", "com.example.opened", "ce-time", "2026-11-30T14:00:00Z", "ce-subject", "Main", "ce-zone", "b"}
	for name, c := range map[string]struct {
		body    string
		headers []string
		answer  string
	}{
		"structured":                  {envelope, structured, `{"id":"caf%C3%A9-2","seq":1}`},
		"structured, byte order mark": {"\ufeff" + envelope, structured, `{"id":"caf%C3%A9-2","seq":1}`},
		"structured, no content type": {envelope, []string{"Content-Type", "application/json"}, `{"id":"caf%C3%A9-2","seq":1}`},
		"in an array":                 {"[" + envelope + "]", nil, `{"events":[{"id":"caf%C3%A9-2","seq":1}]}`},
		"a line":                      {envelope + "\n", []string{"Content-Type", "application/x-ndjson"}, `{"events":[{"id":"caf%C3%A9-2","seq":1}]}`},
		"a batch":                     {"[" + envelope + "]", []string{"Content-Type", "application/cloudevents-batch+json"}, `{"events":[{"id":"caf%C3%A9-2","seq":1}]}`},
		"binary":                      {"<a/>", binary, `{"id":"caf%C3%A9-2","seq":1}`},
	} {
		b.events = nil
		b.want(b.call(publisher, "POST", "/v1/events", c.body, c.headers...), 202, c.answer)
		if len(b.events) != 1 {
			t.Fatalf("%s: %d events", name, len(b.events))
		}
		ev := b.events[0]
		want := cloudevents.Attributes{ID: "café-2", Source: "/door/A", Subject: "Main", DataContentType: "text/xml",
			Extensions: []cloudevents.Extension{{Name: "zone", Value: []byte(`"b"`)}}}
		if ev.Cloud == nil || fmt.Sprint(*ev.Cloud) != fmt.Sprint(want) || ev.ID != "caf%C3%A9-2" || !ev.IDGiven || ev.Source != "/door/A" ||
			ev.Type != "com.example.opened" || ev.Customer != "acme" || string(ev.Data) != `"<a/>"` || ev.Time.Format("15:04") != "14:00" {
			t.Errorf("%s: %+v, %+v", name, ev, ev.Cloud)
		}
	}
	b.events = nil
	b.want(b.call(publisher, "POST", "/v1/events", "", "ce-id", "1", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0"), 202, `{"id":"1","seq":1}`)
	if ev := b.events[0]; string(ev.Data) != "null" || ev.Cloud.Form != cloudevents.NoData {
		t.Errorf("without data: %s, %+v", ev.Data, ev.Cloud)
	}
	operator := token(t, "", RoleOperator)
	b.wantStatus(b.call(operator, "POST", "/v1/events?customer=beta", envelope, structured...), 202)
	b.wantStatus(b.call(publisher, "POST", "/v1/events?customer=beta", envelope, structured...), 403)
}

func TestCloudEventsThatAreRefused(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	const structured, batch = "application/cloudevents+json", "application/cloudevents-batch+json"
	const good = `{"specversion":"1.0","id":"1","source":"s","type":"t"}`
	for _, c := range []struct{ body, kind, field, message string }{
		{`{"specversion":"1.0","id":"1","type":"t"}`, structured, "source", "missing"},
		{`{"specversion":"1.0","ID":"1","source":"s","type":"t"}`, structured, "id", "missing"},
		{`{"specversion":"1.0","id":" ","source":"s","type":"t"}`, structured, "id", "missing"},
		{`{"specversion":"0.3","id":"1","source":"s","type":"t"}`, structured, "specversion", "1.0"},
		{`{"specversion":"1.0","id":"1","source":"s","type":"a b"}`, structured, "type", "space"},
		{`[` + good + `,{}]`, batch, "[1].specversion", "missing"},
		{`[` + good + `,`, batch, "body", "array of CloudEvents"},
		{`[]`, batch, "body", "an empty array"},
		{good, "application/cloudevents+avro", "Content-Type", "not a format"},
	} {
		got := b.call(publisher, "POST", "/v1/events", c.body, "Content-Type", c.kind)
		if got.status != 400 || !strings.Contains(got.body, `"field":"`+c.field+`"`) || !strings.Contains(got.body, c.message) {
			t.Errorf("%s: %d %s", c.body, got.status, got.body)
		}
	}
	got := b.call(publisher, "POST", "/v1/events", `{"a":`, "ce-id", "1", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0")
	if got.status != 400 || !strings.Contains(got.body, `"field":"data"`) {
		t.Errorf("binary mode, no JSON: %d %s", got.status, got.body)
	}
	if len(b.events) > 0 {
		t.Errorf("%d events were taken", len(b.events))
	}
}

// TestEventsAsPeopleSendThem: a byte order mark, times of all of RFC 3339, ids
// of other scripts.
func TestEventsAsPeopleSendThem(t *testing.T) {
	b := start(t, nil)
	publisher := token(t, "acme", RolePublishEvents)
	b.want(b.call(publisher, "POST", "/v1/events", "\ufeff{\"type\":\"a\",\"id\":\" tür 1 \",\"time\":\"2016-12-31t23:59:60z\",\"data\":1}"), 202, `{"id":"t%C3%BCr%201","seq":1}`)
	if got := b.events[0].Time.Format("2006-01-02T15:04:05Z07:00"); got != "2017-01-01T00:00:00Z" {
		t.Errorf("the time is %s", got)
	}
	lines := "\ufeff{\"type\":\"a\",\"data\":1}\n{\"type\":\"b\",\"data\":2}"
	b.wantStatus(b.call(publisher, "POST", "/v1/events", lines, "Content-Type", "application/x-ndjson"), 202)
	ep := b.made("acme", "\ufeff"+`{"url":"https://example.com/t","from":"2026-11-20t10:00:00z"}`)
	if ep.ID == "" {
		t.Error("no endpoint")
	}
}
