package transport

import (
	"errors"
	"time"
)

// JournalPosition is a message of the journal. Zero is before the first.
type JournalPosition struct {
	// Journal names the journal such that one made anew has another name.
	Journal string
	// Seq is the message's sequence, At when it was stored.
	Seq uint64
	At  time.Time
}

// ErrOtherJournal marks a position that is none of the journal as it is now,
// or that it cannot go on from: what was read of it must be forgotten.
var ErrOtherJournal = errors.New("not a place of this journal")
