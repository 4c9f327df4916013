package manifest

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Change is a field that is not the same before and after. Masked ones show
// no values: at most whether there was one.
type Change struct {
	Field  string `json:"field"`
	From   any    `json:"from,omitempty"` // nil: not there
	To     any    `json:"to,omitempty"`
	Masked bool   `json:"masked,omitempty"`
}

// ownFields are the node's, and say nothing about a change.
var ownFields = []string{"state", "state_reason", "waiting", "created_at", "updated_at", "standing", "warnings", "changed_unseen", "changes", "replay"}

// Diff tells what differs between two states of a thing as the node shows
// them, by field; masked are those that changed and are not shown.
func Diff(before, after map[string]any, masked []string) []Change {
	var all []Change
	diff(&all, before, after, "")
	for _, field := range masked {
		all = append(all, Change{Field: field, Masked: true})
	}
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(a.Field, b.Field) })
	return all
}

func diff(all *[]Change, before, after map[string]any, path string) {
	names := map[string]bool{}
	for _, object := range []map[string]any{before, after} {
		for name := range object {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if path == "" && slices.Contains(ownFields, name) {
			continue
		}
		x, y := before[name], after[name]
		field := under(path, name)
		old, wasObject := x.(map[string]any)
		next, isObject := y.(map[string]any)
		switch {
		case field == "headers", wasObject && isObject && field != "body":
			diff(all, old, next, field)
		case !same(x, y, rawType) && !(empty(x) && empty(y)):
			*all = append(*all, Change{Field: field, From: x, To: y, Masked: path == "headers"})
		}
	}
}

// trimmed is a shown thing without what is empty and what the node sets
// itself: what a document says.
func trimmed(v map[string]any, t reflect.Type) map[string]any {
	kept := map[string]any{}
	for name, t := range members(nil, nil, t) {
		value := v[name]
		if object, isObject := value.(map[string]any); isObject && t.Kind() == reflect.Struct {
			value = trimmed(object, t)
		}
		if !empty(value) {
			kept[name] = value
		}
	}
	return kept
}
