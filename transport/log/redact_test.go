package log

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ paths, doc, want string }{
		{"", `{"a":1}`, `{"a":1}`},
		{"", `no json`, `no json`},
		{"a", `no json`, `"***"`},
		{"a", `{"a":1}`, `{"a":"***"}`},
		{"a", ` {"a" : {"b":[1,2]} , "b":1.50} `, ` {"a" : "***" , "b":1.50} `},
		{"data.card.number", `{"data":{"card":{"number":"4111","type":"x"}},"number":1}`, `{"data":{"card":{"number":"***","type":"x"}},"number":1}`},
		{"cards.number", `{"cards":[{"number":1},{"number":2,"b":3},4]}`, `{"cards":[{"number":"***"},{"number":"***","b":3},4]}`},
		{"a", `[[{"a":1}],{"a":null}]`, `[[{"a":"***"}],{"a":"***"}]`},
		{"*.secret", `{"secret":1,"b":{"secret":2},"c":{"d":{"secret":3}}}`, `{"secret":1,"b":{"secret":"***"},"c":{"d":{"secret":3}}}`},
		{"**.secret", `{"secret":1,"b":{"secret":2},"c":{"d":{"secret":3}}}`, `{"secret":"***","b":{"secret":"***"},"c":{"d":{"secret":"***"}}}`},
		{"c.**.secret", `{"secret":1,"c":{"secret":2,"d":{"e":{"secret":3}}}}`, `{"secret":1,"c":{"secret":"***","d":{"e":{"secret":"***"}}}}`},
		{"a.**", `{"a":{"b":1},"c":2}`, `{"a":"***","c":2}`},
		{"**", `{"a":{"b":1},"c":2}`, `{"a":"***","c":"***"}`},
		{"**.**.b", `{"a":{"b":1},"b":2}`, `{"a":{"b":"***"},"b":"***"}`},
		{"a b", `{"a":1,"b":2,"c":3}`, `{"a":"***","b":"***","c":3}`},
		{"a.b a.c.d", `{"a":{"b":1,"c":{"d":2,"e":3}}}`, `{"a":{"b":"***","c":{"d":"***","e":3}}}`},
		{"a", `{"\u0061":1,"a":2,"A":3}`, `{"\u0061":"***","a":"***","A":3}`},
		{"a", `{"a":1,"a":{"a":2}}`, `{"a":"***","a":"***"}`},
		{"a.b", `{"a":"b","c":[]}`, `{"a":"b","c":[]}`},
		{"a", `"a"`, `"a"`},
		{"a", `12345678901234567890`, `12345678901234567890`},
	} {
		r, err := NewRedactor(strings.Fields(c.paths))
		if err != nil {
			t.Fatal(err)
		}
		doc := []byte(c.doc)
		if got := string(r.Redact(doc)); got != c.want {
			t.Errorf("%s of %s\n got %s\nwant %s", c.paths, c.doc, got, c.want)
		}
		if string(doc) != c.doc {
			t.Errorf("%s: the document was changed to %s", c.doc, doc)
		}
	}
}

func TestRedactIsBoundedByTheDocument(t *testing.T) {
	r, err := NewRedactor([]string{"**.*.**.x", "*.**.x.**.y"})
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat(`{"k":`, 9999) + `{"x":1}` + strings.Repeat("}", 9999)
	if got := string(r.Redact([]byte(deep))); got != strings.Replace(deep, "1", `"***"`, 1) {
		t.Error("the innermost value is not masked")
	}
	if got := string(r.Redact([]byte(strings.Repeat("[", 1<<20)))); got != `"***"` {
		t.Errorf("too deep: %.40s", got)
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	for _, paths := range [][]string{{""}, {"a..b"}, {".a"}, {"a."}, {"ok", strings.Repeat("a", 257)}, make([]string, 101)} {
		var fe *transport.FieldError
		if _, err := NewRedactor(paths); !errors.As(err, &fe) || fe.Field != "log.redact" {
			t.Errorf("%.60q: %v", paths, err)
		}
	}
}

// plainRedact is what Redact does, on decoded values and for paths without **.
func plainRedact(v any, path []string) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plainRedact(v[i], path)
		}
	case map[string]any:
		for key := range v {
			switch {
			case path[0] != "*" && path[0] != key:
			case len(path) == 1:
				v[key] = transport.Masked
			default:
				v[key] = plainRedact(v[key], path[1:])
			}
		}
	}
	return v
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,{"c":"x"}]},"d":1e5}`), "a.b.c")
	f.Add([]byte(` [ {"a" : 1 } , null ] `), "*")
	f.Add([]byte(`{"":{"\ud800":1}}`), "**.a")
	f.Fuzz(func(t *testing.T, doc []byte, path string) {
		r, err := NewRedactor([]string{path})
		if err != nil {
			return
		}
		got := r.Redact(doc)
		if !json.Valid(got) {
			t.Fatalf("%s of %s is no JSON: %s", path, doc, got)
		}
		if strings.Contains(path, "**") || !json.Valid(doc) {
			return
		}
		var want, have any
		if json.Unmarshal(doc, &want) != nil || json.Unmarshal(got, &have) != nil || bytes.Contains(doc, []byte("***")) {
			return
		}
		if want = plainRedact(want, strings.Split(path, ".")); !reflect.DeepEqual(want, have) {
			t.Fatalf("%s of %s is %s", path, doc, got)
		}
	})
}
