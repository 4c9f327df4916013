package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/rfc3339"
)

var (
	durationType = reflect.TypeFor[transport.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	rawType      = reflect.TypeFor[json.RawMessage]()
)

// checkShape tells the first place where v, as parsed from JSON, does not fit
// t: a name that t does not know (exactly: capitals count), or a wrong kind of
// value. null fits everywhere and means left out. The *Error has the dotted
// name, and never a value. Times in v are written anew, as encoding/json, which
// does not know all of RFC 3339, reads them.
func checkShape(v any, t reflect.Type, path string) error {
	if v == nil || t == rawType {
		return nil
	}
	switch t {
	case durationType:
		return checkText(v, path, "a duration such as 10s, 5m or 2h", func(s string) bool {
			_, err := time.ParseDuration(s)
			return err == nil || s == ""
		})
	case timeType:
		return checkText(v, path, "a time such as 2026-01-31T12:00:00Z", func(s string) bool {
			_, ok := rfc3339.Parse(s)
			return ok
		})
	}
	switch t.Kind() {
	case reflect.Pointer:
		return checkShape(v, t.Elem(), path)
	case reflect.Struct:
		return checkObject(v, t, path)
	case reflect.Map:
		return checkMap(v, t.Elem(), path)
	case reflect.Slice:
		return checkList(v, t.Elem(), path)
	case reflect.String:
		return checkText(v, path, "a string", func(string) bool { return true })
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			return expected(path, "true or false")
		}
		return nil
	}
	return checkNumber(v, t, path)
}

func expected(path, what string) error { return invalid(path, "expected "+what) }

func checkText(v any, path, what string, fits func(string) bool) error {
	if s, ok := v.(string); !ok || !fits(s) {
		return expected(path, what)
	}
	return nil
}

func checkNumber(v any, t reflect.Type, path string) error {
	n, ok := v.(json.Number)
	if !ok {
		return expected(path, "a number")
	}
	if t.Kind() == reflect.Float64 {
		if _, err := n.Float64(); err != nil {
			return expected(path, "a number that is not that large")
		}
		return nil
	}
	if _, err := strconv.ParseInt(n.String(), 10, t.Bits()); err != nil {
		return expected(path, "a whole number")
	}
	return nil
}

func checkList(v any, t reflect.Type, path string) error {
	list, ok := v.([]any)
	if !ok {
		return expected(path, "a list")
	}
	for i, element := range list {
		if err := checkShape(element, t, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

func checkMap(v any, t reflect.Type, path string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return expected(path, "an object")
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if err := checkShape(object[name], t, under(path, name)); err != nil {
			return err
		}
	}
	return nil
}

func checkObject(v any, t reflect.Type, path string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return expected(path, "an object")
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		field, known := fieldNamed(t, name)
		if !known {
			return unknownField(under(path, name))
		}
		if err := checkShape(object[name], field.Type, under(path, name)); err != nil {
			return err
		}
		if text, is := object[name].(string); is && isTime(field.Type) {
			at, _ := rfc3339.Parse(text)
			object[name] = at.Format(time.RFC3339Nano)
		}
	}
	return nil
}

func isTime(t reflect.Type) bool {
	return t == timeType || t.Kind() == reflect.Pointer && t.Elem() == timeType
}

func unknownField(name string) *Error {
	const most = 100
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return invalid(name, "unknown field; check its spelling, or leave it out")
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func fieldNamed(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == name && tag != "-" && tag != "" {
			return field, true
		}
	}
	return reflect.StructField{}, false
}
