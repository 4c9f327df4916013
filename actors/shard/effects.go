package shard

import (
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// Effect is what to do now. Do says which fields are set.
type Effect struct {
	Do Verb
	// To is an endpoint's actor: Hand, Tell, Open, End.
	To *active
	// Message is one of actors/endpoint: Tell. []Question: Ask. []uint64: Seek. *Stats: Figures.
	Message any
	// Lease: Hand, Skip, Bury, Follow.
	Lease *endpoint.Lease
	// Reason: Skip, Bury, Warn, Inform. An endpoint's id: RecallAll.
	Reason string
	// Handle: Ack, AckProved, Nak, InProgress.
	Handle transport.Handle
	// Event: Routed, FanOut, Ask. Endpoints: FanOut. Number of endpoints: Routed;
	// of the replay: FanOut. Revision of the registry: FanOut.
	Event     *transport.Event
	Endpoints []string
	Number    uint64
	Revision  uint64
}

// Verb names an effect.
type Verb uint8

const (
	// Hand gives a lease to an actor.
	Hand Verb = iota + 1
	// Tell gives it a message.
	Tell
	// Open makes an endpoint's actor.
	Open
	// End ends an endpoint's actor: it is sent nothing more.
	End
	// Ack settles a message.
	Ack
	// AckProved does so once a write that is sent from now on proves that the shard
	// is this node's.
	AckProved
	// Nak hands a message back.
	Nak
	// InProgress asks for more time for a message.
	InProgress
	// Routed: so many endpoints want an event.
	Routed
	// FanOut journals what is owed, ahead of any outcome of it.
	FanOut
	// Seek asks the log for events that have not come; the answer comes as Sought.
	Seek
	// Ask asks filters about an event; the answer comes as Filtered.
	Ask
	// Skip ends a lease that no actor has. Its end comes as LeaseEnded.
	Skip
	// Bury ends a lease that no actor has, with a dead letter.
	Bury
	// Follow ends a lease when all that was journaled is durable.
	Follow
	// InEffect: a change is.
	InEffect
	// RecallAll brings all back that is parked for an endpoint.
	RecallAll
	// Figures are of now.
	Figures
	// Warn says something to the log, as a warning.
	Warn
	// Inform says something to the log.
	Inform
	// AllDrained: nothing is in hand any more.
	AllDrained
)

// Question is one endpoint's filter, to be asked about an event.
type Question struct{ Endpoint, Filter string }
