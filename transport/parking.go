package transport

import "time"

// Parking is what of an entry on its way into DEFERRED decides which segment
// it goes into.
type Parking struct {
	Place
	// Hop is the entry's, Wake when it comes back.
	Hop  uint32
	Wake time.Time
	// Late is how much later it may come back, to share a segment with others.
	Late time.Duration
	// Ready: it waits for room alone, not for its own time.
	Ready bool
	// Refers: its event is not parked with it, but read from the log when it is due.
	Refers bool
	// Size is the event's (Event.Size), Bytes what the entry takes of a message, or
	// its event when it is read.
	Size, Bytes int
}

// mostLate bounds Parking.Late.
const mostLate = 5 * time.Second

// LateBy is how much later than asked a retry may come that waits so long: those of
// events that failed one after the other then come together.
func LateBy(wait time.Duration) time.Duration { return min(max(0, wait/10), mostLate) }

// Cut is one segment that is to be parked.
type Cut struct {
	// Segment is what its name tells; the endpoint is the caller's to fill in.
	Segment ParkedSegment
	// Wake is when it comes back: not before any of its entries is to.
	Wake time.Time
	// Entries are the places, among those that were cut, of what it holds, in
	// the order they go in.
	Entries []int
	// Covers are the places of those that it makes durable: its own, and those
	// that were parked with a lower hop beside them.
	Covers []int
}

// ParkedSegment is what the name of a segment in DEFERRED tells of it, so that
// what is parked can be counted and chosen from without being read.
type ParkedSegment struct {
	Endpoint string
	// First is where its first entry stands, Hop that entry's.
	First   Place
	Hop     uint32
	Entries int
	// Bytes are those of Event.Size.
	Bytes int64
	// Name is its own, so that no two are taken for one; empty: not known.
	Name string
	// Ready: its entries wait for room alone. A segment holds one kind.
	Ready bool
	// Refers: its events are to be read from the log, none of which is below Low.
	// A segment holds one kind.
	Refers bool
	Low    uint64
	// Counted is false where a version wrote it that did not count.
	Counted bool
	// Due: it came back, and is not settled.
	Due bool
	// Span is from the first sequence to the last. It is known (Spanned) where
	// there are several entries, all of one replay or of none.
	Span    uint64
	Spanned bool
}

// Last is the highest sequence it holds; false where its name does not tell.
func (p *ParkedSegment) Last() (seq uint64, known bool) {
	if !p.Counted || p.Entries > 1 && !p.Spanned || p.Span > ^uint64(0)-p.First.Seq {
		return 0, false
	}
	return p.First.Seq + p.Span, true
}

// Compare puts places in order: events as the log has them, replays after them.
func (p Place) Compare(o Place) int {
	switch {
	case p.Before(o):
		return -1
	case o.Before(p):
		return 1
	}
	return 0
}
