package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const endpointHead = "kind: endpoint\ncustomer: acme\nname: Front desk\n"

func TestWhatIsRead(t *testing.T) {
	docs, err := Parse("a.yaml", []byte(`---
kind: customer
id: acme
locations: [{uuid: u1, hardware: vertx}]
---
---
kind: alert
customer: acme
alert_name: 0123
license_plate: 0777
max_differences: 1
is_active: true
---
kind: endpoint
customer: acme
id: e-1
secret: {env: ACME_SECRET}
headers: {X-A: 1e3, X-B: {file: b.txt}}
delivery: {timeout: 10s, jitter: 0.10, schedule: []}
body: {n: 1.50, list: [yes, true, null, 0x1F]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Document{
		{Kind: Customer, ID: "acme", Customer: "acme", File: "a.yaml", Number: 1,
			Fields: map[string]any{"locations": []any{map[string]any{"uuid": "u1", "hardware": "vertx"}}}},
		{Kind: Alert, Customer: "acme", Name: "0123", File: "a.yaml", Number: 3,
			Fields: map[string]any{"alert_name": "0123", "license_plate": "0777", "max_differences": json.Number("1"), "is_active": true}},
		{Kind: Endpoint, ID: "e-1", Customer: "acme", File: "a.yaml", Number: 4, Fields: map[string]any{
			"secret":   Reference{Env: "ACME_SECRET"},
			"headers":  map[string]any{"X-A": "1e3", "X-B": Reference{File: "b.txt"}},
			"delivery": map[string]any{"timeout": "10s", "jitter": json.Number("0.10"), "schedule": []any{}},
			"body":     json.RawMessage(`{"n":1.50,"list":["yes",true,null,31]}`)}},
	}
	if len(docs) != len(want) {
		t.Fatalf("%d documents", len(docs))
	}
	for i := range want {
		if !reflect.DeepEqual(*docs[i], want[i]) {
			t.Errorf("\ngot  %+v\nwant %+v", *docs[i], want[i])
		}
	}
}

// JSON is read by the same rules, and with tabs and escapes that YAML has not.
func TestJSONIsRead(t *testing.T) {
	docs, err := Parse("a.json", []byte("{\t\"kind\":\"alert\",\"customer\":\"acme\",\"alert_name\":\"\\ud83d\\ude9a\"}\n{\"kind\":\"customer\",\"id\":\"b\"}"))
	if err != nil || len(docs) != 2 || docs[0].Name != "🚚" || docs[1].ID != "b" {
		t.Errorf("%v, %v", docs, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for content, want := range map[string]string{
		"kind: endpont":                                     "a: document 1, line 1: kind: missing or unknown; give endpoint, alert or customer",
		"- kind: endpoint":                                  "a: document 1, line 1: not a document",
		"kind: customer\nname: x":                           "a: document 1, line 1: id: missing; give the customer's id",
		"kind: customer\nid: a.b":                           "line 2: id: not an id",
		"kind: endpoint\nname: x":                           "customer: missing or not an id",
		"kind: alert\ncustomer: acme":                       "alert_name: missing; give it a name or an id",
		endpointHead + "---\n" + endpointHead + "timout: x": "a: document 2, line 8: timout: unknown field; check its spelling, or leave it out",
		endpointHead + "delivery:\n  timout: 10s":           "line 5: delivery.timout: unknown field",
		endpointHead + "delivery: 10s":                      "delivery: expected fields, written as \"name: value\"",
		endpointHead + "delivery: {rate: fast}":             "delivery.rate: expected a number",
		endpointHead + "delivery: {rate: .inf}":             "delivery.rate: expected a number",
		endpointHead + "enabled: sometimes":                 "enabled: expected true or false",
		endpointHead + "events: access":                     "events: expected a list",
		endpointHead + "events: [[a]]":                      "events[0]: expected text",
		endpointHead + "name: twice":                        "line 4: name: is there twice; keep one",
		endpointHead + "kind: alert":                        "kind: unknown field",
		endpointHead + "secret: 0123456789abcdef":           "secret: stands in the file itself; give it by reference, {env: NAME} or {file: PATH}",
		endpointHead + "tls: {client_key: PEM}":             "tls.client_key: stands in the file itself",
		endpointHead + "secret: {env: A, file: b}":          "secret: expected text, {env: NAME} or {file: PATH}",
		endpointHead + "secret: {env: A-B}":                 "secret: env is not the name of an environment variable",
		endpointHead + "secret: {file: ''}":                 "secret: file is not the name of a file",
		endpointHead + "x: &a 1\nbody: *a":                  "x: unknown field",
		endpointHead + "description: &a t\nbody: *a":        "body: is an alias (*name); write the value out",
		endpointHead + "body: {<<: {a: 1}}":                 "body: a name here is no plain text",
		endpointHead + "state: paused":                      "state: unknown field",
		"kind: [":                                           "a: document 1: not YAML: ",
		`{"kind":"customer","id":"a"`:                       "not YAML", // JSON by its beginning alone is tried as YAML
		"{\"kind\":\"alert\",\"customer\":\"acme\",\n\"alert_name\":\"x\",\"nme\":1}": "document 1, line 2: nme: unknown field",
		endpointHead + "body: " + strings.Repeat("[", 80) + strings.Repeat("]", 80):   "nested more than 64 deep",
	} {
		_, err := Parse("a", []byte(content))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q\ngot  %v\nwant %s", content, err, want)
		}
	}
	if _, err := Parse("a.json", []byte(`{"kind":`)); err == nil || !strings.Contains(err.Error(), "document 1, line 1: not JSON: it ends too early") {
		t.Error(err)
	}
	if _, err := Parse("a", make([]byte, MaxFile+1)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}

func TestReferencesAreResolved(t *testing.T) {
	docs, err := Parse("a", []byte(endpointHead+"secret: {env: SET}\nheaders: {X-A: {env: UNSET}, X-B: {file: f}}"))
	if err != nil {
		t.Fatal(err)
	}
	unset, err := docs[0].Resolve(func(r Reference) (string, error) {
		if r.Env == "UNSET" {
			return "", ErrUnset
		}
		return "value of " + r.String(), nil
	})
	if err != nil || fmt.Sprint(unset) != "map[headers.X-A:{env: UNSET}]" || docs[0].Fields["secret"] != "value of {env: SET}" {
		t.Errorf("%v %v %v", unset, docs[0].Fields, err)
	}
	patch := docs[0].Patch(map[string]any{"enabled": true, "name": "Front desk", "headers": map[string]any{"X-A": "***", "X-C": "***"}})
	if want := map[string]any{"headers": map[string]any{"X-B": "value of {file: f}", "X-C": nil}}; !reflect.DeepEqual(patch, want) {
		t.Errorf("got %v, want %v", patch, want)
	}
	docs, _ = Parse("a", []byte(endpointHead+"secret: {file: gone}"))
	_, err = docs[0].Resolve(func(Reference) (string, error) { return "", fmt.Errorf("gone is not there") })
	if err == nil || err.Error() != "a: document 1: secret: gone is not there" {
		t.Error(err)
	}
}

// FuzzParse: whatever comes, documents or an *Error; and what was read can be
// compared with anything.
func FuzzParse(f *testing.F) {
	f.Add("a.yaml", []byte(endpointHead+"delivery: {timeout: 10s}\n---\nkind: customer\nid: b"))
	f.Add("a.json", []byte(`{"kind":"alert","customer":"acme","alert_name":"x","max_differences":1}{}`))
	f.Add("a", []byte("kind: endpoint\ncustomer: a\nname: &x b\nbody: [*x, {<<: 1}]"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		docs, err := Parse(name, content)
		if err != nil {
			if _, ours := err.(*Error); !ours { //nolint:errorlint // Parse promises the type itself
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for _, d := range docs {
			if _, err := d.Resolve(func(Reference) (string, error) { return "", ErrUnset }); err != nil {
				t.Fatal(err)
			}
			d.Patch(map[string]any{})
			if again := d.Patch(d.Fields); d.Kind == Customer && len(again) != 0 {
				t.Fatalf("a customer differs from itself by %v", again)
			}
		}
	})
}
