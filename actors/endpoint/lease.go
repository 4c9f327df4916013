package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// Lease is one delivery, of an event to an endpoint or of one replay of it,
// handed to the endpoint for now. It does not change once it is handed out. The
// only copy of its event is in JetStream: a lease that is dropped comes again.
type Lease struct {
	transport.Pair
	Event *transport.Event
	// Tries are the attempts made before, oldest first.
	Tries []transport.Try
	// Hop counts the parkings before.
	Hop uint32
	// Due is the earliest time of the next attempt; zero: now.
	Due time.Time
	// Panics counts the actors that broke over this delivery.
	Panics uint8
	// Number counts the leases that were handed to one actor, from 1.
	Number uint64

	// Owner is told the end, once; Mark is its own.
	Owner Owner
	Mark  any
}

// Owner gave the lease.
type Owner interface {
	// Ended says how the lease ended. It is called once, from any goroutine, and
	// must not block.
	Ended(l *Lease, how End)
}

// End is how a lease ended.
type End uint8

const (
	// Final: the delivery is over (delivered, given up or skipped), durably.
	Final End = iota + 1
	// ParkedForTime: it waits in DEFERRED for its own time, durably.
	ParkedForTime
	// ParkedForRoom: it waits there for room alone.
	ParkedForRoom
	// Released: it is handed back without an outcome.
	Released
)

// Parked tells whether the delivery goes on from DEFERRED.
func (e End) Parked() bool { return e == ParkedForTime || e == ParkedForRoom }

// Settled tells whether the outcome is durable.
func (e End) Settled() bool { return e != Released && e != 0 }

// Place is where the delivery stands in the order of an ordered endpoint.
func (l *Lease) Place() transport.Place { return transport.Place{Replay: l.Replay, Seq: l.Seq} }

// Release hands the lease back.
func (l *Lease) Release() { l.Owner.Ended(l, Released) }

// final, parkedForTime and parkedForRoom are a lease that waits for the write
// that closes it. What was written for it before is durable by then: the journal
// keeps its order, and tells of a parking in its place.
type (
	final         Lease
	parkedForTime Lease
	parkedForRoom Lease
)

func (l *final) Done()         { l.Owner.Ended((*Lease)(l), Final) }
func (l *parkedForTime) Done() { l.Owner.Ended((*Lease)(l), ParkedForTime) }
func (l *parkedForRoom) Done() { l.Owner.Ended((*Lease)(l), ParkedForRoom) }

// whenOwed does something when it is durable that the delivery is owed, before
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
func (l *Lease) Follow(d *Deps) { d.Journal.After((*final)(l)) }
