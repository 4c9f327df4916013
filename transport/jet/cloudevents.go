package jet

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
)

// maxSource bounds a CloudEvent's source.
const maxSource = 2 << 10

func badCloudEvent(detail string) error {
	return &badDocument{transport.ReasonBadCloudEvent, detail}
}

// readCloudHeaders reads CloudEvents' binary mode: ce-* headers, their values
// percent-encoded as the binding says.
func readCloudHeaders(ev *transport.Event, h nats.Header) error {
	get := func(lower, canonical string) string { return percentDecode(first(h, lower, canonical)) }
	if v := get("ce-specversion", "Ce-Specversion"); v != "" && !strings.HasPrefix(v, "1.") {
		return badCloudEvent("header ce-specversion is not 1.0")
	}
	if id := get("ce-id", "Ce-Id"); id != "" && ev.ID == "" {
		ev.ID = id
	}
	ev.Source = get("ce-source", "Ce-Source")
	if len(ev.Source) > maxSource {
		return badCloudEvent("header ce-source is over 2048 bytes long")
	}
	ev.Time, _ = parseTime(get("ce-time", "Ce-Time"))
	ev.Traceparent = first(h, "traceparent", "Traceparent")
	if ev.Traceparent == "" {
		ev.Traceparent = get("ce-traceparent", "Ce-Traceparent")
	}
	return nil
}

func percentDecode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// isCloudEvent tells structured mode, batches included: those are refused by
// openCloudEvent, not taken for plain documents.
func isCloudEvent(contentType string) bool {
	const prefix = "application/cloudevents"
	return len(contentType) >= len(prefix) && strings.EqualFold(contentType[:len(prefix)], prefix)
}

// envelope is a CloudEvent in structured mode. Pointers tell a key that is
// not there from one that is empty.
type envelope struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Time        string          `json:"time"`
	Traceparent string          `json:"traceparent"`
	Data        json.RawMessage `json:"data"`
	DataBase64  *string         `json:"data_base64"`
}

// openCloudEvent puts the envelope's data in the event's place. What a header
// gave already stays.
func openCloudEvent(ev *transport.Event, contentType string, doc *document) error {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	if media != "application/cloudevents+json" && media != "application/cloudevents" {
		return badCloudEvent("content type " + cutText(media, 100) + " is not taken; publish each event alone as application/cloudevents+json")
	}
	if ev.Object != "" {
		return badCloudEvent("an event over the message limit is taken in binary mode alone")
	}
	if !doc.object {
		return badCloudEvent("the document is not a JSON object")
	}
	var env envelope
	if err := json.Unmarshal(ev.Data, &env); err != nil {
		return badCloudEvent("the envelope cannot be read: " + cutText(err.Error(), 300))
	}
	if err := env.check(); err != nil {
		return err
	}
	data, err := env.document(doc)
	if err != nil {
		return err
	}
	ev.Data = data
	if ev.ID == "" {
		ev.ID = env.ID
	}
	if ev.Source == "" {
		ev.Source = env.Source
	}
	if ev.Time.IsZero() {
		ev.Time = env.time()
	}
	if ev.Traceparent == "" {
		ev.Traceparent = env.Traceparent
	}
	return nil
}

func (env *envelope) check() error {
	switch {
	case !strings.HasPrefix(env.SpecVersion, "1."):
		return badCloudEvent(`specversion is not "1.0"`)
	case env.ID == "":
		return badCloudEvent("id is missing")
	case env.Source == "":
		return badCloudEvent("source is missing")
	case len(env.Source) > maxSource:
		return badCloudEvent("source is over 2048 bytes long")
	case env.Type == "":
		return badCloudEvent("type is missing")
	case env.Data != nil && env.DataBase64 != nil:
		return badCloudEvent("data and data_base64 are both there; send one")
	}
	return nil
}

func (env *envelope) time() time.Time {
	t, _ := parseTime(env.Time)
	return t
}

// document is the event's own JSON; doc then tells of that one.
func (env *envelope) document(doc *document) ([]byte, error) {
	*doc = document{}
	data := []byte(env.Data)
	if env.DataBase64 != nil {
		var err error
		if data, err = base64.StdEncoding.DecodeString(*env.DataBase64); err != nil {
			return nil, badCloudEvent("data_base64 is not base64")
		}
	}
	data = trimJSON(data)
	if env.DataBase64 == nil && len(data) == 0 {
		data = []byte("null")
	}
	if !scanJSON(data, doc) {
		return nil, badCloudEvent("data_base64 does not hold JSON")
	}
	return data, nil
}
