package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
)

// bodyGiven is the body of an endpoint's JSON as it is written, but for blanks: the order of a
// template's keys is its writer's. nil: there is none; null is "null".
func bodyGiven(raw []byte) json.RawMessage {
	var in struct {
		Body json.RawMessage `json:"body"`
	}
	var b bytes.Buffer
	if json.Unmarshal(raw, &in) != nil || in.Body == nil || json.Compact(&b, in.Body) != nil {
		return nil // was parsed before
	}
	return b.Bytes()
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// maxMergeDepth is more than a template may be nested; what lies deeper is
// replaced whole.
const maxMergeDepth = 64

// mergeRaw is RFC 7396 that keeps the order of base's keys, with new ones
// behind them in the order of patch's.
func mergeRaw(base, patch json.RawMessage, depth int) json.RawMessage {
	changes, isObject := membersOf(patch)
	if !isObject || depth > maxMergeDepth {
		return patch
	}
	all, _ := membersOf(base)
	for _, change := range changes {
		at := slices.IndexFunc(all, func(m member) bool { return m.name == change.name })
		switch {
		case isNull(change.value) && at >= 0:
			all = slices.Delete(all, at, at+1)
		case isNull(change.value):
		case at >= 0:
			all[at].value = mergeRaw(all[at].value, change.value, depth+1)
		default:
			all = append(all, member{change.name, mergeRaw(nil, change.value, depth+1)})
		}
	}
	return objectRaw(all)
}

// PatchRaw is the merge patch (RFC 7396) that makes wanted of base, with wanted's
// order of keys, what is only in base last. A null within wanted cannot be told
// by such a patch; order alone is no difference.
func PatchRaw(base, wanted json.RawMessage) json.RawMessage {
	all, isObject := membersOf(wanted)
	before, wasObject := membersOf(base)
	if !isObject || !wasObject {
		return wanted
	}
	var patch []member
	for _, m := range all {
		at := slices.IndexFunc(before, func(b member) bool { return b.name == m.name })
		switch {
		case at < 0:
			patch = append(patch, m)
		case !meansSame(before[at].value, m.value):
			patch = append(patch, member{m.name, PatchRaw(before[at].value, m.value)})
		}
	}
	for _, b := range before {
		if !slices.ContainsFunc(all, func(m member) bool { return m.name == b.name }) {
			patch = append(patch, member{b.name, json.RawMessage("null")})
		}
	}
	return objectRaw(patch)
}

func meansSame(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// member is one name of an object, and its value as it is written.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf gives the members of an object in their order; of a name that is
// there twice the last value counts, as everywhere.
func membersOf(raw json.RawMessage) (all []member, isObject bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, false
		}
		if at := slices.IndexFunc(all, func(before member) bool { return before.name == m.name }); at >= 0 {
			all[at].value = m.value
		} else {
			all = append(all, m)
		}
	}
	return all, true
}

func objectRaw(all []member) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		_ = encode(&b, m.name) // a string: cannot fail
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}
