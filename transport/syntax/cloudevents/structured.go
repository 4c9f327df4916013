package cloudevents

import (
	"encoding/base64"
	"strings"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// Mode is how a message with a content type carries CloudEvents.
type Mode int

const (
	// Other: not in one of these modes.
	Other Mode = iota
	// Structured is one event as a JSON object.
	Structured
	// Batch is an array of such objects.
	Batch
	// Unknown is a format of CloudEvents that is not read.
	Unknown
)

// ModeOf tells the mode by a content type.
func ModeOf(contentType string) Mode {
	const family = "application/cloudevents"
	media := mediaType(contentType)
	switch {
	case !strings.HasPrefix(media, family):
		return Other
	case media == family || media == family+"+json":
		return Structured
	case media == family+"-batch+json":
		return Batch
	}
	return Unknown
}

// ReadStructured reads an event in structured mode.
func ReadStructured(doc []byte) (*Event, error) {
	s := structured{}
	r := jsontext.Reader{Doc: jsontext.Trim(doc)}
	if r.Next() != '{' {
		return nil, &Error{"the event", "is not a JSON object"}
	}
	if err := r.Members(0, s.member); err != nil {
		return nil, &Error{"the event", "is not valid JSON: " + err.Error()}
	}
	if err := s.checkAll(); err != nil {
		return nil, err
	}
	if err := s.readData(); err != nil {
		return nil, err
	}
	s.sort()
	return &s.Event, nil
}

type structured struct {
	Event
	data, base64 []byte
}

func (s *structured) member(name, value []byte) error {
	switch key := string(name); key {
	case "data":
		s.data = value
	case "data_base64":
		if string(value) != "null" {
			s.base64 = value
		}
	case "id", "source", "specversion", "type":
		if jsontext.IsString(value) {
			s.take(key, value)
		}
	default:
		s.take(key, value)
	}
	return nil
}

func (s *structured) checkAll() error {
	switch {
	case s.version == "":
		return &Error{"specversion", `is missing; "1.0" is what is read`}
	case s.ID == "":
		return &Error{"id", "is missing"}
	case s.Source == "":
		return &Error{"source", "is missing"}
	case s.Type == "":
		return &Error{"type", "is missing"}
	case s.data != nil && s.base64 != nil:
		return &Error{"data", "and data_base64 are both there; send one"}
	}
	return s.check()
}

func (s *structured) readData() error {
	switch {
	case s.data != nil:
		s.Data = s.data
		return nil
	case s.base64 == nil:
		s.setData(nil)
		return nil
	case !jsontext.IsString(s.base64):
		return &Error{"data_base64", "is not a string"}
	}
	data, err := base64.StdEncoding.DecodeString(jsontext.Text(s.base64))
	if err != nil {
		return &Error{"data_base64", "is not base64"}
	}
	if s.setData(data); s.Form == "" && !jsontext.Valid(s.Data) {
		return &Error{"data_base64", "does not hold JSON, which is what it is without another datacontenttype"}
	}
	return nil
}
