package manifest

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"
)

// asideFields are no part of a change: they are told when a thing is made
// (from), changed in another way (secret), or tell which thing it is.
var asideFields = map[string][]string{
	Customer: {"id"}, Endpoint: {"customer", "secret", "from"}, Alert: {"customer"},
}

// keptFields stay where a document does not name them: they are made, not
// defaults.
var keptFields = map[string][]string{Customer: {"customer_id"}}

// Patch is the JSON merge patch that makes of current, a thing as the node
// shows it, what d says: a field that d leaves out gets its default. It is
// empty where nothing needs to be asked of the node. d is resolved before.
func (d *Document) Patch(current map[string]any) map[string]any {
	wanted := maps.Clone(d.Fields)
	for _, name := range asideFields[d.Kind] {
		delete(wanted, name)
	}
	for _, name := range keptFields[d.Kind] {
		if wanted[name] == nil {
			delete(wanted, name)
		}
	}
	if d.Kind == Endpoint && wanted["enabled"] == nil {
		wanted["enabled"] = true // said, so that one which its failures disabled stays so where nothing is changed
	}
	aside := slices.Concat(asideFields[d.Kind], keptFields[d.Kind])
	patch, _ := patchOf(wanted, current, shapes[d.Kind], aside).(map[string]any)
	if tls, ok := patch["tls"].(map[string]any); ok {
		if certificate, there := tls["client_certificate"]; there && certificate == nil {
			tls["client_key"] = nil // current does not show it
		}
	}
	return patch
}

// patchOf gives what of wanted is not in current; nil: nothing.
func patchOf(wanted, current any, t reflect.Type, aside []string) any {
	if t == rawType {
		return rawPatch(wanted, current)
	}
	object, ok := wanted.(map[string]any)
	if !ok {
		return wanted
	}
	before, _ := current.(map[string]any)
	patch := map[string]any{}
	put := func(name string, t reflect.Type) {
		value := object[name]
		if _, keep := value.(kept); keep || same(value, before[name], t) {
			return
		}
		inner := patchOf(value, before[name], t, nil)
		if m, isObject := inner.(map[string]any); isObject && len(m) == 0 && before[name] != nil {
			return
		}
		patch[name] = inner
	}
	for name, t := range members(object, before, t) {
		if !slices.Contains(aside, name) || object[name] != nil {
			put(name, t)
		}
	}
	return patch
}

// members are the fields of a struct, or the names of a map, with their types.
func members(object, before map[string]any, t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if name := jsonName(t.Field(i)); name != "" {
				all[name] = t.Field(i).Type
			}
		}
		return all
	}
	for name := range object {
		all[name] = t.Elem()
	}
	for name := range before {
		all[name] = t.Elem()
	}
	return all
}

// same tells whether two JSON values mean the same for a field of type t.
func same(a, b any, t reflect.Type) bool {
	if empty(a) && empty(b) && (a == nil || b == nil) {
		return true
	}
	if t == rawType {
		a, b = plain(a), plain(b)
	}
	x, isNumber := a.(json.Number)
	y, bothNumbers := b.(json.Number)
	if isNumber && bothNumbers {
		f, errF := x.Float64()
		g, errG := y.Float64()
		return x == y || errF == nil && errG == nil && f == g
	}
	if t == durationType {
		return sameDuration(a, b)
	}
	list, isList := a.([]any)
	other, bothLists := b.([]any)
	if isList && bothLists {
		return sameList(list, other, t)
	}
	object, isObject := a.(map[string]any)
	before, bothObjects := b.(map[string]any)
	if isObject && bothObjects {
		return sameObject(object, before, t)
	}
	if isList || isObject || bothLists || bothObjects {
		return false
	}
	return a == b
}

func sameList(a, b []any, t reflect.Type) bool {
	if len(a) != len(b) {
		return false
	}
	if t != rawType {
		t = t.Elem()
	}
	for i := range a {
		if !same(a[i], b[i], t) {
			return false
		}
	}
	return true
}

func sameObject(a, b map[string]any, t reflect.Type) bool {
	types := map[string]reflect.Type{}
	if t != rawType {
		types = members(a, b, t)
	} else {
		for _, object := range []map[string]any{a, b} {
			for name := range object {
				types[name] = rawType
			}
		}
	}
	for name, t := range types {
		x, there := a[name]
		y, too := b[name]
		if t == rawType && there != too || !same(x, y, t) {
			return false
		}
	}
	return true
}

func sameDuration(a, b any) bool {
	x, okX := a.(string)
	y, okY := b.(string)
	if !okX || !okY {
		return false
	}
	d, errD := time.ParseDuration(x)
	e, errE := time.ParseDuration(y)
	return x == y || errD == nil && errE == nil && d == e
}

// empty is what the node shows where nothing is set.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		for _, inner := range v {
			if !empty(inner) {
				return false
			}
		}
		return true
	}
	return false
}
