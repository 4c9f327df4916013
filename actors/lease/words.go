package lease

import (
	"time"

	"github.com/postrider/postrider/transport"
)

const (
	// BeatEvery is how long an owner's journal is silent at most: then a beat is
	// written.
	BeatEvery = time.Second
	// BeatAgain is between two beats where the first proved nothing.
	BeatAgain = 250 * time.Millisecond
	// StopAfter is how old a proof may get before the owner stops acting.
	StopAfter = 2 * time.Second
	// CutAfter is the same for attempts under way.
	CutAfter = 3 * time.Second
	// TakeAfter is how long a journal must have been silent before another takes
	// its shard over.
	TakeAfter = 3 * time.Second
	// PartedBy is how far wall and monotonic clock may move apart after a proof
	// before it is none.
	PartedBy = time.Second
	// LookEvery is between two looks at a journal by who does not own it.
	LookEvery = 250 * time.Millisecond
	// GapMost is how far two answers may be apart and still be of one silence.
	GapMost = time.Second
	// RewriteShare of the time that records are kept, 1 / it, is how old an
	// owner's record gets before it is written anew.
	RewriteShare = 10
)

// Moment is a point in time by both clocks of a machine, each since some start
// of its own.
type Moment struct{ Mono, Wall time.Duration }

// Proof is when the last write was first sent that the shard's journal is known
// to have taken from its owner.
type Proof struct{ Sent Moment }

// Holds tells whether the owner may act on it.
func (p Proof) Holds(now Moment) bool {
	mono, wall := now.Mono-p.Sent.Mono, now.Wall-p.Sent.Wall
	return mono < StopAfter && (wall-mono).Abs() <= PartedBy
}

// Age is how old it is, by the clock that says more.
func (p Proof) Age(now Moment) time.Duration {
	return max(now.Mono-p.Sent.Mono, now.Wall-p.Sent.Wall)
}

// Stream numbers a shard's streams that have a record of its owner.
type Stream int

// The streams in the order in which their records are written.
const (
	Journal Stream = iota
	Deferred
	DeadLetters
	Streams // how many there are
)

// Look is what the journal's leader, and the records, tell.
type Look struct {
	// Leader names who answered for the journal's stream: another name where
	// another server leads it, or the stream was made anew.
	Leader string
	// Last is the stream's last sequence.
	Last    uint64
	Records [Streams]transport.OwnerRecord
}

// Kind of an Input.
type Kind int

// Kinds of inputs.
const (
	// Ticked: time has passed.
	Ticked Kind = iota
	// Looked: a Look's answer, asked for at Sent. Unseen: it did not come.
	Looked
	Unseen
	// Stored, Refused and Unanswered tell what became of a record's write.
	Stored
	Refused
	Unanswered
	// Proved: the journal has taken a guarded write of ours, first sent at Sent.
	Proved
	// Beaten: the beat came to its end; what it proved was told before.
	Beaten
	// Deposed: a guarded write was refused.
	Deposed
	// Left: the shard is to be given up; nothing is written any more.
	Left
)

// Input is one thing that happened.
type Input struct {
	Kind   Kind
	Sent   Moment
	Look   Look
	Stream Stream
	Seq    uint64
}

// Do says what an Effect does.
type Do int

// Effects.
const (
	// Watch: look at the journal and the records.
	Watch Do = iota
	// Write a record.
	Write
	// Beat: have the journal take a guarded write, unless one is under way.
	Beat
	// Own: the shard is this node's, from Effect.Epoch on; take it.
	Own
	// Halt: no pull, send, park, purge or ack. GoOn ends that.
	Halt
	GoOn
	// Cut: the attempts under way end now.
	Cut
	// Adopt: the own record's sequence in Effect.Stream is Effect.Seq.
	Adopt
	// Lose: another owns the shard, by Effect.Owner. The machine is at its end.
	Lose
	// Leave: the shard is given up. The machine is at its end.
	Leave
)

// Effect is one thing to do.
type Effect struct {
	Do     Do
	Stream Stream
	Owner  transport.Owner
	// After is the sequence that the stream's record must have for a Write to be
	// taken (0: there must be none); Last, where Silent, the last one of the
	// whole stream.
	After  uint64
	Silent bool
	Last   uint64
	Epoch  uint64
	Seq    uint64
}
