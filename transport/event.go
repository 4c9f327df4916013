package transport

import (
	"time"

	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

// Event is one document published by a producer, as the log keeps it.
type Event struct {
	// Seq is the event's sequence in its shard's log; unique in the shard.
	Seq uint64
	// ID is the event's identity for receivers (webhook-id), the log and dedup:
	// the producer's (EventID; for CloudEvents with its source, SourcedID), else
	// "<stream>-<sequence>". At most MaxEventID bytes of visible ASCII.
	ID string
	// IDGiven tells that the producer chose ID, so that it takes part in dedup.
	IDGiven bool
	// Customer and Type come from the subject events.<customer>.<type>.
	Customer string
	Type     string
	// DuplicateOf is the sequence of the customer's earlier event with the same
	// id within the dedup time, 0 where there is none.
	DuplicateOf uint64
	// Source is the CloudEvents source, or empty. Cloud is what a CloudEvent says
	// of itself; nil for an event that is none. It is shared, too.
	Source string
	Cloud  *cloudevents.Attributes
	// Time is when the thing happened, by the producer, else Stored.
	Time time.Time
	// Stored is when the log took the event.
	Stored time.Time
	// Traceparent is the W3C trace context the producer sent, or empty.
	Traceparent string
	// Data is the document: valid JSON. It is shared and must not be changed.
	Data []byte
	// Object names the object that holds Data where it was over the server's
	// message limit; Data is filled in before an event is leased.
	Object string
	// Apart tells that the event came with what parked it, or with its dead letter:
	// the log may not have it any more, so it is parked whole.
	Apart bool
	// Gone tells of a parked event that it was looked up in the log and is not
	// there, or another has its number: Seq, Customer and Stored are all there is.
	Gone bool
}

// Size is the number of bytes an event is counted with against the window.
func (e *Event) Size() int { return len(e.Data) + 256 }

// Pair is one event owed to one endpoint: the unit of every outcome.
// Replay is zero for the first delivery and the replay's number otherwise.
type Pair struct {
	Seq      uint64
	Endpoint string
	Replay   uint64
}
