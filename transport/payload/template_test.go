package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// withBody is a custom endpoint with a body template.
func withBody(body string, change ...func(*transport.Endpoint)) *transport.Endpoint {
	ep := endpoint("custom", "", "")
	ep.Body = json.RawMessage(body)
	for _, c := range change {
		c(ep)
	}
	return ep
}

func mode(m string) func(*transport.Endpoint) {
	return func(ep *transport.Endpoint) { ep.BodyMode = m }
}

func TestTemplates(t *testing.T) {
	const doc = `{"n":12,"f":2.50,"big":123456789012345678901234567890,"u":18446744073709551615,"b":true,"nil":null,"s":"say \"hi\" \u00e9\u2028<b>",
		"o":{"z":1, "a":[1, 2.0]},"l":["x", "y"],"t":"2026-11-21T18:06:07Z","":"empty name"}`
	for body, want := range map[string]string{
		`"${event.data.n}"`: `12`,
		`["${event.id}"]`:   `["evt-1"]`,
		`{"a":"${event.data.n}","b":" ${event.data.n}"}`:                       `{"a":12,"b":" 12"}`,
		`{"a":"${event.data.f}"}`:                                              `{"a":2.50}`,
		`{"a":"${event.data.u}"}`:                                              `{"a":18446744073709551615}`,
		`{"a":"${event.data.b}","c":"${event.data.nil}"}`:                      `{"a":true,"c":null}`,
		`{"a":"${event.data.o}"}`:                                              `{"a":{"z":1,"a":[1,2.0]}}`,
		`{"a":"${event.data.l}"}`:                                              `{"a":["x","y"]}`,
		`{"a":"${event.data.l[1]}"}`:                                           `{"a":"y"}`,
		`{"a":"${event.data.s}"}`:                                              `{"a":"say \"hi\" \u00e9\u2028<b>"}`,
		`{"a":"${event.data.s + ''}"}`:                                         "{\"a\":\"say \\\"hi\\\" é\u2028<b>\"}",
		`{"a":"${event.data.s}!"}`:                                             `{"a":"say \"hi\" \u00e9\u2028<b>!"}`,
		`{"a":"it is ${event.data.o}, ${event.data.nil}, ${event.data.b}"}`:    `{"a":"it is {\"z\":1,\"a\":[1,2.0]}, null, true"}`,
		`{"a":"${json(event.data.o)}"}`:                                        `{"a":"{\"z\":1,\"a\":[1,2.0]}"}`,
		`{"a":"${json(event.data.l[0])}"}`:                                     `{"a":"\"x\""}`,
		`{"a":"${epoch(event.time)}","b":"${epoch(event.data.t)}"}`:            `{"a":1795284367,"b":1795284367}`,
		`{"a":"${event.time}","b":"at ${event.time}"}`:                         `{"a":"2026-11-21T18:06:07.1234567Z","b":"at 2026-11-21T18:06:07.1234567Z"}`,
		`{"a":"${duration('90s')}","b":"${b'abc'}"}`:                           `{"a":"90s","b":"YWJj"}`,
		`{"a":"${{'b':1,'a':[1.0, -0.5e-9],'c':{}}}"}`:                         `{"a":{"a":[1,-5e-10],"b":1,"c":{}}}`,
		`{"a":"${{1:'x',true:'y'}[1]}"}`:                                       `{"a":"x"}`,
		`{"a":"${'}'}${\"}\"}${'''}'''}${r'\\'}${ {'a':{'b':1}}['a'] }"}`:      `{"a":"}}}\\{\"b\":1}"}`,
		`{"a":"${1 // a } comment\n + 1}"}`:                                    `{"a":2}`,
		`{"a":"$${event.id} $ {x} $$ $"}`:                                      `{"a":"${event.id} $ {x} $$ $"}`,
		`{"a":"cost: $$${event.id}"}`:                                          `{"a":"cost: $${event.id}"}`,
		`{"a":"$${"}`:                                                          `{"a":"${"}`,
		`{"a":"${event.data.?x.orValue('none')}","b":"${event.data.?x}"}`:      `{"a":"none","b":null}`,
		`{"a":"${has(event.data.x) ? event.data.x : 0}"}`:                      `{"a":0}`,
		`{"a":"${event.data.l.map(x, x + '!')}"}`:                              `{"a":["x!","y!"]}`,
		`{"a":"${{'access.granted':'info'}[?event.type].orValue('warning')}"}`: `{"a":"info"}`,
		`{"a":"${event.data.s.replace('<', '&lt;').substring(0, 3)}"}`:         `{"a":"say"}`,
		`{"a":"${'äöü'.truncate(2)}","b":"${event.id.truncate(99)}","c":"${event.id.truncate(-1)}"}`: `{"a":"äö","b":"evt-1","c":""}`,
		`{"a":"${0.0/0.0}","b":"${1.0/0.0}"}`:          `{"a":null,"b":null}`,
		`{ "a" : [ 1.50 , true , null , "x\u0079" ] }`: `{"a":[1.50,true,null,"xy"]}`,
		`{"a":"${event.data.big}"}`:                    `{"a":123456789012345678901234567890}`,
		`{"a":"${double(event.data.big)}"}`:            `{"a":1.2345678901234568e+29}`,
		`{"a":"${event.data[\"\"]}"}`:                  `{"a":"empty name"}`,
	} {
		got, err := renderBody(withBody(body), event(doc))
		if err != nil || string(got) != want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", body, got, err, want)
		}
	}
	all, err := renderBody(withBody(`{"all":"${event}"}`), event(`{"a": 1}`))
	if want := `{"all":{"id":"evt-1","type":"access.granted","customer":"acme","time":"2026-11-21T18:06:07.1234567Z","data":{"a":1}}}`; string(all) != want || err != nil {
		t.Errorf("%s, %v", all, err)
	}
}

