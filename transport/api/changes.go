package api

import (
	"encoding/json"
	"maps"
	"slices"
)

// ShownChange is a field that a change gives another value; those that are
// masked stay so.
type ShownChange struct {
	Field string          `json:"field"`
	From  json.RawMessage `json:"from,omitempty" doc:"Nothing: it was not set"`
	To    json.RawMessage `json:"to,omitempty" doc:"Nothing: it is not set any more"`
}

// changesOf tells what differs between two endpoints as they are shown, by
// field, what Postrider sets itself aside.
func changesOf(before, after *ShownEndpoint) ([]ShownChange, error) {
	old, err := objectOf(before)
	if err != nil {
		return nil, err
	}
	next, err := objectOf(after)
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{"secret", "standing", "warnings", "changed_unseen", "changes", "replay", "from", "public_key"}, ownFields...) {
		delete(old, name)
		delete(next, name)
	}
	return appendChanges(nil, old, next, "")
}

func appendChanges(all []ShownChange, old, next map[string]any, path string) ([]ShownChange, error) {
	names := map[string]any{} // either may be nil
	maps.Copy(names, old)
	maps.Copy(names, next)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		from, was := old[name].(map[string]any)
		to, is := next[name].(map[string]any)
		field := under(path, name)
		var err error
		if was && is && field != "body" || field == "headers" {
			if all, err = appendChanges(all, from, to, field); err != nil {
				return nil, err
			}
			continue
		}
		c := ShownChange{Field: field}
		if c.From, err = rawOf(old[name]); err != nil {
			return nil, err
		}
		if c.To, err = rawOf(next[name]); err != nil {
			return nil, err
		}
		if string(c.From) != string(c.To) {
			all = append(all, c)
		}
	}
	return all, nil
}

// rawOf is a value as JSON; nothing where it is not set.
func rawOf(v any) (json.RawMessage, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	return json.Marshal(v)
}
