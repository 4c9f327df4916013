package endpoint

import (
	"context"
	"time"

	"github.com/postrider/postrider/transport"
)

// Sender compiles an endpoint into a Target.
type Sender interface {
	Prepare(ep *transport.Endpoint) (Target, error)
}

// Target makes attempts at one endpoint.
type Target interface {
	// Send makes one attempt, within the endpoint's time limit.
	Send(ctx context.Context, ev *transport.Event, number int) transport.Answer
	// Close gives back what the target holds; attempts under way go on.
	Close()
}

// Journal keeps records. Append reads r before it returns; w may be nil.
// Records become durable in the order they were appended, so that an event's
// fan-out is durable before any end of it that is journaled. After tells w when
// all that was appended before is durable.
type Journal interface {
	Append(r *transport.Record, w transport.Waiter)
	After(w transport.Waiter)
}

// Parker keeps entries until they are due.
type Parker interface {
	// Park tells w when e is durable and the journal tells of it: so what was
	// appended there before the call is durable too.
	Park(customer, endpoint string, e transport.Entry, w transport.Waiter)
	// Recall brings at least so many entries that wait for room back now, the
	// oldest first (of an ordered endpoint: those first in its order), and tells
	// w when they are on their way; so too when there are none, or NATS is away.
	// Segments that begin after last stay, where that is not zero.
	Recall(endpoint string, entries int, last transport.Place, w transport.Waiter)
	// List tells all that is parked for an endpoint and not acked, once; it
	// tries until it can.
	List(endpoint string, got func([]ParkedPair))
}

// Memories stores what endpoints must remember, and tells w when that is durable.
type Memories interface {
	Remember(r transport.Remembered, w transport.Waiter)
}

// Teller is told when an endpoint's state changes. It must not block.
type Teller interface {
	Tell(n transport.News)
}

// Uplink judges whether our own uplink is down.
type Uplink interface {
	// Answered takes an attempt's end in; true where it is no fault of the endpoint's.
	Answered(now time.Time, endpoint string, a *transport.Answer) (ours bool)
}

// Graveyard keeps what was given up.
type Graveyard interface {
	Bury(d *transport.DeadLetter, w transport.Waiter)
}

// Observer sees each record once, as it is decided; it must not keep it.
type Observer interface {
	Record(r *transport.Record)
}

// Deps are an actor's surroundings.
type Deps struct {
	Sender    Sender
	Journal   Journal
	Parker    Parker
	Graveyard Graveyard
	Memories  Memories
	Teller    Teller
	// Uplink may be nil: then every failure is the endpoint's.
	Uplink   Uplink
	Observer Observer
	Runner   Runner
	// Unparked has the shard send an endpoint NotParked, with the pairs that have
	// ended of segments that are not acked yet; nil: it does not.
	Unparked func(endpoint string)
	Tuning   *Tuning
	// Now is the node's clock, and After runs a function when so much of its
	// time has passed; nil: time.AfterFunc.
	Now   func() time.Time
	After func(time.Duration, func()) Timer
	// Context ends the attempts under way, at the end of a shutdown's patience;
	// nil: nothing does but the end of their actor.
	Context context.Context
}

// Timer is a *time.Timer, or what stands for one.
type Timer interface {
	Reset(time.Duration) bool
	Stop() bool
}

// realTime is After where none is given.
func realTime(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
