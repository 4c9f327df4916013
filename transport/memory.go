package transport

import "time"

// Memory is what of an endpoint's past outlives its actor and the node: it is
// stored before the endpoint's next send. The zero value is an endpoint that
// nothing is wrong with.
type Memory struct {
	// FailingSince is when the breaker first opened in a row; zero: not failing.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Reason is the last failure that counted, in the words of Answer.Reason
	// and its status.
	Reason string `json:"reason,omitempty"`
	// Opens is how often in a row the breaker opened, OpenUntil when its next
	// probe may go, ClosedAt when it last closed.
	Opens     int       `json:"opens,omitempty"`
	OpenUntil time.Time `json:"open_until,omitzero"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	// HeldUntil is the end of the wait that a 429 or 503 asked for, Holds how
	// many of them came in a row.
	HeldUntil time.Time `json:"held_until,omitzero"`
	Holds     int       `json:"holds,omitempty"`
	// RampFrom is since when the drain's pace grows; zero: it does not.
	RampFrom time.Time `json:"ramp_from,omitzero"`
	// Concurrency is what the receiver was found to bear; 0: the policy's.
	Concurrency int `json:"concurrency,omitempty"`
}

// IsZero tells whether there is nothing to remember.
func (m Memory) IsZero() bool { return m == Memory{} }

// Remembered is a Memory with whose it is.
type Remembered struct {
	Endpoint, Customer string
	Memory
}

// Parked counts what waits in DEFERRED for one endpoint.
type Parked struct {
	Entries int
	// Ready are those that wait for room alone, not for their own time.
	Ready int
	Bytes int64
}

// Place is where a pair stands in the order of an ordered endpoint: events in
// the order of the log, and replays after them, in the order they were asked for.
type Place struct {
	Replay, Seq uint64
}

// Before tells whether p comes before o.
func (p Place) Before(o Place) bool {
	return p.Replay < o.Replay || p.Replay == o.Replay && p.Seq < o.Seq
}

// Standing is how an endpoint stands right now, for API and metrics.
type Standing struct {
	// State is active, failing, or what the registry says (paused, disabled).
	State  string
	Reason string
	// Away says why its filter or template is put away, where it is.
	Away string
	// Since is when it began to fail; zero: it does not.
	Since time.Time
	// Waiting counts what is in hand and parked and has no outcome yet, InFlight
	// the attempts under way, where its actor was asked.
	Waiting, InFlight int
	// Breaker is closed, open or probing.
	Breaker string
	// OpenUntil, HeldUntil: nothing but a probe goes, nothing at all goes, before.
	OpenUntil, HeldUntil time.Time
	// Concurrency is what the receiver bears now, of the policy's Most.
	Concurrency, Most int
	// Pace is the deliveries a second that a drain has grown to; 0: unbounded.
	Pace float64
}

// News is a change of an endpoint's state that its customer is told of, as the
// event ops.endpoint.<What>.
type News struct {
	Endpoint, Customer string
	// What is failing, recovered or disabled.
	What   string
	Reason string
	// Since is when it began to fail, At when this was decided.
	Since, At time.Time
}

// The words of News.What.
const (
	NewsFailing   = "failing"
	NewsRecovered = "recovered"
	NewsDisabled  = "disabled"
)

// States of endpoints.
const (
	StateActive   = "active"
	StatePaused   = "paused"
	StateFailing  = "failing"
	StateDisabled = "disabled"
)
