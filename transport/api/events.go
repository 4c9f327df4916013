package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
	"github.com/postrider/postrider/transport/syntax/jsontext"
	"github.com/postrider/postrider/transport/syntax/rfc3339"
)

// maxSingle is a body of one event: its document, and room for the rest.
const maxSingle = transport.MaxHTTPEvent + 64<<10

var (
	eventsRoute = route{method: http.MethodPost, path: "/v1/events", id: "publish-events", roles: []string{RolePublishEvents},
		summary: "Publish an event, an array of up to 1000, or NDJSON; 202 once all are durable"}
	eventsBody = bodyLimits{bytes: 64 << 20, within: 2 * time.Minute}
)

// EventInput is an event as it is published by HTTP.
type EventInput struct {
	Customer string          `json:"customer" doc:"For operators; else the token's"`
	Type     string          `json:"type" example:"access.granted"`
	ID       string          `json:"id" doc:"At most 256 bytes of visible ASCII, other characters percent-encoded; the same id from the same customer is delivered once"`
	Time     *time.Time      `json:"time" doc:"When it happened, RFC 3339; default: the document's own, else now"`
	Data     json.RawMessage `json:"data" doc:"The document: any JSON, at most 8 MiB"`
}

// Receipts is the answer to a batch, in its order.
type Receipts struct {
	Events []transport.Receipt `json:"events"`
}

// publish takes one event, an array, or NDJSON. It goes round huma: this is
// the one route where each microsecond counts.
func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	who, failure := s.allow(w, r, &eventsRoute)
	if failure != nil {
		writeError(w, failure)
		return
	}
	hold := held{budget: s.bodies, customer: who.customer}
	defer hold.back()
	raw, failure := readBody(r, eventsBody, &hold)
	if failure != nil {
		writeError(w, failure)
		return
	}
	events, batch, found, err := readCloudEvents(r, raw, who)
	if !found {
		events, batch, err = readEvents(raw, isLines(r), who)
	}
	if err != nil {
		writeError(w, s.fault(r.Context(), err))
		return
	}
	receipts, err := s.submit(r.Context(), who, events)
	switch {
	case err != nil:
		writeError(w, s.fault(r.Context(), err))
	case batch:
		writeJSON(w, http.StatusAccepted, Receipts{Events: receipts})
	case len(receipts) != 1:
		writeError(w, s.fault(r.Context(), fmt.Errorf("%d receipts for one event", len(receipts))))
	default:
		writeJSON(w, http.StatusAccepted, receipts[0])
	}
}

// isLines tells whether the body is one event a line.
func isLines(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return true
	}
	return false
}

func readEvents(raw []byte, lines bool, who *caller) (events []transport.Event, batch bool, err error) {
	body := bytes.TrimLeft(raw, " \t\r\n")
	switch {
	case len(body) == 0:
		return nil, false, invalid("body", "empty; send an event, an array of events, or NDJSON")
	case lines:
		events, err = readLines(raw, who)
		return events, true, err
	case body[0] == '[':
		events, err = readArray(raw, who)
		return events, true, err
	case len(raw) > maxSingle:
		return nil, false, dataTooLarge("data")
	}
	ev, err := readEvent(raw, who)
	return []transport.Event{ev}, false, err
}

func dataTooLarge(field string) *Error {
	return tooLarge(field, "over 8388608 bytes; publish a reference to the document, or split it", transport.MaxHTTPEvent)
}

func readLines(raw []byte, who *caller) ([]transport.Event, error) {
	var events []transport.Event
	number := 0
	for line := range bytes.Lines(raw) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if len(events) == transport.MaxBatchEvents {
			return nil, tooMany()
		}
		ev, err := readEvent(line, who)
		if err != nil {
			return nil, placed(fmt.Sprintf("line %d", number), err)
		}
		events = append(events, ev)
	}
	if len(events) == 0 {
		return nil, invalid("body", "empty; send at least one event")
	}
	return events, nil
}

