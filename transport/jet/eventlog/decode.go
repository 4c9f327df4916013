package eventlog

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/wire"
	"github.com/postrider/postrider/transport/syntax/jsontext"
	"github.com/postrider/postrider/transport/syntax/rfc3339"
)

// inbound is one message of the log as it came.
type inbound struct {
	Shard   jet.Shard
	Subject string
	Header  nats.Header
	Data    []byte
	Seq     uint64
	Stored  time.Time
}

// payloads fetches the data of an event that was over the server's message
// limit; ErrNotFound where it is gone.
type payloads func(ctx context.Context, name string) ([]byte, error)

// badDocument is why a message is no event.
type badDocument struct{ reason, detail string }

func (e *badDocument) Error() string { return e.reason + ": " + e.detail }

// decodeInbound reads a message of the log. Exactly one of the three is set: the
// event; a dead letter, where the message will never be one; an error, where
// the object store is away for now.
//
// The type is the subject's. A CloudEvent's own type is not looked at: it is
// mostly a reverse domain name, and what endpoints ask for is the subject's.
// A CloudEvent without data is the document null. A byte order mark, and a time
// that cannot be read, are passed over.
func decodeInbound(ctx context.Context, in *inbound, load payloads) (*transport.Event, *transport.DeadLetter, error) {
	ev := &transport.Event{Seq: in.Seq, Stored: in.Stored, Data: in.Data}
	err := fill(ctx, ev, in, load)
	var bad *badDocument
	switch {
	case err == nil:
		return ev, nil, nil
	case !errors.As(err, &bad):
		return nil, nil, err
	}
	return nil, &transport.DeadLetter{
		Customer: ev.Customer, Subject: in.Subject, Reason: bad.reason, Detail: bad.detail,
		Event: &transport.Event{Seq: in.Seq, Customer: ev.Customer, Type: ev.Type, Stored: in.Stored, Data: in.Data,
			Object: ev.Object},
	}, nil
}

func fill(ctx context.Context, ev *transport.Event, in *inbound, load payloads) error {
	var err error
	if ev.Customer, ev.Type, err = transport.ParseEventSubject(in.Subject); err != nil {
		return &badDocument{transport.ReasonBadSubject, err.Error()}
	}
	if err := loadObject(ctx, ev, in.Header, load); err != nil {
		return err
	}
	contentType, err := readHeaders(ev, in.Header)
	if err != nil {
		return err
	}
	var doc document
	if !doc.read(ev.Data) {
		return &badDocument{transport.ReasonNotJSON, "the document is not valid JSON; publish one JSON value a message"}
	}
	if isStructured(ev, in.Header, contentType, &doc) {
		if err := openCloudEvent(ev, contentType, &doc); err != nil {
			return err
		}
	}
	return readBody(ev, in.Shard, &doc)
}

// loadObject fetches the data that the message only refers to.
func loadObject(ctx context.Context, ev *transport.Event, h nats.Header, load payloads) error {
	if len(h) == 0 {
		return nil
	}
	name := h.Get(jet.HeaderObject)
	if name == "" {
		return nil
	}
	data, err := load(ctx, name)
	if errors.Is(err, transport.ErrNotFound) {
		return &badDocument{transport.ReasonPayloadGone, "the event's payload " + strconv.Quote(wire.CutText(name, 256)) + " is no longer stored"}
	}
	if err != nil {
		return err
	}
	ev.Object, ev.Data = name, data
	return nil
}

// readHeaders takes id, time, source and trace from the headers, and makes JSON
// of the data where a CloudEvent says that it is something else. It gives the
// content type.
func readHeaders(ev *transport.Event, h nats.Header) (contentType string, err error) {
	if len(h) == 0 {
		ev.Data = jsontext.Trim(ev.Data)
		return "", nil
	}
	ev.ID = firstID(h, jetstream.MsgIDHeader, jet.HeaderID)
	ev.Traceparent = first(h, "traceparent", "Traceparent")
	contentType = first(h, "Content-Type", "content-type")
	if err := readCloudHeaders(ev, h, contentType); err != nil {
		return "", err
	}
	if ev.Time.IsZero() {
		ev.Time, _ = parseTime(h.Get(jet.HeaderTime))
	}
	return contentType, nil
}