func renderBody(ep *transport.Endpoint, ev *transport.Event) ([]byte, error) {
	r, err := New(ep)
	if err != nil {
		return nil, err
	}
	return r.Body(ev)
}

func TestMergeAddsToTheProfilesBody(t *testing.T) {
	in := func(profile, format, version string) func(*transport.Endpoint) {
		return func(ep *transport.Endpoint) { ep.Profile, ep.Format, ep.Version = profile, format, version }
	}
	for _, c := range []struct {
		body, doc, want string
		change          []func(*transport.Endpoint)
	}{
		{`{"site":"${event.customer}"}`, `{"a":1}`, `{"type":"access.granted","timestamp":"2026-11-21T18:06:07.1234567Z","data":{"a":1},"site":"acme"}`,
			[]func(*transport.Endpoint){in("standard", "", ""), mode("merge")}},
		{`{"data":"${event.data.a}"}`, `{"a":1}`, `{"type":"access.granted","timestamp":"2026-11-21T18:06:07.1234567Z","data":1}`,
			[]func(*transport.Endpoint){in("standard", "", ""), mode("merge")}},
		{`{"data":"${event.data.a}"}`, `{"a":1}`, `{"data":1}`, []func(*transport.Endpoint){in("standard", "", "")}},
		{`{}`, `{"a":1}`, `{"a":1}`, []func(*transport.Endpoint){mode("merge")}},
		{`{"b":2}`, `{}`, `{"b":2}`, []func(*transport.Endpoint){mode("merge")}},
		{`{"b":2}`, `{"b": 1, "a\u0062" : [1, 2]}`, `{"a\u0062":[1, 2],"b":2}`, []func(*transport.Endpoint){mode("merge")}},
		{`{"9":"${event.data.uuid}","event_note":"n","big":12345678901234567890}`, `{"uuid":"u","hardware":"mercury","event_type":"ACCESS"}`,
			`{"9":"u","uuid":"u","event_type":"ACCESS","event_note":"n","big":"12345678901234567890"}`, []func(*transport.Endpoint){in("genea", "", "v2")}},
		{`{"n":1.0,"e":"${event.data}"}`, `{"uuid":"u","x":1.0}`, `{"n":1,"e":{"uuid":"u","x":1}}`, []func(*transport.Endpoint){in("genea", "", "v2"), mode("replace")}},
	} {
		got, err := renderBody(withBody(c.body, c.change...), event(c.doc))
		if err != nil || string(got) != c.want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", c.body, got, err, c.want)
		}
	}
	for _, doc := range []string{`[1]`, `1`, `"a"`} {
		if got, err := renderBody(withBody(`{"b":2}`, mode("merge")), event(doc)); err == nil {
			t.Errorf("merged with %s: %s", doc, got)
		}
	}
	for _, m := range []string{"merge", "replace"} {
		_, err := renderBody(withBody(`{"b":2}`, in("genea", "", "v2"), mode(m)), event(`{"hardware":"vertx"}`))
		if !errors.As(err, new(Skip)) {
			t.Errorf("%s: an event of other hardware is no skip: %v", m, err)
		}
	}
}

