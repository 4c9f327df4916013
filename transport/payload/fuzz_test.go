package payload

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/postrider/postrider/transport"
)

// FuzzFilter: a source is refused with a place, or answers for any event
// without a panic.
func FuzzFilter(f *testing.F) {
	for _, source := range []string{`event.data.door.name == 'Main'`, `event.type.startsWith("a")`, `'a' in event.data.tags`,
		`event.data.l.exists(x, x.y > 1.5)`, `event.id.matches('^a+$')`, `event.`, "'''", `event.data.?a[?0].orValue(1) == 1`} {
		f.Add(source)
	}
	events := []*transport.Event{event(access), event(`[]`), event(`"a"`), event(`{"l":[{"y":2}],"tags":["a"]}`)}
	f.Fuzz(func(t *testing.T, source string) {
		filter, err := NewFilter(source)
		if err != nil {
			var wrong *transport.FieldError
			if !errors.As(err, &wrong) || wrong.Field != "filter" || wrong.Message == "" {
				t.Fatalf("%q: %v", source, err)
			}
			return
		}
		for _, ev := range events {
			if got, err := filter.Match(NewView(ev)); got && err != nil {
				t.Fatalf("%q matches with an error: %v", source, err)
			}
		}
	})
}

// FuzzTemplate: what compiles makes JSON or an error, and the same each time.
func FuzzTemplate(f *testing.F) {
	for _, body := range []string{`{"a":"${event.data.door.name}","b":["x ${event.id}"]}`, `"${event}"`, `{"a":"$${x}"}`, `"${'}'}"`,
		`{"a":"${json(event.data)}"}`, `[1,2.50,null,"\ud800"]`, `{"a":"${"}`, `{"a":{"a":"${{'a':event.data}}"}}`} {
		f.Add(body, false)
		f.Add(body, true)
	}
	f.Fuzz(func(t *testing.T, body string, merge bool) {
		ep := withBody(body)
		if merge {
			ep.BodyMode = ModeMerge
		}
		if err := Check(ep); err != nil {
			var wrong *transport.FieldError
			if !errors.As(err, &wrong) {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		for _, doc := range []string{access, `{"a":[1]}`, `[]`} {
			got, err := renderBody(ep, event(doc))
			if err == nil && !json.Valid(got) {
				t.Fatalf("%q made %q", body, got)
			}
			if again, _ := renderBody(ep, event(doc)); string(again) != string(got) {
				t.Fatalf("%q made %q and %q", body, got, again)
			}
		}
	})
}

// FuzzEventDocument: whatever bytes an event has, expressions over it end in a
// value or an error, and a document that is JSON makes JSON, with the same
// values in it.
func FuzzEventDocument(f *testing.F) {
	for _, doc := range []string{access, audit, `{"a":1,"a":{"b":"\u00e9\ud83d\ude00"}}`, `[[],{},"",1e999,-0]`, `{"a":`, `"`, `{"a" 1}`, "[1 2]", `{"\ud800":1}`} {
		f.Add([]byte(doc))
	}
	filter, err := NewFilter(`event.data.a == 1 || event.data == [1] || size(event.data) > 3`)
	if err != nil {
		f.Fatal(err)
	}
	r, err := New(withBody(`{"whole":"${event.data}","text":"${json(event.data)}","keys":"${event.data.map(k, k)}"}`))
	if err != nil {
		f.Fatal(err)
	}
	whole, err := New(withBody(`{"whole":"${event.data}"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		ev := event(string(doc))
		_, _ = filter.Match(NewView(ev))
		valid := json.Valid(doc)
		if got, err := r.Body(ev); err == nil && valid && !json.Valid(got) {
			t.Fatalf("%q made %q", doc, got)
		}
		got, err := whole.Body(ev)
		if !valid {
			return
		}
		if err != nil || !json.Valid(got) {
			t.Fatalf("%q made %q, %v", doc, got, err)
		}
		ours, err := canonical(got)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := canonical([]byte(`{"whole":` + string(doc) + `}`)); string(want) != string(ours) {
			t.Fatalf("%q became %q, not %q", doc, ours, want)
		}
	})
}
