package endpoint

import (
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
)

// Lease is one pair handed to an endpoint for now. The only copy of its event
// is in JetStream: a lease that is dropped comes again.
type Lease struct {
	transport.Pair
	Event *transport.Event
	// Tries are the attempts made so far, oldest first.
	Tries []transport.Try
	// Hop counts the parkings so far.
	Hop uint32
	// Due is the earliest time of the next attempt; zero: now.
	Due time.Time
	// Panics counts the actors that broke over this lease.
	Panics int

	// Holder is whose credit it counts against, nil where none; its owner's.
	Holder any
	// Owner is told the end, once.
	Owner Owner

	probe   int          // of the attempt under way, where it is an open breaker's probe
	open    atomic.Int32 // durable writes still awaited
	closing bool         // the closing write is counted in open
	handed  bool         // the closing write was asked for: it ends by itself
	parked  bool         // that write is another parking
	state   atomic.Int32 // open, then one of the ends
}

// The states of a lease.
const (
	open int32 = iota
	settled
	released
	withdrawn
)

// Owner gave the lease and takes it back. Its methods are called from any
// goroutine and must not block.
type Owner interface {
	// Settled says that the pair's outcome is durable.
	Settled(*Lease)
	// Released says that the lease is handed back without an outcome.
	Released(*Lease)
}

// Place is where the pair stands in the order of an ordered endpoint.
func (l *Lease) Place() transport.Place { return transport.Place{Replay: l.Replay, Seq: l.Seq} }

// fresh: it was never parked, nor tried.
func (l *Lease) fresh() bool { return l.Hop == 0 && len(l.Tries) == 0 }

// await adds durable writes that make the outcome, before they are asked for.
func (l *Lease) await(n int32) { l.open.Add(n) }

// awaitClosing counts the write that closes the lease, unless the record of
// the attempt before it counted it already.
func (l *Lease) awaitClosing() {
	if !l.closing {
		l.await(1)
		l.closing = true
	}
}

// Withdraw takes the lease from an actor that broke; false where it has ended,
// or will by a write that is under way. It must come after the actor's last act.
func (l *Lease) Withdraw() bool { return !l.Ended() && !l.handed && l.end(withdrawn) }

func (l *Lease) end(state int32) bool { return l.state.CompareAndSwap(open, state) }

// Done counts one durable write; the last one settles the lease.
func (l *Lease) Done() {
	if l.open.Add(-1) == 0 && l.end(settled) {
		l.Owner.Settled(l)
	}
}

// Release hands the lease back, once, unless it is settled.
func (l *Lease) Release() {
	if l.end(released) {
		l.Owner.Released(l)
	}
}

// Again is a fresh lease of the same pair for owner, after a Withdraw.
func (l *Lease) Again(owner Owner) *Lease {
	return &Lease{
		Pair: l.Pair, Event: l.Event, Tries: l.Tries, Hop: l.Hop, Due: l.Due,
		Panics: l.Panics, Owner: owner,
	}
}

// Ended tells whether the lease was settled or released.
func (l *Lease) Ended() bool { return l.state.Load() != open }

// IsSettled tells whether the pair's outcome is durable.
func (l *Lease) IsSettled() bool { return l.state.Load() == settled }

// whenOwed does something when it is durable that the pair is owed, before
// which nothing of it may come back or end: at once for one that was parked.
func (l *Lease) whenOwed(d *Deps, do func()) {
	if l.Hop > 0 {
		do()
		return
	}
	d.Journal.After(then(do))
}

// Follow ends the lease when all that was journaled before is durable: what was
// owed must be known before its event is acked.
func (l *Lease) Follow(d *Deps) {
	l.await(1)
	l.handed = true
	d.Journal.After(l)
}

// IsOver tells whether the pair has ended: settled, and not by another parking.
func (l *Lease) IsOver() bool { return l.IsSettled() && !l.parked }
