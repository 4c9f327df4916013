package cloudevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// TestBothModesReadTheSame: an event is the same in binary and in structured mode.
func TestBothModesReadTheSame(t *testing.T) {
	for _, c := range []struct {
		name       string
		headers    map[string][]string
		body       string
		structured string
		data       string
		form       Form
	}{
		{"JSON", map[string][]string{"content-type": {"application/json"}}, "\ufeff {\"a\": 1}\n", `"data": {"a": 1},"datacontenttype":"application/json"`, `{"a": 1}`, ""},
		{"without a content type", nil, `[1]`, `"data":[1]`, `[1]`, ""},
		{"JSON in base64", map[string][]string{"ce-datacontenttype": {"application/vnd.x+json"}}, `{"a":1}`, `"datacontenttype":"application/vnd.x+json","data_base64":"eyJhIjoxfQ=="`, `{"a":1}`, ""},
		{"no data", nil, ``, `"subject":null`, `null`, NoData},
		{"XML", map[string][]string{"Content-Type": {"application/xml"}}, `<a b="ü"/>`, `"datacontenttype":"application/xml","data":"<a b=\"ü\"/>"`, `"<a b=\"ü\"/>"`, ""},
		{"XML in base64", map[string][]string{"Ce-Datacontenttype": {"text/xml; charset=utf-8"}}, `<a/>`, `"datacontenttype":"text/xml; charset=utf-8","data_base64":"PGEvPg=="`, `"<a/>"`, ""},
		{"text", map[string][]string{"CE-DataContentType": {"text/plain"}}, "a\nb", `"datacontenttype":"text/plain","data":"a\nb"`, `"a\nb"`, ""},
		{"bytes", map[string][]string{"ce-datacontenttype": {"image/png"}}, "\x89PNG", `"datacontenttype":"image/png","data_base64":"iVBORw=="`, `"iVBORw=="`, Base64Data},
		{"text that is none", map[string][]string{"ce-datacontenttype": {"text/plain"}}, "\xff", `"datacontenttype":"text/plain","data_base64":"/w=="`, `"/w=="`, Base64Data},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := map[string][]string{"ce-specversion": {"1.0"}, "Ce-Id": {"caf%C3%A9-2"}, "ce-source": {"/door/A"}, "ce-type": {"com.x.opened"},
				"ce-time": {"2026-11-30t14:00:00z"}, "ce-subject": {"Main%20door"}, "ce-zone": {"b"}, "ce-aisle": {"7"}, "ce-x_y": {"not a name"}}
			for k, v := range c.headers {
				headers[k] = v
			}
			binary, cloud, err := ReadBinary(headers, []byte(c.body))
			if err != nil || !cloud {
				t.Fatal(cloud, err)
			}
			if string(binary.Data) != c.data || binary.Form != c.form || !json.Valid(binary.Data) {
				t.Errorf("binary data %s, %q", binary.Data, binary.Form)
			}
			doc := fmt.Sprintf(`{%s,"specversion":"1.0","id":"café-2","source":"/door/A","type":"com.x.opened","time":"2026-11-30t14:00:00z",`+
				`"subject":"Main door","zone":"a","aisle":"7","zone":"b","nested":{"a":1},"Id":"no","ID":"no"}`, c.structured)
			structured, err := ReadStructured([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			binary.version, binary.extensionBytes = structured.version, structured.extensionBytes
			binary.Attributes.DataContentType = structured.DataContentType // in one of them the transport's own
			if !reflect.DeepEqual(&binary, structured) {
				t.Errorf("binary     %+v\nstructured %+v", binary, *structured)
			}
			if got, _ := json.Marshal(structured.Extensions); string(got) != `[{"name":"aisle","value":"7"},{"name":"zone","value":"b"}]` {
				t.Errorf("extensions %s", got)
			}
		})
	}
}

func TestWhatIsNoCloudEvent(t *testing.T) {
	const rest = `"type":"t","source":"s"`
	for doc, field := range map[string]string{
		`[]`:                      "the event",
		`{"specversion":"1.0"`:    "the event",
		`{"id":"1",` + rest + `}`: "specversion",
		`{"specversion":"0.3","id":"1",` + rest + `}`:                                            "specversion",
		`{"specversion":"1.0","ID":"1",` + rest + `}`:                                            "id",
		`{"specversion":"1.0","id":1,` + rest + `}`:                                              "id",
		`{"specversion":"1.0","id":"1","type":"t"}`:                                              "source",
		`{"specversion":"1.0","id":"1","source":"s"}`:                                            "type",
		`{"specversion":"1.0","id":"1","type":"t","source":"` + strings.Repeat("s", 2049) + `"}`: "source",
		`{"specversion":"1.0","id":"1",` + rest + `,"data":1,"data_base64":"MQ=="}`:              "data",
		`{"specversion":"1.0","id":"1",` + rest + `,"data_base64":"!"}`:                          "data_base64",
		`{"specversion":"1.0","id":"1",` + rest + `,"data_base64":7}`:                            "data_base64",
		`{"specversion":"1.0","id":"1",` + rest + `,"data_base64":"eyI="}`:                       "data_base64",
	} {
		_, err := ReadStructured([]byte(doc))
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%.60s: %v", doc, err)
		}
	}
	if _, cloud, _ := ReadBinary(map[string][]string{"ce-time": {"2026-11-30T14:00:00Z"}, "id": {"1"}}, nil); cloud {
		t.Error("a time alone makes a CloudEvent")
	}
	if _, cloud, err := ReadBinary(map[string][]string{"ce-specversion": {"0.3"}, "ce-id": {"1"}}, nil); !cloud || err == nil {
		t.Error("version 0.3 is read")
	}
}

func TestModeOf(t *testing.T) {
	for contentType, want := range map[string]Mode{"": Other, "application/json": Other, "application/cloudevents+json; charset=utf-8": Structured,
		"Application/CloudEvents": Structured, "application/cloudevents-batch+json": Batch, "application/cloudevents+avro": Unknown} {
		if got := ModeOf(contentType); got != want {
			t.Errorf("%q: %v", contentType, got)
		}
	}
}

// FuzzStructured: what is read has JSON for data, and what it needs to have.
func FuzzStructured(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"MQ==","x":1}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{},"x":true,"datacontenttype":"text/xml"}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		e, err := ReadStructured(doc)
		if err != nil {
			return
		}
		if e.ID == "" || e.Source == "" || e.Type == "" || !jsontext.Valid(e.Data) || len(e.Extensions) > maxExtensions {
			t.Fatalf("%q: %+v", doc, e)
		}
		kept, err := json.Marshal(e.Attributes)
		var back Attributes
		if err != nil || json.Unmarshal(kept, &back) != nil || back.ID != e.ID || len(back.Extensions) != len(e.Extensions) {
			t.Fatalf("%q is kept as %s, %v", doc, kept, err)
		}
	})
}

// FuzzBinary: whatever the headers, data that does not say it is JSON becomes JSON.
func FuzzBinary(f *testing.F) {
	f.Add("ce-id", "a%20b", "text/plain", []byte("x"))
	f.Add("Ce-Subject", "%zz", "image/png", []byte{0xff})
	f.Fuzz(func(t *testing.T, key, value, contentType string, data []byte) {
		e, cloud, err := ReadBinary(map[string][]string{"ce-source": {"s"}, key: {value}, "Content-Type": {contentType}}, data)
		if err != nil {
			return
		}
		if !cloud || !isJSON(e.DataContentType) && !jsontext.Valid(e.Data) {
			t.Fatalf("%q %q %q: %+v", key, value, contentType, e)
		}
	})
}
