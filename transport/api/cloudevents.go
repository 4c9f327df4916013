package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
	"github.com/postrider/postrider/transport/syntax/jsontext"
	"github.com/postrider/postrider/transport/syntax/rfc3339"
)

// readCloudEvents reads a request that carries CloudEvents: in structured mode,
// as a batch, or in binary mode; found is false where it carries none of these.
// Their type is the event's, and customer is the one that an operator names in
// the query.
func readCloudEvents(r *http.Request, raw []byte, who *caller) (events []transport.Event, batch, found bool, err error) {
	customer := r.URL.Query().Get("customer")
	one := func(e *cloudevents.Event, err error) ([]transport.Event, bool, bool, error) {
		if err != nil {
			return nil, false, true, cloudFault(err)
		}
		ev, err := cloudEvent(e, customer, who)
		return []transport.Event{ev}, false, true, err
	}
	switch cloudevents.ModeOf(r.Header.Get("Content-Type")) {
	case cloudevents.Structured:
		return one(cloudevents.ReadStructured(raw))
	case cloudevents.Batch:
		events, err := readCloudBatch(raw, customer, who)
		return events, true, true, err
	case cloudevents.Unknown:
		return nil, false, true, invalid("Content-Type", "not a format of CloudEvents that is read; send application/cloudevents+json, application/cloudevents-batch+json, or binary mode")
	}
	e, cloud, err := cloudevents.ReadBinary(r.Header, raw)
	if !cloud {
		return nil, false, false, nil
	}
	return one(&e, err)
}

func readCloudBatch(raw []byte, customer string, who *caller) ([]transport.Event, error) {
	var events []transport.Event
	r := jsontext.Reader{Doc: raw}
	err := r.Elements(0, func(one []byte) error {
		if len(events) == transport.MaxBatchEvents {
			return tooMany()
		}
		e, err := cloudevents.ReadStructured(one)
		if err != nil {
			return placed(fmt.Sprintf("[%d]", len(events)), cloudFault(err))
		}
		ev, err := cloudEvent(e, customer, who)
		if err != nil {
			return placed(fmt.Sprintf("[%d]", len(events)), err)
		}
		events = append(events, ev)
		return nil
	})
	if err == nil {
		err = r.End()
	}
	var syntax *jsontext.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, invalid("body", "not a JSON array of CloudEvents: "+syntax.Error())
	case err == nil && len(events) == 0:
		return nil, invalid("body", "an empty array; send at least one event")
	}
	return events, err
}

// cloudFault names what is wrong with a CloudEvent.
func cloudFault(err error) error {
	var wrong *cloudevents.Error
	if errors.As(err, &wrong) && wrong.Field != "the event" {
		return invalid(wrong.Field, wrong.Message)
	}
	return invalid("body", "no CloudEvent: "+err.Error())
}

// cloudEvent is the event that a CloudEvent is here. A time that cannot be read
// is passed over, as by NATS.
func cloudEvent(e *cloudevents.Event, customer string, who *caller) (transport.Event, error) {
	customer, err := who.actsFor(customer)
	if err != nil {
		return transport.Event{}, err
	}
	if _, err := transport.EventSubject(customer, e.Type); err != nil {
		return transport.Event{}, err
	}
	id, err := transport.EventID(e.ID)
	switch {
	case err != nil:
		return transport.Event{}, err
	case id == "":
		return transport.Event{}, invalid("id", "missing; a CloudEvent has one")
	case !jsontext.Valid(e.Data):
		return transport.Event{}, invalid("data", "not valid JSON, which is what it is without another datacontenttype")
	case len(e.Data) > transport.MaxHTTPEvent:
		return transport.Event{}, dataTooLarge("data")
	}
	attributes := e.Attributes
	ev := transport.Event{ID: id, IDGiven: true, Customer: customer, Type: e.Type, Source: e.Source, Cloud: &attributes,
		Traceparent: e.Traceparent, Data: e.Data}
	if at, ok := rfc3339.Parse(e.Time); ok && at.UTC().Year() >= 1 && at.UTC().Year() <= 9999 {
		ev.Time = at.UTC()
	}
	return ev, nil
}
