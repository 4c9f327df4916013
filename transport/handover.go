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
	FanOuts map[uint64][]string
	// Pairs is what is known of pairs that may come back without an outcome.
	Pairs map[Pair]PairState
	// Skipped are events above the floor that were skipped as a whole.
	Skipped map[uint64]bool
	// Parked counts what waits in DEFERRED, by endpoint.
	Parked map[string]Parked
}

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
}

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
