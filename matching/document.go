package matching

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// MaxAlert is the longest alert document, in bytes.
const MaxAlert = 64 << 10

// Decode reads a JSON document over a: what it does not mention stays as it is.
// So a new alert is decoded over NewAlert(), a change over the saved one.
// Unknown fields and wrong kinds of values are a *FieldError that names them.
// a is changed only if there is no error; it is not validated.
func (a *Alert) Decode(doc []byte) error {
	if len(doc) > MaxAlert {
		return tooLong("alert", "", len(doc), MaxAlert)
	}
	next := *a
	next.CCEmails = nil // never the saved list's own array
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	if err := d.Decode(&next); err != nil {
		return documentError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return wrong("alert", "", "has something behind its end; give one JSON object")
	}
	if next.CCEmails == nil {
		next.CCEmails = a.CCEmails
	}
	*a = next
	return nil
}

func documentError(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return wrong(kind.Field, kind.Value, "is a "+kind.Value+"; give "+kindName(kind.Type.Kind().String()))
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return wrong(strings.Trim(name, `"`), "", "is not a field of an alert; leave it out, or look for a slip of the pen")
	}
	return wrong("alert", "", "is not valid JSON: "+strings.TrimPrefix(err.Error(), "json: ")+"; give one JSON object")
}

// kindName is what a user calls a kind of Go's values.
func kindName(kind string) string {
	switch kind {
	case "string":
		return "text, in quotes"
	case "bool":
		return "true or false"
	case "slice":
		return "a list of texts"
	}
	return "a whole number"
}
