package transport

import "time"

// Handle settles one message taken from the log or from DEFERRED. Its methods
// do not block and may be called from any goroutine; after Ack or Nak the rest
// do nothing. A lost Ack shows as a redelivery.
type Handle interface {
	// Ack says that every outcome is durable.
	Ack()
	// Nak hands the message back at once.
	Nak()
	// InProgress asks for more time.
	InProgress()
}

// Sink takes what a shard's consumers pull. Both methods block while the
// window is full: that is the back-pressure. Each message may come more than
// once; the sink makes no second lease for one that is in hand or settled.
type Sink interface {
	Event(ev *Event, h Handle)
	Due(seg *Segment, h Handle)
	// Passed tells of an event of the log that is settled without the sink: it
	// could not be read. It does not block.
	Passed(seq uint64)
}

// Recovered is what the journal and DEFERRED tell about the time around the
// consumers' ack floors, when a shard is taken.
type Recovered struct {
	// Floor is the ack floor of the EVENTS consumer: sequences up to it are settled.
	Floor uint64
	// FanOuts are the endpoints that events above the floor went to.
	FanOuts map[uint64]EventFanOut
	// Pairs is what is known of pairs that may come back without an outcome.
	Pairs map[Pair]PairState
	// Skipped are events above the floor that were skipped as a whole.
	Skipped map[uint64]EventMark
	// Parked counts what waits in DEFERRED, by endpoint.
	Parked map[string]Parked
	// Lost are the streams that were found without their ends. Before anything is
	// pulled EVENTS is filled up from FillFrom to FillTo (0: it need not be), so
	// that no event ever gets the number of another.
	Lost             []LostTail
	FillFrom, FillTo uint64
	// Owed is what lies nowhere though it is owed, since DEFERRED or the journal
	// lost its end: it is parked anew. Gone is what is owed of events that EVENTS
	// has lost. Above is then what is owed of events above the floor: they come again,
	// but for those that EVENTS does not have, since it lost them before and the
	// journal does not tell of that any more.
	Owed, Gone, Above []OwedPair
	// Mark is to be noted at DEFERRED when that is done; empty: nothing is.
	Mark string
}

// EventMark tells an event from another that had its sequence before, in a log
// that lost its end.
type EventMark struct {
	Customer string
	// Stored is when the log took it; zero: a version before did not say.
	Stored time.Time
}

// Fits tells whether it is ev's.
func (m EventMark) Fits(ev *Event) bool {
	return m.Stored.IsZero() || m.Stored.Equal(ev.Stored) && m.Customer == ev.Customer
}

// EventFanOut is to whom an event went.
type EventFanOut struct {
	EventMark
	Endpoints []string
}

// OwedPair is a pair without an outcome, by its event's fan-out.
type OwedPair struct {
	Pair
	EventMark
	EventID, EventType string
	// Tries and Next are as in PairState.
	Tries []Try
	Next  time.Time
}

// LostTail is what a stream was found to lack at its end as a shard was taken:
// the sequences that others tell of, and it does not have.
type LostTail struct {
	Stream string    `json:"stream"`
	From   uint64    `json:"from"`
	To     uint64    `json:"to"`
	At     time.Time `json:"at"`
}

// Count is the number of messages that are gone.
func (l *LostTail) Count() uint64 { return l.To - l.From + 1 }

// Names of a shard's streams, as they are told of what they have lost.
const (
	StreamEvents   = "EVENTS"
	StreamDeferred = "DEFERRED"
	StreamAttempts = "ATTEMPTS"
)

// PairState is how far a pair had come.
type PairState struct {
	// Final: delivered, skipped or dead-lettered.
	Final bool
	// Tries are the journaled attempts, oldest first.
	Tries []Try
	// Next is when the next attempt is due by the last attempt's record.
	Next time.Time
	// Hop is the highest parking found in DEFERRED, 0 where it is not parked.
	Hop uint32
	// Stored is its event's, where that is known: another event of the same
	// sequence is none of it.
	Stored time.Time
}

// Fits tells whether it may be of a pair of ev.
func (s *PairState) Fits(ev *Event) bool { return s.Stored.IsZero() || s.Stored.Equal(ev.Stored) }

// SeenID is an event id that a producer gave.
type SeenID struct {
	Customer, ID string
	Seq          uint64
	At           time.Time
}

// Change is one step of the registry's endpoints, in order of Revision.
type Change struct {
	// ID of the endpoint; Endpoint is nil where it was removed.
	ID       string
	Customer string
	Endpoint *Endpoint
	Revision uint64
}
