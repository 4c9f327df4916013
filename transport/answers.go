package transport

import "time"

// Receipt says that one submitted event is durable in the log.
type Receipt struct {
	// ID is the event's identity, given or made.
	ID string `json:"id"`
	// Seq is its sequence in the shard's log.
	Seq uint64 `json:"seq"`
}

// LetterFilter chooses dead letters, newest first. An empty string matches
// all; Before (exclusive, a DeadLetter.ID) is the cursor, 0 for the newest.
type LetterFilter struct {
	Customer string
	Endpoint string
	Reason   string
	// From (inclusive) and To (exclusive) bound when it was given up.
	From, To time.Time
	Before   uint64
	Limit    int
}

// Chooses tells whether a letter fits the filter's reason and times.
func (f *LetterFilter) Chooses(d *DeadLetter) bool {
	return (f.Reason == "" || d.Reason == f.Reason) && !d.At.Before(f.From) && (f.To.IsZero() || d.At.Before(f.To))
}

// Audit tells, at a cut of the log, what was owed and what became of it.
type Audit struct {
	// Cut is the last sequence that was counted.
	Cut uint64 `json:"cut"`
	// Events up to the cut, of them skipped as Duplicates, and Unrouted ones
	// that no endpoint wanted.
	Events     uint64 `json:"events"`
	Duplicates uint64 `json:"duplicates"`
	Unrouted   uint64 `json:"unrouted"`
	// Endpoints has one line for each endpoint that was owed anything.
	Endpoints []EndpointAudit `json:"endpoints"`
	// JournalGaps counts messages gone from the middle of the journal.
	JournalGaps uint64 `json:"journal_gaps"`
	// Lost are the streams that a start found without their ends, as far as the
	// journal still tells.
	Lost []LostTail `json:"lost,omitempty"`
	// OK: nothing is missing, nothing unowed, the journal has no gap, and neither
	// it nor the log has lost its end (what DEFERRED lost was parked anew).
	OK bool `json:"ok"`
}

// EndpointAudit is one endpoint's line of an Audit: Owed = Delivered +
// DeadLettered + Skipped + Waiting + Missing. Repeated counts attempts after
// the one that delivered.
type EndpointAudit struct {
	Endpoint     string `json:"endpoint"`
	Customer     string `json:"customer"`
	Owed         uint64 `json:"owed"`
	Delivered    uint64 `json:"delivered"`
	DeadLettered uint64 `json:"dead_lettered"`
	Skipped      uint64 `json:"skipped"`
	Waiting      uint64 `json:"waiting"`
	Missing      uint64 `json:"missing"`
	Repeated     uint64 `json:"repeated"`
	// Unowed counts outcomes of pairs whose fan-out is not in the journal.
	Unowed uint64 `json:"unowed"`
}
