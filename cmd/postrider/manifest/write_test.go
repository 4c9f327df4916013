package manifest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const shownEndpoint = `{"id":"e-1","customer":"acme","name":"Front desk","description":"","url":"https://example.com/","enabled":false,"profile":"custom","format":"raw",
"events":["access.>"],"headers":{"X-Key":"***","x_key":"***"},"body":{"text":"yes","n":1.50,"list":["0x1F",null,true]},"signature":{"scheme":"hmac","header":"X-Acme","algorithm":"","encoding":"","prefix":""},
"delivery":{"retries":false,"schedule":["10s"],"jitter":0.2,"timeout":"15s","success":"2xx","concurrency":8,"rate":0,"burst":0,"ordered":false,"max_age":"","max_waiting":1000000},
"tls":{"client_certificate":"PEM\nPEM\n"},"state":"active","state_reason":"","waiting":3,"from":"2026-01-01T00:00:00Z","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}`

const writtenEndpoint = `kind: endpoint
id: e-1
customer: acme
name: Front desk
url: https://example.com/
enabled: false
profile: custom
format: raw
events:
  - access.>
headers:
  X-Key: {env: ACME_FRONT_DESK_X_KEY}
  x_key: {env: ACME_FRONT_DESK_X_KEY_2}
body:
  text: "yes"
  "n": 1.50
  list:
    - "0x1F"
    - null
    - true
signature:
  header: X-Acme
  scheme: hmac
delivery:
  burst: 0
  concurrency: 8
  jitter: 0.2
  max_waiting: 1000000
  ordered: false
  rate: 0
  retries: false
  schedule:
    - 10s
  success: 2xx
  timeout: 15s
tls:
  client_certificate: |
    PEM
    PEM
  client_key: {env: ACME_FRONT_DESK_CLIENT_KEY}
secret: {env: ACME_FRONT_DESK_SECRET}
`

func shown(t *testing.T, text string) map[string]any {
	t.Helper()
	v, err := Shown([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What is written is read back as the same: nothing is left to change.
func TestWhatIsWritten(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var b bytes.Buffer
		w := NewWriter(&b, asJSON)
		if err := w.Write(Endpoint, shown(t, shownEndpoint)); err != nil {
			t.Fatal(err)
		}
		if !asJSON && b.String() != writtenEndpoint {
			t.Errorf("got\n%s\nwant\n%s", b.String(), writtenEndpoint)
		}
		if err := w.Write(Customer, shown(t, `{"id":"b","customer_id":7,"name":"","time_zone":"UTC","locations":[],"schedules":{"normal":"0 7 * * *"}}`)); err != nil {
			t.Fatal(err)
		}
		docs, err := Parse("a", b.Bytes())
		if err != nil || len(docs) != 2 {
			t.Fatal(docs, err)
		}
		if _, err := docs[0].Resolve(func(Reference) (string, error) { return "", ErrUnset }); err != nil {
			t.Fatal(err)
		}
		if patch := docs[0].Patch(shown(t, shownEndpoint)); len(patch) != 0 {
			t.Errorf("differs by %v", patch)
		}
	}
}

func TestDiff(t *testing.T) {
	before := shown(t, shownEndpoint)
	after := shown(t, strings.NewReplacer(`"timeout":"15s"`, `"timeout":"20s"`, `"x_key":"***"`, `"X-New":"***"`, `"updated_at":"2026`, `"updated_at":"2027`,
		`"events":["access.>"]`, `"events":[]`, `"n":1.50`, `"n":2`).Replace(shownEndpoint))
	var names []string
	for _, c := range Diff(before, after, []string{"headers.X-Key"}) {
		names = append(names, c.Field)
	}
	if got := strings.Join(names, " "); got != "body delivery.timeout events headers.X-Key headers.X-New headers.x_key" {
		t.Error(got)
	}
}

// A body's keys go to the node in the order of the file, and what the file has
// no longer is taken out.
func TestABodyIsAsItIsWritten(t *testing.T) {
	docs, err := Parse("a", []byte("kind: endpoint\nid: e-1\ncustomer: acme\nbody:\n  zebra: 1.50\n  \"on\": \"yes\"\n  apple: {pear: [1, {b: 2, a: 3}], fig: 1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"zebra":1.50,"on":"yes","apple":{"pear":[1,{"b":2,"a":3}],"fig":1}}`
	if got := fmt.Sprintf("%s", docs[0].Fields["body"]); got != body {
		t.Errorf("read as %s", got)
	}
	for _, c := range []struct{ there, patch string }{
		{body, ""},
		{`{"on":"yes","zebra":1.5,"apple":{"fig":1,"pear":[1,{"a":3,"b":2}]}}`, ""},
		{`{"old":1,"zebra":1.50,"apple":{"kiwi":2,"fig":2}}`, `{"on":"yes","apple":{"pear":[1,{"b":2,"a":3}],"fig":1,"kiwi":null},"old":null}`},
		{`null`, body},
	} {
		patch := docs[0].Patch(shown(t, `{"id":"e-1","customer":"acme","enabled":true,"body":`+c.there+`}`))["body"]
		if patch == nil {
			patch = ""
		}
		if got := fmt.Sprintf("%s", patch); got != c.patch {
			t.Errorf("%s: patched by %s, want %s", c.there, got, c.patch)
		}
	}
}
