package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload/catalogue"
)

var versions = []string{"v1", "v2", "v3"}

// covered is a hardware that the version covers.
var covered = map[string]string{"v1": "vertx", "v2": "mercury", "v3": "mercury"}

// from is an entry's sample, coming from that hardware.
func from(e catalogue.Entry, hardware string) *transport.Event {
	ev := event(strings.Replace(string(e.Sample), `"hardware":"mercury"`, `"hardware":"`+hardware+`"`, 1))
	ev.Type = e.Type
	return ev
}

func producersTypes() []catalogue.Entry {
	return slices.DeleteFunc(catalogue.All(), func(e catalogue.Entry) bool { return e.Publisher != catalogue.ByProducers })
}

// TestEveryTypeInEveryVersion: testdata/genea/<version>/<type>.json is the body
// of the catalogue's sample.
func TestEveryTypeInEveryVersion(t *testing.T) {
	schemaOf := bodySchemas(t)
	for _, version := range versions {
		ep := endpoint("genea", "", version)
		folder := filepath.Join("testdata", "genea", version)
		if *update {
			if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range producersTypes() {
			got := render(t, ep, from(e, covered[version]))
			file := filepath.Join(folder, e.Type+".json")
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
				t.Errorf("%s\ngot  %s\nwant %s", file, got, want)
			}
			fits(t, schemaOf(version), got)
		}
		files, err := os.ReadDir(folder)
		if err != nil || len(files) != len(producersTypes()) {
			t.Errorf("%s has %d files for %d types (%v): run with -update", folder, len(files), len(producersTypes()), err)
		}
	}
}

// bodySchemas gives what the AsyncAPI document says of bodies, by version.
func bodySchemas(t *testing.T) func(version string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(catalogue.AsyncAPI()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:asyncapi.json", document); err != nil {
		t.Fatal(err)
	}
	return func(version string) *jsonschema.Schema {
		s, err := c.Compile("mem:asyncapi.json#/components/messages/genea." + version + "/payload")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func fits(t *testing.T, s *jsonschema.Schema, body []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, body)
	}
}

// TestVertXKeepsItsShapeInV3, but for audits about users.
func TestVertXKeepsItsShapeInV3(t *testing.T) {
	v1, v3 := endpoint("genea", "", "v1"), endpoint("genea", "", "v3")
	users := 0
	for _, e := range producersTypes() {
		want := render(t, v1, from(e, "vertx"))
		if strings.HasPrefix(e.Type, "audit.user.") || strings.HasPrefix(e.Type, "audit.location.") || strings.HasPrefix(e.Type, "audit.user_location.") {
			want = render(t, v3, from(e, "mercury"))
			users++
		}
		if got := render(t, v3, from(e, "vertx")); !bytes.Equal(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", e.Type, got, want)
		}
	}
	if users != 15 {
		t.Errorf("%d types about users, not 15", users)
	}
	for typ, like := range map[string]bool{"audit.User.created": true, "audit.UserLocation.created": true, "audit.USER_LOCATION.updated": true,
		"audit.user-location.deleted": true, "audit.location": true, "audit.usergroup.created": false, "audit.user_card.created": false,
		"access.user.granted": false, "audit": false, "user.created": false} {
		if userLike(typ) != like {
			t.Errorf("%s is like a user: %v", typ, !like)
		}
	}
}

// TestGeneasSampleIsV2: the sample that Genea publishes, sent as it is, arrives
// as it is.
func TestGeneasSampleIsV2(t *testing.T) {
	const sample = `{"uuid":"5fd0aad3d64a99000414d61e","event_time":"2020-12-09T10:45:38.000Z","event_type":"ACCESS","event_action":"SEQUR_ACCESS_GRANTED","event_message":"Access Granted","event_note":null,` +
		`"actor":{"type":"USER","user_location_uuid":"u-1","user_location_role":"USER","user_uuid":"u-2","user_name":"Bob","user_email":"bob@example.com","user_avatar_url":"https://example.com/200/300"},` +
		`"location":{"uuid":"u-3","name":"Genea","address_line1":"1 Road","address_line2":"Suite 108","city":"Alpharetta","state":"GA","zip":"30004","phone":null,"timezone":"America/New_York","latitude":21.2741,"longitude":72.9647},` +
		`"controller":{"uuid":"u-4","name":"00:0F:E5:0B:A5:4E","mac":"00:0f:e5:0b:a5:4e","model":"LP1502","status":"OFFLINE"},` +
		`"card":{"uuid":"u-5","type":"KEYCARD","status":"ACTIVE","card_number":"12006465125","start_date":"2020-12-08T11:33:19.000Z","end_date":null},` +
		`"created_at":"2020-12-09T10:45:39.346Z"}`
	published := strings.TrimSuffix(sample, "}") + `,"hardware":"mercury"}`
	if got := render(t, endpoint("genea", "", "v2"), event(published)); string(got) != sample {
		t.Errorf("got  %s\nwant %s", got, sample)
	}
	v1 := strings.Replace(sample, `"event_note":null,`, "", 1)
	if got := render(t, endpoint("genea", "", "v1"), event(strings.Replace(published, "mercury", "vertx", 1))); string(got) != v1 {
		t.Errorf("got  %s\nwant %s", got, v1)
	}
}

