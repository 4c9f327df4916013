package api

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// spec is the OpenAPI document, read as any client reads it.
type spec struct {
	Paths      map[string]map[string]*specOperation
	Components struct{ Schemas map[string]map[string]any }
}

type specOperation struct {
	OperationID string
	Description string
	Parameters  []struct {
		Name, In string
		Schema   map[string]any
	}
	RequestBody struct{ Content specContent }
	Responses   map[string]struct{ Content specContent }
}

type specContent map[string]struct{ Schema map[string]any }

func readSpec(t testing.TB, raw string) *spec {
	t.Helper()
	s := &spec{}
	if err := json.Unmarshal([]byte(raw), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// resolved follows a reference.
func (s *spec) resolved(schema map[string]any) map[string]any {
	if ref, ok := schema["$ref"].(string); ok {
		return s.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
	}
	return schema
}

// misfit tells the first place where v does not fit a schema; "": it fits.
func (s *spec) misfit(v any, schema map[string]any, path string) string {
	schema = s.resolved(schema)
	if options, ok := schema["oneOf"].([]any); ok {
		return s.misfitAll(v, options, path)
	}
	if kinds := kindsOf(schema); len(kinds) > 0 && !slices.ContainsFunc(kinds, func(k string) bool { return isKind(v, k) }) {
		return fmt.Sprintf("%s is %T, not %v", path, v, kinds)
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Sprintf("%s is %v, not one of %v", path, v, enum)
	}
	switch v := v.(type) {
	case string:
		if schema["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
				return path + " is no time: " + v
			}
		}
	case float64:
		if least, ok := schema["minimum"].(float64); ok && v < least {
			return fmt.Sprintf("%s is %v, under %v", path, v, least)
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, one := range v {
			if wrong := s.misfit(one, items, fmt.Sprintf("%s[%d]", path, i)); items != nil && wrong != "" {
				return wrong
			}
		}
	case map[string]any:
		return s.misfitObject(v, schema, path)
	}
	return ""
}

func (s *spec) misfitAll(v any, options []any, path string) (wrong string) {
	for _, o := range options {
		if wrong = s.misfit(v, o.(map[string]any), path); wrong == "" {
			return ""
		}
	}
	return wrong
}

func (s *spec) misfitObject(v, schema map[string]any, path string) string {
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, there := v[name.(string)]; !there {
			return fmt.Sprintf("%s lacks %v", path, name)
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range v {
		if property, known := properties[name].(map[string]any); known {
			if wrong := s.misfit(value, property, path+"."+name); wrong != "" {
				return wrong
			}
			continue
		}
		switch more := schema["additionalProperties"].(type) {
		case bool:
			if !more {
				return path + " has " + name + ", which is not described"
			}
		case map[string]any:
			if wrong := s.misfit(value, more, path+"."+name); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

func kindsOf(schema map[string]any) (kinds []string) {
	switch kind := schema["type"].(type) {
	case string:
		return []string{kind}
	case []any:
		for _, k := range kind {
			kinds = append(kinds, k.(string))
		}
	}
	return kinds
}

func isKind(v any, kind string) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case float64:
		return kind == "number" || kind == "integer" && v == math.Trunc(v)
	case []any:
		return kind == "array"
	}
	return kind == "object"
}

func TestWhatFitsASchema(t *testing.T) {
	s := readSpec(t, `{"components":{"schemas":{"A":{"type":"object","additionalProperties":false,"required":["n"],
		"properties":{"n":{"type":"integer","minimum":0},"at":{"type":"string","format":"date-time"},"list":{"type":["array","null"],"items":{"enum":["a"]}}}}}}}`)
	a := map[string]any{"$ref": "#/components/schemas/A"}
	for doc, fits := range map[string]bool{
		`{"n":1}`: true, `{"n":1,"list":null}`: true, `{"n":1,"list":["a"],"at":"2026-01-01T00:00:00.5Z"}`: true,
		`{}`: false, `{"n":-1}`: false, `{"n":1.5}`: false, `{"n":"1"}`: false, `{"n":1,"x":1}`: false, `{"n":1,"at":"now"}`: false,
		`{"n":1,"list":["b"]}`: false, `[]`: false, `null`: false,
	} {
		var v any
		if err := json.Unmarshal([]byte(doc), &v); err != nil {
			t.Fatal(err)
		}
		if wrong := s.misfit(v, a, "it"); (wrong == "") != fits {
			t.Errorf("%s: %q", doc, wrong)
		}
	}
}
