package api

import (
	"strings"

	"github.com/postrider/postrider/transport"
)

// givenIn is what the JSON of a new endpoint, or of a change of one, says of
// the settings that profiles set differently: named it is the user's, null
// gives it back to the profile, and what is not named stays as before was.
func givenIn(object map[string]any, before transport.Given) transport.Given {
	for _, name := range transport.GivenNames() {
		switch bit := transport.GivenOf(name); said(object, name) {
		case saidValue:
			before |= bit
		case saidNull:
			before &^= bit
		}
	}
	return before
}

type saying int

const (
	saidNothing saying = iota
	saidNull
	saidValue
)

// said tells what object says of a name, dotted where nested. Of a section it
// is a value as soon as one of its members is, and null where its first word
// (a signature's scheme) is.
func said(object map[string]any, name string) saying {
	section, rest, nested := strings.Cut(name, ".")
	v, there := object[section]
	fields, isObject := v.(map[string]any)
	switch {
	case !there:
		return saidNothing
	case v == nil:
		return saidNull
	case nested:
		return said(fields, rest)
	case !isObject:
		return saidValue
	}
	scheme, named := fields["scheme"]
	if named && scheme == nil {
		return saidNull
	}
	for _, member := range fields {
		if member != nil {
			return saidValue
		}
	}
	return saidNothing
}

// rebase takes out of base, an endpoint as it is shown, what a patch brings
// other defaults for: with another profile or version all that its user did not
// choose, with another scheme what belonged to the one before.
func rebase(base, patch map[string]any, given transport.Given) {
	if changes(base, patch, "profile") || changes(base, patch, "version") {
		for _, name := range transport.GivenNames() {
			if given&transport.GivenOf(name) == 0 {
				drop(base, name)
			}
		}
	}
	signature, _ := patch["signature"].(map[string]any)
	before, _ := base["signature"].(map[string]any)
	if before != nil && signature != nil && changes(before, signature, "scheme") {
		delete(base, "signature")
	}
}

// changes tells whether a patch gives a field another value; null is "".
func changes(base, patch map[string]any, name string) bool {
	next, there := patch[name]
	text, _ := next.(string)
	before, _ := base[name].(string)
	return there && text != before
}

// drop deletes a name, dotted where nested.
func drop(object map[string]any, name string) {
	section, rest, nested := strings.Cut(name, ".")
	if !nested {
		delete(object, name)
	} else if fields, isObject := object[section].(map[string]any); isObject {
		drop(fields, rest)
	}
}
