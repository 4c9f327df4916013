package shard

import (
	"sync"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// inbox gathers what arrives for the shard between two turns of its actor, so
// that a burst costs one message of the engine.
type inbox struct {
	mu       sync.Mutex
	batch    batch
	signaled bool
}

// batch is what one turn works down: ends first, since they give room, and calls
// after what arrived before them.
type batch struct {
	ends     []end
	arrivals []arrival
	calls    []func(now time.Time)
}

// end is how a lease ended.
type end struct {
	lease *handed
	how   endpoint.End
}

// arrival is a message let in by the gate: an event or a due segment.
type arrival struct {
	event  *transport.Event
	due    *transport.Segment
	handle transport.Handle
	bytes  int
}

// put adds to the batch and tells whether the actor must be woken.
func (b *inbox) put(add func(*batch)) (wake bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	add(&b.batch)
	wake = !b.signaled
	b.signaled = true
	return wake
}

// ended adds the end of a lease.
func (b *inbox) ended(e end) (wake bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batch.ends = append(b.batch.ends, e)
	wake = !b.signaled
	b.signaled = true
	return wake
}

// take exchanges the gathered batch for an empty one.
func (b *inbox) take(empty batch) batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.batch
	b.batch = empty
	b.signaled = false
	return full
}

// reset empties a batch and keeps its memory, unless it grew large.
func (b batch) reset() batch {
	const large = 4096
	if cap(b.ends) > large || cap(b.arrivals) > large {
		return batch{}
	}
	clear(b.ends)
	clear(b.calls)
	clear(b.arrivals)
	return batch{ends: b.ends[:0], calls: b.calls[:0], arrivals: b.arrivals[:0]}
}
