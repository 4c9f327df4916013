package transport

import "time"

// MarkMending is noted at DEFERRED while what is owed is parked anew.
const MarkMending = "?"

// ShardState is how a shard's streams stand as it is taken, its consumers set
// back to their ack floors. Sequences and times are the server's.
type ShardState struct {
	// Floor is the ack floor of EVENTS' consumer, NextAt when the first event
	// above it was stored; zero: there is none.
	Floor  uint64
	NextAt time.Time
	// FirstDue is the first message on due.>, DueAt when it was stored; zero:
	// nothing is due. DeferredFirst and DeferredLast are the first and the last
	// sequence of DEFERRED.
	FirstDue                    uint64
	DueAt                       time.Time
	DeferredFirst, DeferredLast uint64
	// JournaledAt is when the journal's last message was stored; zero: never.
	JournaledAt time.Time
	// EventsLast and JournalLast are the last sequences of EVENTS and ATTEMPTS.
	EventsLast, JournalLast uint64
	// Reached is how far each had come by what others tell. ReachedAt is when
	// what EVENTS has at Reached.Event was stored; zero: nothing is there.
	// NewFrom is the first event stored after Reached.EventStored (0: none), and
	// OldAt when the last one before it was; both only where EVENTS seems to have
	// lost its end.
	Reached   Reached
	ReachedAt time.Time
	NewFrom   uint64
	OldAt     time.Time
	// Mark is what the start before noted at DEFERRED: Recovered.Mark, or
	// MarkMending where it did not come to its end.
	Mark string
	// SeenSince is how far back the journal is wanted for the ids of events,
	// whatever else it is read for; zero: it is not.
	SeenSince time.Time
}

// Reached is how far a shard's streams had come, as noted outside of them: the
// highest event that was routed and when it was stored, the last message of
// DEFERRED that holds what is parked, and the journal's last message. Zeros are
// not known.
type Reached struct {
	Event       uint64
	EventStored time.Time
	Deferred    uint64
	Journal     uint64
}

// Reading is what is to be read next as a shard is taken.
type Reading struct {
	What Readable
	// From is the first sequence that is read, of DEFERRED.
	From uint64
	// Since is when the first message was stored that is read, of the journal.
	Since time.Time
	// Segments are those that are read, where they are still there.
	Segments []ParkedSegment
}

// Readable is a part of a shard's streams.
type Readable int

// ReadNothing: all that is needed was read.
const (
	ReadNothing Readable = iota
	// ReadDeferred: every message of DEFERRED from Reading.From on.
	ReadDeferred
	// ReadDue: the same, of those on due.>.
	ReadDue
	// ListParked: the names of what is parked and did not come due.
	ListParked
	// ListDue: the names of what is due.
	ListDue
	// ReadSegments: Reading.Segments, of what is parked.
	ReadSegments
	// CountSegments: what a version wrote that did not count.
	CountSegments
	// ReadJournal: every record from Reading.Since on.
	ReadJournal
)

// Lying is where a segment was found in DEFERRED.
type Lying struct {
	Seq    uint64
	Stored time.Time
	// Due: on due.>, where it came back.
	Due bool
}
