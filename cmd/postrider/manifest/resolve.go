package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrUnset is a reference to an environment variable that is not set.
var ErrUnset = errors.New("not set")

// Resolve puts values in the place of d's references. One that is ErrUnset is
// left out and named in unset with its field: a thing that is there keeps its
// value, and a new one cannot be made. Other errors of get are wrapped in an
// *Error.
func (d *Document) Resolve(get func(Reference) (string, error)) (unset map[string]Reference, err error) {
	unset = map[string]Reference{}
	fields, err := d.resolved(d.Fields, "", get, unset)
	if err != nil {
		return nil, err
	}
	d.Fields = fields.(map[string]any)
	return unset, nil
}

// kept stands where a value is to stay as it is.
type kept struct{}

func (d *Document) resolved(v any, path string, get func(Reference) (string, error), unset map[string]Reference) (any, error) {
	switch v := v.(type) {
	case Reference:
		text, err := get(v)
		if errors.Is(err, ErrUnset) {
			unset[path] = v
			return kept{}, nil
		}
		if err != nil {
			return nil, &Error{File: d.File, Document: d.Number, Field: path, Message: err.Error()}
		}
		return text, nil
	case map[string]any:
		object := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			value, err := d.resolved(v[name], under(path, name), get, unset)
			if err != nil {
				return nil, err
			}
			object[name] = value
		}
		return object, nil
	case []any:
		list := make([]any, 0, len(v))
		for i, item := range v {
			value, err := d.resolved(item, fmt.Sprintf("%s[%d]", path, i), get, unset)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	return v, nil
}