func TestHeadersWithExpressions(t *testing.T) {
	ep := withBody(`{}`)
	ep.Headers = map[string]string{"x-event": "${event.id}/${event.data.n}", "X-Plain": "a $${b}", "X-Key": "k", "idempotency-key": " ${event.data.s} "[1:16]}
	r, err := New(ep)
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := r.Render(event(`{"n":1.5,"s":" a b "}`))
	if want := (http.Header{"X-Event": {"evt-1/1.5"}, "Idempotency-Key": {"a b"}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if want := map[string]string{"X-Plain": "a ${b}", "X-Key": "k"}; !reflect.DeepEqual(r.FixedHeaders(), want) {
		t.Errorf("%v", r.FixedHeaders())
	}
	for doc, reason := range map[string]string{
		`{"n":1,"s":"a\nb"}`:                              "headers.idempotency-key: makes a control character of this event, which no header can carry; take it out with replace",
		`{"n":1,"s":"` + strings.Repeat("a", 5000) + `"}`: "headers.idempotency-key: makes 5000 bytes of this event, at most 4096",
		`{"n":1}`: "headers.idempotency-key: the event has no such key: s",
	} {
		if _, _, err := r.Render(event(doc)); err == nil || err.Error() != reason {
			t.Errorf("%.60s: %v; want %s", doc, err, reason)
		}
	}
}

// TestTemplatesThatAreRefused: the field and the beginning of what is said.
func TestTemplatesThatAreRefused(t *testing.T) {
	header := func(value string) func(*transport.Endpoint) {
		return func(ep *transport.Endpoint) { ep.Headers = map[string]string{"X-Key": value} }
	}
	genea := func(ep *transport.Endpoint) { ep.Profile, ep.Version = "genea", "v2" }
	for _, c := range []struct {
		body, field, message string
		change               []func(*transport.Endpoint)
	}{
		{`{"message":"a ${event.data.}"}`, "body.message", "at 1:16: ", nil},
		{`{"a":[{"b":"x\n ${evnt.id}"}]}`, "body.a[0].b", "at 2:4: undeclared reference to 'evnt'", nil},
		{`{"a":"${event.id + 1}"}`, "body.a", "at 1:12: found no matching overload for '_+_' applied to '(string, int)'", nil},
		{`{"a":"${event.id"}`, "body.a", "at 1:1: ${ without its }", nil},
		{`{"a":"x${ }"}`, "body.a", "at 1:4: an empty expression", nil},
		{`{"${event.id}":1}`, "body.${event.id}", "has ${ in its name", nil},
		{`{"a":1,"\u0061":2}`, "body.a", "is given twice", nil},
		{`{"a":`, "body", "not valid JSON", nil},
		{`{"a":"` + strings.Repeat("a", MaxTemplate) + `"}`, "body", "65544 bytes long; at most 65536", nil},
		{strings.Repeat("[", 40) + strings.Repeat("]", 40), "body", "nested over 32 deep", nil},
		{`{"a":"` + strings.Repeat("${event.id}", MaxExpressions+1) + `"}`, "body.a", "is the expression number 201; at most 200", nil},
		{`{"a":"${event.data.a.map(x, event.data.b.map(y, event.data.c.map(z, x)))}"}`, "body.a", "at 1:3: could cost", nil},
		{`{"a":"${` + strings.Repeat(" ", 5000) + `1}"}`, "body.a", "at 1:3: 5001 bytes long; at most 4096", nil},
		{`[1]`, "body", "is no object", []func(*transport.Endpoint){mode("merge")}},
		{`"${event.data}"`, "body", "is no object", []func(*transport.Endpoint){genea}},
		{`{}`, "body_mode", "not a mode", []func(*transport.Endpoint){mode("patch")}},
		{`null`, "body_mode", "says how body is used", []func(*transport.Endpoint){mode("merge")}},
		{`{}`, "headers.X-Key", "at 1:10: undeclared reference to 'evnt'", []func(*transport.Endpoint){header("Bearer ${evnt.id}")}},
		{`{}`, "headers.X-Key", "at 1:1: ${ without its }", []func(*transport.Endpoint){header("${'s3cret'")}},
		// These compile, and fail on a sample.
		{`{"a":"${event.data.event_note + 'x'}"}`, "body.a", "fails on a sample event: the event's values have other types", []func(*transport.Endpoint){genea}},
		{`{"a":"${int(event.id)}"}`, "body.a", "fails on a sample event: a value cannot be converted", nil},
		{`{"a":"${type(1)}"}`, "body.a", "fails on a sample event: gives a type, which has no JSON form", nil},
		{`{}`, "headers.X-Key", "fails on a sample event: makes a control character", []func(*transport.Endpoint){header(`a${'\n'}b`)}},
		{`{"a":"${1 / int('0')}"}`, "body.a", "fails on a sample event: divides by zero", nil},
	} {
		err := Check(withBody(c.body, c.change...))
		var wrong *transport.FieldError
		if !errors.As(err, &wrong) || wrong.Field != c.field || !strings.HasPrefix(wrong.Message, c.message) {
			t.Errorf("%.80s: %v; want %s: %s", c.body, err, c.field, c.message)
		}
	}
	filtered := withBody(`{}`)
	filtered.Filter = "event.idd == 'a'"
	var wrong *transport.FieldError
	if err := Check(filtered); !errors.As(err, &wrong) || wrong.Field != "filter" {
		t.Errorf("%v", err)
	}
}

func TestWhatASampleLacksIsNoFault(t *testing.T) {
	for _, body := range []string{`{"a":"${event.data.door.name}"}`, `{"a":"${event.data.list[0].x}"}`, `{"a":"${event.data.?x.value()}"}`, `{"a":1}`} {
		if err := Check(withBody(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	if err := Check(withBody(`{"a":"${event.data.actor.user_name}"}`, func(ep *transport.Endpoint) { ep.Profile, ep.Version = "genea", "v1" })); err != nil {
		t.Error(err)
	}
}

// TestWhatGivesNothingToSend: the path and the reason, without values.
func TestWhatGivesNothingToSend(t *testing.T) {
	long := strings.Repeat("s3cret", 40<<10)
	for body, reason := range map[string]string{
		`{"a":{"b":["${event.data.name.first}"]}}`:           "body.a.b[0]: the event has no such key: first",
		`{"a":"${event.data.door}"}`:                         "body.a: the event has no such key: door",
		`{"a":"${event.data.list.map(x, event.data.long)}"}`: "body.a: makes more than 1048576 bytes",
		`["${event.data.long}","${event.data.long}","${event.data.long}","${event.data.long}","x${event.data.long}"]`: "body[4]: makes more than 1048576 bytes",
		`{"a":"${timestamp(event.data.name)}"}`: "body.a: a value cannot be converted",
		`{"a":"${[event.data.deep]}"}`:          "",
	} {
		doc := fmt.Sprintf(`{"name":"s3cret","long":%q,"list":[1,2,3,4,5,6,7],"deep":%s}`, long, strings.Repeat("[", 500)+strings.Repeat("]", 500))
		got, err := renderBody(withBody(body), event(doc))
		switch {
		case reason == "" && err == nil && json.Valid(got):
		case err == nil || err.Error() != reason:
			t.Errorf("%s: %.100s, %v; want %s", body, got, err, reason)
		case strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%v tells a value", err)
		}
	}
}

// TestRenderingIsDeterministic, maps that expressions make included.
func TestRenderingIsDeterministic(t *testing.T) {
	ep := withBody(`{"m":"${{'a':1,'b':2,'c':3,'d':4,'e':5,'f':6,'g':7}}","all":"${event}"}`)
	r, err := New(ep)
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Body(event(access))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if again, err := r.Body(event(access)); err != nil || !bytes.Equal(again, first) {
			t.Fatalf("%s, %v", again, err)
		}
	}
}