func TestShapesOfGenea(t *testing.T) {
	const version = `"metadata":{"version":3}`
	for _, c := range []struct{ version, doc, want string }{
		{"v1", `{"event_hw_info":{"a":1},"event_note":"x","uuid":"u"}`, `{"uuid":"u"}`},
		{"v1", `{"actor":{"event_note":1},"location":{"name":"a"}}`, `{"actor":{"event_note":1},"location":{"name":"a"}}`},
		{"v2", `{"event_hw_info":{"a":1},"event_note":"x","uuid":"u"}`, `{"uuid":"u","event_note":"x","event_hw_info":{"a":1}}`},
		{"v2", `{"metadata":{"version":9},"location":[{"a":1}]}`, `{"location":[{"a":1}],"metadata":{"version":9}}`},
		{"v3", `{}`, `{` + version + `}`},
		{"v3", `{"hardware":"mercury"}`, `{` + version + `}`},
		{"v3", `{"location":{"name":"a","uuid":"u"}}`, `{"location":[{"uuid":"u","name":"a"}],` + version + `}`},
		{"v3", `{"location":[{"name":"a","uuid":"u"},{"x":1,"uuid":"v"}]}`, `{"location":[{"uuid":"u","name":"a"},{"uuid":"v","x":1}],` + version + `}`},
		{"v3", `{"location":null}`, `{"location":[],` + version + `}`},
		{"v3", `{"location":[]}`, `{"location":[],` + version + `}`},
		{"v3", `{"location":"a"}`, `{"location":["a"],` + version + `}`},
		{"v3", `{"location":1,"location":{"uuid":"u"}}`, `{"location":[{"uuid":"u"}],` + version + `}`},
		{"v3", `{"metadata":{"a":1,"version":2,"b":2}}`, `{"metadata":{"version":3,"a":1,"b":2}}`},
		{"v3", `{"metadata":{"version":{"a":1}}}`, `{` + version + `}`},
		{"v3", `{"metadata":{}}`, `{` + version + `}`},
		{"v3", `{"metadata":null,"x":1}`, `{` + version + `,"x":1}`},
		{"v3", `{"metadata":{"a":1},"metadata":"x"}`, `{` + version + `}`},
		{"v3", `{"metadata":"x","meta\u0064ata":{"a":1}}`, `{"metadata":{"version":3,"a":1}}`},
		{"v3", `{"created_at":"c","7":1,"x":2,"card":{"end_date":null,"badge_type":{"name":"n","uuid":"u"},"card_number":12345678901234567890},"controller":{"status":"s","serial_number":"n"},"door":{"name":"n","uuid":"u"},"additional_info":{"z":1,"a":2}}`,
			`{"7":1,"additional_info":{"z":1,"a":2},"door":{"uuid":"u","name":"n"},"controller":{"serial_number":"n","status":"s"},"card":{"card_number":"12345678901234567890","badge_type":{"uuid":"u","name":"n"},"end_date":null},` + version + `,"created_at":"c","x":2}`},
		{"v3", `[1,{"location":{}}]`, `[1,{"location":{}}]`},
		{"v3", `"text"`, `"text"`},
	} {
		if got := render(t, endpoint("genea", "", c.version), event(c.doc)); string(got) != c.want {
			t.Errorf("%s of %s\ngot  %s\nwant %s", c.version, c.doc, got, c.want)
		}
	}
	for _, doc := range []string{`{"location":`, `{"location":}`, `{"location"}`, `{"metadata":{"a"}}`, `{"a":1,}`, `{"location":nul}`, `{`, `{}}`, ``} {
		body, err := mustNew(t, "v3").Append([]byte("kept"), event(doc))
		if err == nil || errors.As(err, new(Skip)) || string(body) != "kept" {
			t.Errorf("%s: %s, %v", doc, body, err)
		}
	}
}

