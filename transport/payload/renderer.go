package payload

import (
	"net/http"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// Skip says that an event has no form for this endpoint and why: one of the
// transport.Reason constants. It settles the pair; nothing is sent.
type Skip struct{ Reason string }

func (s Skip) Error() string { return "skipped: " + s.Reason }

// Renderer makes the bodies of one endpoint. It is safe for concurrent use.
type Renderer struct {
	format   string
	genlogs  bool
	endpoint string
	customer string
	number   int64
}

// New compiles what ep asks for. Errors are *transport.FieldError. An empty
// Format is the profile's own (custom: raw).
func New(ep *transport.Endpoint) (*Renderer, error) {
	format := ep.Format
	if format == "" {
		format = formatOf(ep.Profile)
	}
	if err := check(ep, format); err != nil {
		return nil, err
	}
	return &Renderer{
		format:   format,
		genlogs:  ep.Profile == transport.ProfileGenLogs,
		endpoint: ep.ID,
		customer: ep.Customer,
		number:   ep.CustomerID,
	}, nil
}

func formatOf(profile string) string {
	if profile == transport.ProfileCustom {
		return formatRaw
	}
	return profile
}

const (
	formatStandard    = "standard"
	formatRaw         = "raw"
	formatCloudEvents = "cloudevents"
	formatGenLogs     = "genlogs"
	formatGenea       = "genea"
)

const notYet = "is not available in this version: leave it out"

func check(ep *transport.Endpoint, format string) error {
	switch format {
	case formatStandard, formatRaw, formatCloudEvents, formatGenLogs:
	case formatGenea:
		if ep.Version != "v2" {
			return &transport.FieldError{Field: "version", Value: ep.Version, Message: "v2 is what this build renders: choose v2"}
		}
	default:
		return &transport.FieldError{Field: "format", Value: format,
			Message: "not a format: choose genea, genlogs, standard, cloudevents or raw"}
	}
	if ep.Filter != "" {
		return &transport.FieldError{Field: "filter", Message: notYet}
	}
	if len(ep.Body) > 0 && string(ep.Body) != "null" {
		return &transport.FieldError{Field: "body", Message: notYet}
	}
	return nil
}

// Body renders ev. The result may be ev.Data itself and must not be changed.
// The error is a Skip, or says why the document cannot be rendered.
func (r *Renderer) Body(ev *transport.Event) ([]byte, error) {
	if r.format == formatRaw {
		return ev.Data, nil
	}
	return r.Append(make([]byte, 0, len(ev.Data)+len(ev.Type)+len(ev.ID)+envelope), ev)
}

// envelope is more than what any format adds to an ordinary document.
const envelope = 320

// Append appends the body to dst: Body for callers who keep their buffers.
func (r *Renderer) Append(dst []byte, ev *transport.Event) ([]byte, error) {
	switch r.format {
	case formatRaw:
		return append(dst, ev.Data...), nil
	case formatCloudEvents:
		return r.cloudEvent(dst, ev), nil
	case formatGenLogs:
		return r.genLogs(dst, ev), nil
	case formatGenea:
		return appendGenea(dst, ev.Data)
	default:
		return standard(dst, ev), nil
	}
}

// ContentType is the media type of every body.
func (r *Renderer) ContentType() string {
	if r.format == formatCloudEvents {
		return "application/cloudevents+json"
	}
	return "application/json"
}

// UserAgent is the profile's own User-Agent, or empty.
func (r *Renderer) UserAgent() string {
	if r.genlogs {
		return "GenLogs-Webhook/1.0"
	}
	return ""
}

const (
	headerGenLogsEvent     = "X-Genlogs-Event"
	headerGenLogsTimestamp = "X-Genlogs-Timestamp"
)

// SetHeaders adds the profile's headers for one attempt at the time at.
func (r *Renderer) SetHeaders(h http.Header, ev *transport.Event, at time.Time) {
	if !r.genlogs {
		return
	}
	values := []string{ev.Type, strconv.FormatInt(at.Unix(), 10)}
	h[headerGenLogsEvent] = values[:1:1]
	h[headerGenLogsTimestamp] = values[1:]
}
