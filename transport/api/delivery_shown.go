package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/postrider/postrider/transport"
)

// EventLog is the log of events; one that is no longer kept is
// transport.ErrNotFound.
type EventLog interface {
	Event(ctx context.Context, seq uint64) (*transport.Event, error)
	// Replay gives an event to an endpoint's delivery again, durably, and
	// returns the replay's number.
	Replay(ctx context.Context, endpoint string, ev *transport.Event) (uint64, error)
	// Recent gives a customer's last events, newest first, at most so many.
	Recent(ctx context.Context, customer string, most int) ([]*transport.Event, error)
}

// ShownDelivery is a delivery with all that is still known of it.
type ShownDelivery struct {
	DeliveryItem
	Request  *DeliveryRequest  `json:"request,omitempty" doc:"What the last attempt sent, or the next one would, but for its body, by the endpoint's settings of now: request_is of an attempt tells whether it was sent so"`
	TraceID  string            `json:"trace_id,omitempty" doc:"The event's W3C trace id, where its producer or traces.endpoint gave it one; known once the first attempt, or the end, is journaled"`
	Attempts []DeliveryAttempt `json:"attempts" doc:"Oldest first; those that the journal still has"`
	Body     string            `json:"body,omitempty" doc:"What was sent, as the endpoint renders it now, while its event is kept; what log.redact names is masked"`
	BodyNote string            `json:"body_note,omitempty" doc:"Why there is no body"`
	// BodyIs is what the hashes of attempts say of Body.
	BodyIs  string `json:"body_is,omitempty" enum:"sent,changed,unknown" doc:"sent: its SHA-256 is that of the last attempt's body, so it is what was sent; changed: another body was sent, and this is what it would be now; unknown: no attempt was made, or the attempt is from a version that kept no hash"`
	BodySum string `json:"body_sha256,omitempty" doc:"SHA-256 of body, hexadecimal; left out where something in it is masked"`
}

// DeliveryAttempt is one attempt. Times are milliseconds; a phase that did not
// happen is 0.
type DeliveryAttempt struct {
	Number    int        `json:"number"`
	At        time.Time  `json:"at"`
	Took      float64    `json:"took_ms"`
	DNS       float64    `json:"dns_ms"`
	Connect   float64    `json:"connect_ms"`
	TLS       float64    `json:"tls_ms"`
	FirstByte float64    `json:"first_byte_ms"`
	Resent    bool       `json:"resent" doc:"Sent a second time, at once and on a fresh connection, for a kept one had ended before a byte of an answer"`
	Status    int        `json:"status"`
	Class     string     `json:"class"`
	Reason    string     `json:"reason"`
	Detail    string     `json:"detail"`
	Answer    string     `json:"answer" doc:"The first 4 KiB"`
	BodySum   string     `json:"body_sha256,omitempty" doc:"SHA-256 of the body that was sent, hexadecimal; left out where something of the body is masked, or it is no longer known"`
	NextAt    *time.Time `json:"next_attempt_at,omitempty"`
	Revision  uint64     `json:"revision,omitempty" doc:"The endpoint's by whose settings the attempt was made"`
	RequestIs string     `json:"request_is,omitempty" enum:"sent,changed,unknown" doc:"sent: address and headers are those of request; changed: they were others; unknown: of the attempt that was not kept"`
}

// DeliveryRequest is a request as people may see it.
type DeliveryRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url" doc:"Without what may be a secret: values of its query, and long words with digits in its path, are masked"`
	Headers map[string]string `json:"headers" doc:"As at the last attempt; values of the endpoint's own headers, and signatures, are masked"`
}

func (s *Server) showDelivery(ctx context.Context, in *deliveryID) (*deliveryAnswer, error) {
	d, err := s.findDelivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := ShownDelivery{DeliveryItem: deliveryItem(d), Attempts: []DeliveryAttempt{}}
	veil := s.veilOf(d.Endpoint)
	for _, r := range d.Records {
		if r.Trace != (transport.TraceID{}) {
			out.TraceID = r.Trace.String()
		}
		if r.Kind == transport.Tried {
			out.Attempts = append(out.Attempts, s.attempt(r, veil))
		}
	}
	if err := s.showEvent(ctx, d, &out); err != nil {
		return nil, err
	}
	return &deliveryAnswer{Body: out}, nil
}

