package transport

import "time"

// Kind says what a record of the journal tells.
type Kind uint8

const (
	// FanOut is an event's first record: the endpoints that wanted it.
	FanOut Kind = iota + 1
	// Tried is one attempt; with Class Delivered it is the pair's last record.
	Tried
	// Skipped ends a pair (or a whole event, where Endpoint is empty) with a Reason.
	Skipped
	// DeadLettered ends a pair: given up with a Reason.
	DeadLettered
	// Lost notes that the stream that Reason names lacks its messages from Seq to
	// To. What the journal has before it of events with these numbers is of
	// others than those that have them now.
	Lost
)

// Record is one entry of the journal (ATTEMPTS). Which fields are set depends
// on Kind; Seq, Customer, EventID and At are always there.
type Record struct {
	Kind      Kind
	Seq       uint64
	Replay    uint64
	Customer  string
	Endpoint  string
	EventID   string
	EventType string
	// Trace is the event's trace id; zero: it has none.
	Trace TraceID
	// Sampled: whoever traces keeps that trace. The journal does not keep it.
	Sampled bool
	// At is when the attempt began, or the decision fell.
	At time.Time

	// Stored is when the log took the event: of fan-outs, and of events that are
	// skipped as a whole. Zero: a version before did not write it.
	Stored time.Time

	// Lost: the last sequence that is gone.
	To uint64

	// FanOut: the registry revision and the ids of the endpoints that wanted
	// it; IDGiven as the event's.
	IDGiven   bool
	Revision  uint64
	Endpoints []string

	// Tried: the attempt's number (from 1) and its answer.
	Number int
	Answer Answer
	// NextAt is when the next attempt is due; zero where none will be made.
	NextAt time.Time

	// Skipped, DeadLettered: why (the Reason constants).
	Reason string
}

// Final tells whether r ends its pair.
func (r *Record) Final() bool {
	return r.Kind == Skipped || r.Kind == DeadLettered || r.Kind == Tried && r.Answer.Class == Delivered
}

// Class is what an answer means for the pair; it is decided once, by the
// sender, and only passed on after that.
type Class uint8

const (
	// Delivered: the endpoint's success policy accepts the status.
	Delivered Class = iota + 1
	// Failed: any other answer, a refused connection, a time-out, a TLS error.
	Failed
	// Throttled: 429 or 503; uses up an attempt, does not count for the breaker.
	Throttled
	// Gone: 410.
	Gone
	// Refused: the address or the request was refused by ourselves; uses up an
	// attempt and does not count for the breaker.
	Refused
	// Aborted: we broke it off (shutdown); it is no attempt at all.
	Aborted
	// Skip: the event has no form for this endpoint; Reason says why. Nothing was sent.
	Skip
)

var classNames = [...]string{"", "delivered", "failed", "throttled", "gone", "refused", "aborted", "skip"}

// String gives the class's word as API, logs and metrics show it.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// Answer is what came of one attempt.
type Answer struct {
	Class Class
	// Status is the HTTP status, 0 where no answer came.
	Status int
	// Reason is a short fixed word ("status", "timeout", "connect",
	// "tls", "dns", "address_refused", "redirect", …); empty when delivered.
	Reason string
	// Detail is a sentence for people; bounded, and free of secrets.
	Detail string
	// RetryAfter is how long the receiver asked to wait, at most 24 h; 0: nothing asked.
	RetryAfter time.Duration
	// Unreached: nothing at the other end said anything, not even a refusal;
	// it is not journaled.
	Unreached bool
	// Resent: the request was sent a second time within the attempt, at once and
	// on a fresh connection, for a kept one had ended before a byte of an answer.
	// It used up one more of the endpoint's rate.
	Resent bool
	// Body is the beginning of the answer, at most MaxAnswerKept bytes.
	Body []byte
	// BodySum is the SHA-256 of the body that was sent; zero where there was none,
	// and in what a version before journaled.
	BodySum [32]byte
	// Revision is the endpoint's by whose settings the attempt was made, Settings
	// a fingerprint of the address and the headers that these give it, without
	// their secrets; both 0 in what a version before journaled.
	Revision uint64
	Settings uint32
	// Took is the whole attempt; the phases are zero where they did not happen
	// (a kept connection has no DNS, Connect, TLS).
	Took, DNS, Connect, TLS, FirstByte time.Duration
}

// Reasons of skips and dead letters. ReasonEventGone is what was owed of an event
// that the log has lost. ReasonNotReadable is a message of DEFERRED
// that this version cannot read; ReasonNoMatches a run in which no alert that
// names the mailbox matched.
const (
	ReasonDuplicate        = "duplicate"
	ReasonExpired          = "expired"
	ReasonExhausted        = "retries_exhausted"
	ReasonGone             = "gone"
	ReasonRetriesOff       = "retries_off"
	ReasonBacklogFull      = "backlog_full"
	ReasonEndpointRemoved  = "endpoint_removed"
	ReasonEndpointDisabled = "endpoint_disabled"
	ReasonPanic            = "panic"
	ReasonNotJSON          = "not_json"
	ReasonBadSubject       = "bad_subject"
	ReasonBadCloudEvent    = "bad_cloudevent"
	ReasonBadID            = "bad_id"
	ReasonPayloadGone      = "payload_gone"
	ReasonEventGone        = "event_gone"
	ReasonNotReadable      = "not_readable"
	ReasonHardware         = "version_does_not_cover_hardware"
	ReasonUnrenderable     = "unrenderable"
	ReasonNoMatches        = "no_matches"
	// ReasonFilterCost: the filter cost what one may without an end, or the
	// customer's share of time for filters was used up.
	ReasonFilterCost = "filter_cost"
)
