package eventlog

import (
	"encoding/json"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

func badCloudEvent(err error) error {
	return &badDocument{transport.ReasonBadCloudEvent, "this is no CloudEvent: " + err.Error()}
}

var (
	errCloudFormat = errors.New("its content type is not read; publish each event alone as application/cloudevents+json")
	errCloudObject = errors.New("one over the message limit is read in binary mode alone")
	errCloudHeader = errors.New("header " + jet.HeaderCloud + " is Postrider's own, and cannot be read")
)

// readCloudHeaders reads CloudEvents' binary mode, and what the HTTP door has
// read of a CloudEvent already; the event's data becomes what is meant to be JSON.
func readCloudHeaders(ev *transport.Event, h nats.Header, contentType string) error {
	if kept := h.Get(jet.HeaderCloud); kept != "" {
		ev.Data, ev.Cloud = jsontext.Trim(ev.Data), &cloudevents.Attributes{}
		if json.Unmarshal([]byte(kept), ev.Cloud) != nil {
			return badCloudEvent(errCloudHeader)
		}
		ev.Source = ev.Cloud.Source
		return nil
	}
	data := ev.Data
	if cloudevents.ModeOf(contentType) != cloudevents.Other {
		data = nil // not data, but all of it
	}
	e, cloud, err := cloudevents.ReadBinary(h, data)
	if err != nil {
		return badCloudEvent(err)
	}
	if !cloud || data == nil && len(ev.Data) > 0 {
		ev.Data = jsontext.Trim(ev.Data)
		ev.Time, _ = parseTime(e.Time)
		takeTrace(ev, e.Traceparent)
		return nil
	}
	give(ev, &e)
	return nil
}

// isStructured tells structured mode: by its content type (batches and unknown
// formats included, which are refused), or, as SDKs send it by NATS, without
// one: an object with the attributes that each CloudEvent has. Data that came
// by HTTP is data.
func isStructured(ev *transport.Event, h nats.Header, contentType string, doc *document) bool {
	if ev.Cloud != nil {
		return false
	}
	return cloudevents.ModeOf(contentType) != cloudevents.Other || h.Get(jet.HeaderData) == "" && ev.Object == "" && doc.isEnvelope()
}

// isEnvelope tells the four attributes that each CloudEvent has, as texts, and
// a version that is known.
func (d *document) isEnvelope() bool {
	for _, required := range [...][]byte{d.specversion, d.id, d.source, d.typ} {
		if !jsontext.IsString(required) || len(required) == len(`""`) {
			return false
		}
	}
	const one = `"1.`
	return len(d.specversion) > len(one) && string(d.specversion[:len(one)]) == one
}

// openCloudEvent puts the envelope's data in the event's place. What a header
// gave already stays.
func openCloudEvent(ev *transport.Event, contentType string, doc *document) error {
	if mode := cloudevents.ModeOf(contentType); mode == cloudevents.Batch || mode == cloudevents.Unknown {
		return badCloudEvent(errCloudFormat)
	}
	if ev.Object != "" {
		return badCloudEvent(errCloudObject)
	}
	e, err := cloudevents.ReadStructured(ev.Data)
	if err != nil {
		return badCloudEvent(err)
	}
	give(ev, e)
	doc.read(ev.Data)
	return nil
}

// give puts what a CloudEvent says into the event, where nothing that goes
// before it is there already.
func give(ev *transport.Event, e *cloudevents.Event) {
	cloud := e.Attributes
	ev.Data, ev.Source, ev.Cloud = e.Data, e.Source, &cloud
	if ev.ID == "" {
		ev.ID = e.ID
	}
	if ev.Time.IsZero() {
		ev.Time, _ = parseTime(e.Time)
	}
	takeTrace(ev, e.Traceparent)
}

func takeTrace(ev *transport.Event, trace string) {
	if ev.Traceparent == "" {
		ev.Traceparent = trace
	}
}
