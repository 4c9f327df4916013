package shard

import (
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// Input is what happened. Kind says which fields are set.
type Input struct {
	Kind InputKind
	// Event: EventCame, EventBroke. Segment: SegmentCame. Handle and Bytes, what
	// it takes of its window: all three.
	Event   *transport.Event
	Segment *transport.Segment
	Handle  transport.Handle
	Bytes   int
	// Lease and End: LeaseEnded.
	Lease *handed
	End   endpoint.End
	// Seq is an event's: EventPassed, Filtered.
	Seq uint64
	// Verdicts are beside what was asked: Filtered.
	Verdicts []Verdict
	// There are those of the events Asked about that the log has: Sought.
	Asked, There []uint64
	// Change, and what is told when it is in effect: Changed.
	Change   *transport.Change
	InEffect chan struct{}
	// ID is an endpoint's: ListAsked.
	ID string
	// Done is how many effects of the step before were carried out: EventBroke.
	Done int
	// Actor broke over Culprit, nil where that was no lease. Closing are the
	// numbers of its leases that end by themselves: ActorBroke.
	Actor   *active
	Culprit *endpoint.Lease
	Closing *endpoint.Numbers
	// Ticked: NATS is Away; something waits for room among events or segments;
	// how long attempts Took of late, of endpoints where that was long.
	Away                     bool
	EventWaits, SegmentWaits bool
	Took                     map[string]time.Duration
}

// InputKind names what happened.
type InputKind uint8

const (
	// LeaseEnded: the end of a lease, told once.
	LeaseEnded InputKind = iota + 1
	// EventCame: an event of the log.
	EventCame
	// SegmentCame: a segment came back from DEFERRED.
	SegmentCame
	// Filtered: what filters say of an event that was asked about (Ask).
	Filtered
	// Sought: which of the events that have not come the log has (Seek).
	Sought
	// EventPassed: an event of the log that makes no leases, since it cannot be
	// read.
	EventPassed
	// EventBroke: the step that took an event, or one of its effects, panicked.
	EventBroke
	// ActorBroke: an endpoint's actor did.
	ActorBroke
	// Changed: one change of the registry.
	Changed
	// AllKnown: all endpoints there are were given.
	AllKnown
	// ListAsked: an ordered endpoint has what is parked listed.
	ListAsked
	// UplinkLost: our own uplink is down.
	UplinkLost
	// UplinkBack: it works again.
	UplinkBack
	// Ticked: a tenth of a second has passed.
	Ticked
	// Drained: make no new leases and hand back what waits.
	Drained
	// Stopped: the actors of endpoints are ended by whoever says so.
	Stopped
	// Halted: the shard may not be ours any more. Nothing is pulled, sent or
	// acked until WentOn; what comes is handed back.
	Halted
	// WentOn: it is ours.
	WentOn
)

// Verdict is what a filter says of an event.
type Verdict uint8

const (
	// Unwanted: the endpoint does not want it.
	Unwanted Verdict = iota
	// Wanted: it does.
	Wanted
	// Untold: it would cost too much to tell.
	Untold
)
