package manifest

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/postrider/postrider/transport/api"
)

// The kinds of document, in the order in which they are applied.
const (
	Customer = "customer"
	Endpoint = "endpoint"
	Alert    = "alert"
)

// Kinds are all kinds, in the order in which they are applied.
var Kinds = []string{Customer, Endpoint, Alert}

// Limits on one file, in bytes and documents, and on nesting.
const (
	MaxFile      = 32 << 20
	MaxDocuments = 100_000
	maxDepth     = 64
)

// shapes are the fields of each kind: what the API takes.
var shapes = map[string]reflect.Type{
	Customer: reflect.TypeFor[api.CustomerInput](),
	Endpoint: reflect.TypeFor[api.EndpointInput](),
	Alert:    reflect.TypeFor[api.AlertInput](),
}

// nameFields hold the name of a thing of each kind.
var nameFields = map[string]string{Customer: "name", Endpoint: "name", Alert: "alert_name"}

// Document is one thing as a file tells it.
type Document struct {
	Kind string
	// ID is the thing's own, or empty: then Customer and Name tell which one
	// it is. A customer's ID and Customer are the same.
	ID, Customer, Name string
	// Fields are all others, as JSON: string, json.Number, bool, nil, []any,
	// map[string]any, or a Reference in place of a string.
	Fields map[string]any
	// File and Number (from 1) tell where the document is.
	File   string
	Number int
}

// Place is "acme.yaml: document 2".
func (d *Document) Place() string { return fmt.Sprintf("%s: document %d", d.File, d.Number) }

// Label is "endpoint acme/Front desk", for people.
func (d *Document) Label() string {
	switch {
	case d.Kind == Customer:
		return d.Kind + " " + d.ID
	case d.Name != "":
		return d.Kind + " " + d.Customer + "/" + d.Name
	}
	return d.Kind + " " + d.Customer + "/" + d.ID
}

// Reference is where a value is kept that no file may hold: an environment
// variable, or a file relative to the manifest's folder.
type Reference struct{ Env, File string }

func (r Reference) String() string {
	if r.Env != "" {
		return "{env: " + r.Env + "}"
	}
	return "{file: " + r.File + "}"
}

// Error is what is wrong with a document. Line and Field may be missing.
type Error struct {
	File           string
	Document, Line int
	Field, Message string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: document %d", e.File, e.Document)
	if e.Line > 0 {
		text += fmt.Sprintf(", line %d", e.Line)
	}
	if e.Field != "" {
		text += ": " + e.Field
	}
	return text + ": " + e.Message
}

// jsonName is the name of a field in JSON; "" where it has none.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}