func readArray(raw []byte, who *caller) ([]transport.Event, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the bracket
		return nil, invalid("body", "not JSON: "+jsonFault(err))
	}
	var events []transport.Event
	for d.More() {
		if len(events) == transport.MaxBatchEvents {
			return nil, tooMany()
		}
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return nil, invalid("body", "not JSON: "+jsonFault(err))
		}
		ev, err := readEvent(one, who)
		if err != nil {
			return nil, placed(fmt.Sprintf("[%d]", len(events)), err)
		}
		events = append(events, ev)
	}
	if _, err := d.Token(); err != nil {
		return nil, invalid("body", "not JSON: "+jsonFault(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("body", "goes on after its array; send one array")
	}
	if len(events) == 0 {
		return nil, invalid("body", "an empty array; send at least one event")
	}
	return events, nil
}

func tooMany() *Error {
	return tooLarge("body", fmt.Sprintf("over %d events; send them in several requests", transport.MaxBatchEvents), transport.MaxBatchEvents)
}

// placed puts an event's place before the field of its error.
func placed(place string, err error) error {
	var fe *transport.FieldError
	if errors.As(err, &fe) {
		return &transport.FieldError{Field: within(place, fe.Field), Message: fe.Message, Value: fe.Value}
	}
	var e *Error
	if !errors.As(err, &e) || e.Details == nil {
		return err
	}
	field, _ := e.Details["field"].(string)
	moved := *e
	moved.Message = within(place, field) + strings.TrimPrefix(e.Message, field)
	moved.Details = maps.Clone(e.Details)
	moved.Details["field"] = within(place, field)
	return &moved
}

// within is a field of the event at place; its body is the event itself.
func within(place, field string) string {
	if field == "body" {
		return place
	}
	return place + "." + field
}

func readEvent(raw []byte, who *caller) (transport.Event, error) {
	var in EventInput
	if err := decodeEvent(raw, &in); err != nil {
		if errors.Is(err, errCloud) {
			return readEnvelope(raw, who)
		}
		return transport.Event{}, err
	}
	customer, err := who.actsFor(in.Customer)
	if err != nil {
		return transport.Event{}, err
	}
	if _, err := transport.EventSubject(customer, in.Type); err != nil {
		return transport.Event{}, err
	}
	switch {
	case len(in.Data) == 0:
		return transport.Event{}, invalid("data", "missing; give the event's document")
	case len(in.Data) > transport.MaxHTTPEvent:
		return transport.Event{}, dataTooLarge("data")
	}
	id, err := transport.EventID(in.ID)
	if err != nil {
		return transport.Event{}, err
	}
	ev := transport.Event{ID: id, IDGiven: id != "", Customer: customer, Type: in.Type, Data: in.Data}
	if in.Time != nil {
		ev.Time = in.Time.UTC()
	}
	return ev, nil
}

// readEnvelope reads a CloudEvent that came without its content type.
func readEnvelope(raw []byte, who *caller) (transport.Event, error) {
	e, err := cloudevents.ReadStructured(raw)
	if err != nil {
		return transport.Event{}, cloudFault(err)
	}
	return cloudEvent(e, "", who)
}

var (
	// errCloud: the event has a specversion, so it is a CloudEvent.
	errCloud = errors.New("a CloudEvent")
	// errCareful: what is wrong is for decode to say.
	errCareful = errors.New("look again")
)

// decodeEvent is decode for the hot path: one pass where all is well, and the
// careful way, which can name the field, where it is not.
func decodeEvent(raw []byte, in *EventInput) error {
	if !utf8.Valid(raw) {
		return invalid("body", "not valid UTF-8")
	}
	r := jsontext.Reader{Doc: raw}
	err := r.Members(0, in.member)
	if err == nil {
		err = r.End()
	}
	if err == nil || errors.Is(err, errCloud) {
		return err
	}
	*in = EventInput{}
	return decode(raw, in)
}

// member takes one field, by its exact name; null is left out.
func (in *EventInput) member(name, value []byte) error {
	if string(name) == "data" {
		in.Data = value[:len(value):len(value)]
		return nil
	}
	if string(name) == "specversion" {
		return errCloud
	}
	text, null := "", string(value) == "null"
	switch {
	case jsontext.IsString(value):
		text = jsontext.Text(value)
	case !null:
		return errCareful
	}
	switch string(name) {
	case "customer":
		in.Customer = text
	case "type":
		in.Type = text
	case "id":
		in.ID = text
	case "time":
		in.Time = nil
		if at, ok := rfc3339.Parse(text); ok {
			in.Time = &at
		} else if !null {
			return errCareful
		}
	default:
		return errCareful
	}
	return nil
}