// veilOf masks what is an endpoint's own now, in answers from before answers
// were masked as they came.
func (s *Server) veilOf(endpoint string) transport.Veil {
	if ep, there := s.endpoint(endpoint); there {
		return ep.Veil()
	}
	return transport.Veil{}
}

func (s *Server) attempt(r *transport.Record, veil transport.Veil) DeliveryAttempt {
	a := &r.Answer
	out := DeliveryAttempt{Revision: a.Revision, Number: r.Number, At: r.At, Took: ms(a.Took), DNS: ms(a.DNS), Connect: ms(a.Connect), TLS: ms(a.TLS),
		FirstByte: ms(a.FirstByte), Resent: a.Resent, Status: a.Status, Class: a.Class.String(), Reason: a.Reason, Detail: a.Detail,
		Answer: s.shownAnswer(a.Body, veil)}
	if !r.NextAt.IsZero() {
		out.NextAt = &r.NextAt
	}
	return out
}

// shownAnswer is what a receiver said, without what is the endpoint's own and
// what log.redact names.
func (s *Server) shownAnswer(body []byte, veil transport.Veil) string {
	return text(s.redactAnswer(veil.Mask(body)))
}

// redactAnswer masks an answer that is JSON, as receivers may send back what
// they got; one that was cut off is masked whole.
func (s *Server) redactAnswer(body []byte) []byte {
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return body
	}
	return s.Redact(body)
}

// showEvent adds the event and the body, as far as they are still there.
func (s *Server) showEvent(ctx context.Context, d *transport.LoggedDelivery, out *ShownDelivery) error {
	ev, err := s.EventLog.Event(ctx, d.Seq)
	if isNotFound(err) {
		out.BodyNote = "the event is no longer kept"
		return nil
	}
	if err != nil {
		return err
	}
	// What is masked in the event is masked in whatever is made of it.
	masked := *ev
	masked.Data = s.shownData(ev.Data)
	out.Event.Time, out.Event.Data, out.Event.CloudEvent = &ev.Time, json.RawMessage(masked.Data), ev.Cloud
	if d.State == transport.StateSkipped {
		out.BodyNote = "the event was skipped: nothing was sent"
		return nil
	}
	out.Body, out.BodyNote = s.renderedBody(&masked, d)
	if out.Body != "" {
		s.prove(ev, d, out)
	}
	return nil
}

// prove tells whether the body is what was sent. Hashes are shown only where
// nothing is masked: who sees a hash and all but a short number of what was
// hashed could find that number.
func (s *Server) prove(ev *transport.Event, d *transport.LoggedDelivery, out *ShownDelivery) {
	out.BodyIs = "unknown"
	ep, _ := s.endpoint(d.Endpoint)
	request, _ := s.previewAt(ep, ev, lastTried(d, s.Now()))
	if request == nil {
		return
	}
	out.Request = shownRequest(request)
	now := sha256.Sum256(request.Body)
	open := text(request.Body) == out.Body
	if open {
		out.BodySum = hex.EncodeToString(now[:])
	}
	at := 0
	for _, r := range d.Records {
		if r.Kind != transport.Tried {
			continue
		}
		out.Attempts[at].RequestIs = requestIs(r.Answer.Settings, request.Settings)
		if sum := r.Answer.BodySum; sum != [sha256.Size]byte{} {
			out.BodyIs = map[bool]string{true: "sent", false: "changed"}[sum == now]
			if open {
				out.Attempts[at].BodySum = hex.EncodeToString(sum[:])
			}
		}
		at++
	}
}

// shownData is an event's document without what log.redact names, whether its
// paths begin at the document or at the event.
func (s *Server) shownData(doc []byte) []byte { return s.redactData(s.Redact(doc)) }

// redactData masks a document by paths that begin at the event, with data.
func (s *Server) redactData(doc []byte) []byte {
	const before, after = `{"data":`, `}`
	whole := s.Redact(append(append([]byte(before), doc...), after...))
	return whole[len(before) : len(whole)-len(after)]
}

func (s *Server) renderedBody(ev *transport.Event, d *transport.LoggedDelivery) (body, note string) {
	ep, there := s.endpoint(d.Endpoint)
	if !there || ep.Customer != d.Customer {
		return "", "the endpoint was removed"
	}
	request, none := s.preview(ep, ev)
	if request == nil {
		return "", "the endpoint as it is now has no body for it: " + cmp.Or(none.Detail, none.Reason)
	}
	return text(s.Redact(request.Body)), ""
}
