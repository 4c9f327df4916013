package transport

import "time"

// Entry is one pair that waits in DEFERRED.
type Entry struct {
	// Event is whole where it lies there too; where the entry Refers to it, its Seq,
	// Customer and Stored are all that is there until it was looked up.
	Event  *Event
	Refers bool
	// Size is the event's (Event.Size) as it was parked, of an entry that Refers.
	Size   int
	Replay uint64
	// Tries are the attempts made so far, oldest first.
	Tries []Try
	// Hop counts the parkings of this pair; of two entries of a pair the one
	// with the higher hop is true.
	Hop uint32
	// Due is the earliest time of the next attempt; zero: it waits for room alone.
	Due time.Time
	// At is when DEFERRED hands it back, not before Due; zero: at Due.
	At time.Time
}

// Counted is the size that the entry is counted with in DEFERRED.
func (e *Entry) Counted() int {
	if e.Refers {
		return e.Size
	}
	return e.Event.Size()
}

// Wake is when the entry comes back.
func (e *Entry) Wake() time.Time {
	if e.At.IsZero() {
		return e.Due
	}
	return e.At
}

// Try is an attempt in short, carried along so that a dead letter holds all of them.
type Try struct {
	At     time.Time
	Took   time.Duration
	Status int
	Class  Class
	Reason string
}

// Segment is what came back from DEFERRED in one message: entries of one endpoint.
type Segment struct {
	// Seq is the message's sequence in DEFERRED.
	Seq uint64
	// ID names the segment; a schedule that was fired twice has the same.
	ID       string
	Customer string
	Endpoint string
	Entries  []Entry
}

// ParkedPair is one pair of an endpoint that lies in DEFERRED.
type ParkedPair struct {
	Place
	// Due is the entry's own; zero: it waits for room alone.
	Due time.Time
	// Hop counts the pair's parkings, this one too.
	Hop uint32
}

// DeadLetter is what was given up: a pair, or (Endpoint empty) a document that
// could not be read.
type DeadLetter struct {
	// ID is the letter's sequence in DEADLETTERS; set when read.
	ID       uint64
	Customer string
	Endpoint string
	Reason   string
	Detail   string
	At       time.Time
	Replay   uint64
	Tries    []Try
	// LastAnswer is the beginning of the last answer.
	LastAnswer []byte
	Event      *Event
	// Subject is where an unreadable document was published.
	Subject string
}

// Waiter is told once when what it waits for is durable.
type Waiter interface{ Done() }
