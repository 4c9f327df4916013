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
	version  string
	genlogs  bool
	endpoint string
	customer string
	number   int64
	// template, where there is one, makes the body, or with merge a part of it.
	template *template
	merge    bool
	headers  []headerTemplate
	fixed    map[string]string
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
	r := &Renderer{
		format:   format,
		version:  ep.Version,
		genlogs:  ep.Profile == transport.ProfileGenLogs,
		endpoint: ep.ID,
		customer: ep.Customer,
		number:   ep.CustomerID,
	}
	return r, r.compile(ep)
}

// compile makes the templates of the body and the headers.
func (r *Renderer) compile(ep *transport.Endpoint) (err error) {
	c := &compiler{}
	if r.merge, err = merges(ep, r.format); err != nil {
		return err
	}
	if hasBody(ep.Body) {
		if r.template, err = c.body(ep.Body, r.merge); err != nil {
			return err
		}
	}
	r.headers, r.fixed, err = c.headers(ep.Headers)
	return err
}

// merges tells how a body template is used: genea's merges by default.
func merges(ep *transport.Endpoint, format string) (bool, error) {
	switch {
	case ep.BodyMode != "" && ep.BodyMode != ModeReplace && ep.BodyMode != ModeMerge:
		return false, &transport.FieldError{Field: "body_mode", Value: ep.BodyMode, Message: "not a mode: choose replace or merge"}
	case ep.BodyMode != "" && !hasBody(ep.Body):
		return false, &transport.FieldError{Field: "body_mode", Value: ep.BodyMode, Message: "says how body is used, which is not there: give body too, or leave it out"}
	case ep.BodyMode == "":
		return format == formatGenea, nil
	}
	return ep.BodyMode == ModeMerge, nil
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

func check(ep *transport.Endpoint, format string) error {
	switch format {
	case formatStandard, formatRaw, formatCloudEvents, formatGenLogs:
	case formatGenea:
		if err := checkVersion(ep.Version); err != nil {
			return err
		}
	default:
		return &transport.FieldError{Field: "format", Value: format,
			Message: "not a format: choose genea, genlogs, standard, cloudevents or raw"}
	}
	return nil
}

// Body renders ev. The result may be ev.Data itself and must not be changed.
// The error is a Skip, or says why the document cannot be rendered.
func (r *Renderer) Body(ev *transport.Event) ([]byte, error) {
	if r.format == formatRaw && r.template == nil {
		return ev.Data, nil
	}
	if r.template != nil {
		return r.Append(make([]byte, 0, r.template.usual), ev)
	}
	return r.Append(make([]byte, 0, len(ev.Data)+len(ev.Type)+len(ev.ID)+envelope), ev)
}

// envelope is more than what any format adds to an ordinary document.
const envelope = 320

// Append appends the body to dst: Body for callers who keep their buffers.
func (r *Renderer) Append(dst []byte, ev *transport.Event) ([]byte, error) {
	if r.template != nil {
		return r.templated(dst, ev, &rendering{view: NewView(ev)})
	}
	return r.profile(dst, ev)
}

// Templated tells whether the endpoint has expressions in its body or headers.
func (r *Renderer) Templated() bool { return r.template != nil || len(r.headers) > 0 }

// Render gives the body of ev, and of the endpoint's own headers those whose
// values differ from event to event (nil: none do). The same event gives the
// same bytes. Errors are as Body's; where an expression gave nothing that can
// be sent, they name its field, and hold no value of the event or the endpoint.
func (r *Renderer) Render(ev *transport.Event) (body []byte, headers http.Header, err error) {
	body, headers, _, err = r.Priced(ev)
	return body, headers, err
}

// Priced is Render, and what the expressions cost, as View.Spent tells it.
func (r *Renderer) Priced(ev *transport.Event) (body []byte, headers http.Header, spent time.Duration, err error) {
	if !r.Templated() {
		body, err = r.Body(ev)
		return body, nil, 0, err
	}
	run := &rendering{view: NewView(ev)}
	body, headers, err = r.run(ev, run)
	return body, headers, run.view.Spent(), err
}

func (r *Renderer) run(ev *transport.Event, run *rendering) (body []byte, headers http.Header, err error) {
	if r.template == nil {
		body, err = r.Body(ev)
	} else {
		body, err = r.templated(make([]byte, 0, r.template.usual), ev, run)
	}
	if err != nil || len(r.headers) == 0 {
		return body, nil, err
	}
	headers = make(http.Header, len(r.headers))
	for i := range r.headers {
		value, err := r.headers[i].render(run)
		if err != nil {
			return nil, nil, err
		}
		headers[r.headers[i].name] = []string{value}
	}
	return body, headers, nil
}

// FixedHeaders are the endpoint's own headers that are the same for every event.
func (r *Renderer) FixedHeaders() map[string]string { return r.fixed }

// profile appends the body of the endpoint's profile and format.
func (r *Renderer) profile(dst []byte, ev *transport.Event) ([]byte, error) {
	switch r.format {
	case formatRaw:
		return append(dst, ev.Data...), nil
	case formatCloudEvents:
		return r.cloudEvent(dst, ev), nil
	case formatGenLogs:
		if ev.Type == typeMatchesFound {
			if body, ok := r.matchesFound(dst, ev); ok {
				return body, nil
			}
		}
		return r.genLogs(dst, ev), nil
	case formatGenea:
		return appendGenea(dst, ev, r.version)
	default:
		return standard(dst, ev), nil
	}
}

// ContentType is the media type of every body.
func (r *Renderer) ContentType() string {
	if r.format == formatCloudEvents && (r.template == nil || r.merge) {
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

// AppendLines appends the profile's headers for one attempt at the time at, each
// as a line of an HTTP/1.1 head; what the event's type has beyond ASCII goes
// through ascii.
func (r *Renderer) AppendLines(dst []byte, ev *transport.Event, at time.Time, ascii func(string) string) []byte {
	if !r.genlogs {
		return dst
	}
	dst = append(append(dst, "X-GenLogs-Event: "...), ascii(ev.Type)...)
	dst = append(dst, "\r\nX-GenLogs-Timestamp: "...)
	return append(strconv.AppendInt(dst, at.Unix(), 10), "\r\n"...)
}