func mustNew(t testing.TB, version string) *Renderer {
	t.Helper()
	r, err := New(endpoint("genea", "", version))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHardware(t *testing.T) {
	for doc, want := range map[string]string{
		`{"uuid":"x"}`:                                 "",
		`{"uuid":"x","hardware":"mercury"}`:            "mercury",
		`{"uuid":"x","hardware":"Mercury"}`:            "mercury",
		`{"uuid":"x","hardware":null}`:                 "",
		` { "hardware" : "vertx" , "uuid" : "x" } `:    "vertx",
		`{"hardware":"vert\u0078","uuid":"x"}`:         "vertx",
		`{"hardw\u0061re":"vertx"}`:                    "vertx",
		`{"hardware":"mercury","hardware":"vertx"}`:    "vertx",
		`{"hardware":"vertx","hardware":"mercury"}`:    "mercury",
		`{"location":{"hardware":"vertx"},"uuid":"x"}`: "",
		`{"a":"\\","b":"\"hardware\":","c":[{"hardware":"mercury"},"]}"],"d":-1.5e3,"hardware":"vertx"}`: "vertx",
		`{"hardware":"abacus"}`:        "other",
		`{"hardware":"vertx "}`:        "other",
		`{"hardware":7}`:               "other",
		`{"hardware":{"a":"vertx"}}`:   "other",
		`[{"hardware":"vertx"}]`:       "",
		`"hardware"`:                   "",
		`{}`:                           "",
		`{"hardware":"vertx\\","a":1}`: "other",
	} {
		if got := Hardware(event(doc)); got != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
		for _, version := range versions {
			body, err := mustNew(t, version).Body(event(doc))
			var skip Skip
			switch covers := transport.VersionCovers(version, want); {
			case covers && err != nil:
				t.Errorf("%s in %s: %v", doc, version, err)
			case covers && bytes.HasPrefix(body, []byte(`{"hardware"`)):
				t.Errorf("%s in %s: our own key is in the body: %s", doc, version, body)
			case !covers && (!errors.As(err, &skip) || skip.Reason != transport.ReasonHardware):
				t.Errorf("%s in %s: body %s, error %v; want a Skip", doc, version, body, err)
			}
		}
	}
}

// FuzzGenea: what is valid JSON has a body in v3, or is other hardware; a body
// is valid JSON without "hardware"; the hardware found is the parser's own.
func FuzzGenea(f *testing.F) {
	for _, doc := range []string{access, audit, `{"hardware":"vertx\\"}`, `{"a":"\\\"","hardware":null}`, `{"metadata":[],"location":{}}`, `{"a":`, `{"a":}`, `{"`} {
		f.Add([]byte(doc), "audit.user.created")
	}
	f.Fuzz(func(t *testing.T, doc []byte, typ string) {
		ev := event(string(doc))
		ev.Type = typ
		hardware := Hardware(ev) // of anything, without a panic
		body, err := mustNew(t, "v3").Body(ev)
		if skipped := errors.As(err, new(Skip)); !skipped && json.Valid(doc) != (err == nil) {
			t.Fatalf("%q: valid %v, error %v", doc, json.Valid(doc), err)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(doc, &object) != nil {
			return
		}
		if want := parsedHardware(object["hardware"]); hardware != want {
			t.Fatalf("%q: hardware %q, want %q", doc, hardware, want)
		}
		if err != nil {
			return
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(body, &got); err != nil || object != nil && got["hardware"] != nil {
			t.Fatalf("%q became %q (%v)", doc, body, err)
		}
	})
}

func parsedHardware(raw json.RawMessage) string {
	var text any
	if raw == nil || json.Unmarshal(raw, &text) != nil || text == nil {
		return ""
	}
	if h := strings.ToLower(fmt.Sprint(text)); h == "vertx" || h == "mercury" {
		return h
	}
	return otherHardware
}