// firstID is the first header of keys that is an id: blanks are none.
func firstID(h nats.Header, keys ...string) string {
	for _, k := range keys {
		if v := strings.TrimSpace(h.Get(k)); v != "" {
			return v
		}
	}
	return ""
}

func first(h nats.Header, keys ...string) string {
	for _, k := range keys {
		if v := h.Get(k); v != "" {
			return v
		}
	}
	return ""
}

// readBody takes from the document what the headers did not give.
func readBody(ev *transport.Event, shard jet.Shard, doc *document) error {
	if ev.ID == "" {
		ev.ID = envelopeID(doc)
	}
	id, err := transport.EventID(ev.ID)
	if err != nil {
		return &badDocument{transport.ReasonBadID, "the event " + err.Error()}
	}
	if ev.ID, ev.IDGiven = transport.SourcedID(id, ev.Source), id != ""; !ev.IDGiven {
		ev.ID = shard.Events() + "-" + strconv.FormatUint(ev.Seq, 10)
	}
	if !validTrace(ev.Traceparent) {
		ev.Traceparent = ""
	}
	for _, raw := range [...][]byte{doc.eventTime, doc.time, doc.timestamp} {
		if !ev.Time.IsZero() {
			break
		}
		ev.Time = jsonTime(raw)
	}
	if ev.Time.IsZero() {
		ev.Time = ev.Stored
	}
	return nil
}

// envelopeID is the uuid of a Genea envelope: a text "uuid" beside the text
// "event_type" or "event_action", which every envelope of Genea's has and few
// other documents. An id of the document's own is never one: two updates of
// user 1 are two events.
func envelopeID(doc *document) string {
	if !jsontext.IsString(doc.uuid) || !jsontext.IsString(doc.eventType) && !jsontext.IsString(doc.eventAction) {
		return ""
	}
	return strings.TrimSpace(jsontext.Text(doc.uuid))
}

// jsonTime reads an RFC 3339 string, or unix seconds or milliseconds.
func jsonTime(raw []byte) time.Time {
	switch {
	case len(raw) == 0 || len(raw) > 64:
		return time.Time{}
	case raw[0] == '"':
		t, _ := parseTime(jsontext.Text(raw))
		return t
	}
	return unixTime(string(raw))
}

// unixTime reads a number of seconds, or of milliseconds from 1e11 on: as
// seconds that would be the year 5138, as milliseconds it is 1973.
func unixTime(number string) time.Time {
	const millis, most = 1e11, 1e14
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		switch {
		case n <= 0 || n >= most:
			return time.Time{}
		case n >= millis:
			return time.UnixMilli(n).UTC()
		}
		return time.Unix(n, 0).UTC()
	}
	v := jsontext.Float([]byte(number))
	if v <= 0 || v >= most {
		return time.Time{}
	}
	if v < millis {
		v *= 1000
	}
	return time.UnixMicro(int64(v * 1000)).UTC()
}

// parseTime reads RFC 3339 between the years 1 and 9999.
func parseTime(s string) (time.Time, bool) {
	t, ok := rfc3339.Parse(s)
	t = t.UTC()
	return t, ok && t.Year() >= 1 && t.Year() <= 9999 && !t.IsZero()
}

// validTrace tells a W3C traceparent: version, trace, span and flags in
// lower-case hex.
func validTrace(s string) bool {
	if len(s) < 55 || len(s) > 128 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	for i := range 55 {
		if i != 2 && i != 35 && i != 52 && wire.Unhex(s[i]) > 15 {
			return false
		}
	}
	return len(s) == 55 || s[55] == '-' && !strings.ContainsFunc(s, unicode.IsControl)
}
