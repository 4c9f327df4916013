package cloudevents

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

const (
	// MaxText bounds the source, in bytes; other texts are cut there.
	MaxText = 2 << 10
	// maxExtensions is how many extensions of an event are kept, and
	// maxExtensionBytes how long they are together; what is beyond is left out.
	maxExtensions     = 50
	maxExtensionBytes = 8 << 10
)

// Error says why something is no CloudEvent, and names the attribute.
type Error struct{ Field, Message string }

func (e *Error) Error() string { return e.Field + " " + e.Message }

// Attributes are what a CloudEvent says of itself beside its type and time, as
// it is kept with the event.
type Attributes struct {
	// ID and Source are as the producer wrote them.
	ID              string `json:"id,omitempty"`
	Source          string `json:"source,omitempty"`
	Subject         string `json:"subject,omitempty"`
	DataContentType string `json:"datacontenttype,omitempty"`
	DataSchema      string `json:"dataschema,omitempty"`
	// Extensions are sorted by name.
	Extensions []Extension `json:"extensions,omitempty"`
	Form       Form        `json:"form,omitempty"`
}

// Extension is one extension attribute: Value is a string, number or boolean as
// it is written in JSON.
type Extension struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// Form is how Data stands for what the producer sent. Empty: it is the JSON, or
// a text as a JSON string.
type Form string

const (
	// NoData: there was none; Data is null.
	NoData Form = "none"
	// Base64Data: Data is a JSON string with the bytes in base64.
	Base64Data Form = "base64"
)

// Event is one CloudEvent as it was read.
type Event struct {
	Attributes
	Type, Time, Traceparent string
	// Data is JSON in structured mode; in binary mode what says it is JSON is
	// not checked.
	Data []byte

	version        string
	extensionBytes int
}

// take notes an attribute by its name; value is a string, number or boolean in
// JSON. Others are passed over, and null is not there.
func (e *Event) take(name string, value []byte) {
	if len(value) == 0 || value[0] == '{' || value[0] == '[' || value[0] == 'n' {
		return
	}
	text := string(value)
	if jsontext.IsString(value) {
		text = jsontext.Text(value)
	}
	switch name {
	case "specversion":
		e.version = text
	case "id":
		e.ID = text
	case "source":
		e.Source = text
	case "type":
		e.Type = text
	case "time":
		e.Time = text
	case "subject":
		e.Subject = cut(text)
	case "datacontenttype":
		e.DataContentType = cut(text)
	case "dataschema":
		e.DataSchema = cut(text)
	case "data", "data_base64":
	default:
		if name == "traceparent" {
			e.Traceparent = text
		}
		e.extend(name, value)
	}
}

func (e *Event) extend(name string, value []byte) {
	e.extensionBytes += len(name) + len(value)
	if extensionName(name) && len(e.Extensions) < maxExtensions && e.extensionBytes <= maxExtensionBytes {
		e.Extensions = append(e.Extensions, Extension{Name: name, Value: value})
	}
}

// extensionName: lower-case letters and digits, as the specification has it.
func extensionName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// sort orders the extensions; of a name that came twice the last one stays.
func (e *Event) sort() {
	list := e.Extensions
	slices.Reverse(list)
	slices.SortStableFunc(list, func(x, y Extension) int { return strings.Compare(x.Name, y.Name) })
	e.Extensions = slices.CompactFunc(list, func(x, y Extension) bool { return x.Name == y.Name })
}

func (e *Event) check() error {
	if e.version != "" && !strings.HasPrefix(e.version, "1.") {
		return &Error{"specversion", `is not "1.0"`}
	}
	if len(e.Source) > MaxText {
		return &Error{"source", "is over 2048 bytes long"}
	}
	return nil
}

func cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
