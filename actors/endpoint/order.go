package endpoint

import (
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// order knows what of an ordered endpoint is parked, so that nothing is sent
// while something before it waits elsewhere. A pair that came back is elsewhere
// until its lease is in hand.
type order struct {
	parked []ParkedPair // sorted; those before head are gone
	head   int
	lists  int // asked for so far
	// meanwhile were in hand, or ended, since the list was asked for: the hop
	// up to which the list says nothing of them.
	meanwhile map[transport.Place]uint32
}

// ParkedPair is one parked pair of an ordered endpoint. Due is its own time; zero:
// it waits for room alone. Hop counts its parkings.
type ParkedPair struct {
	transport.Place
	Due time.Time
	Hop uint32
}

// Unparked is a pair of an ordered endpoint that no message of DEFERRED up to that
// hop holds any more: it has ended, or was parked again with a higher one.
type Unparked struct {
	transport.Place
	Hop uint32
}

// begin asks for the list of all that is parked, with a number; in hand are not
// in question.
func (o *order) begin(inHand []*Delivery) (number int) {
	o.lists++
	o.meanwhile = make(map[transport.Place]uint32, len(inHand))
	for _, l := range inHand {
		o.meanwhile[l.Place()] = l.Hop
	}
	return o.lists
}

// forget: the endpoint is ordered no longer; what was asked for may yet be told.
func (o *order) forget() { *o = order{lists: o.lists} }

// loading tells that what is parked is not known yet.
func (o *order) loading() bool { return o.meanwhile != nil }

// listed takes all that is parked in, but for what was in hand meanwhile; of a
// pair the highest hop is true. Of several lists the last one asked for counts.
func (o *order) listed(number int, all []ParkedPair) {
	if number != o.lists || !o.loading() {
		return
	}
	for _, w := range all {
		i, known := o.find(w.Place)
		if hop, gone := o.meanwhile[w.Place]; gone && w.Hop <= hop || known && w.Hop <= o.parked[i].Hop {
			continue
		}
		o.add(w)
	}
	o.meanwhile = nil
}

// gone: p is not parked, unless with a higher hop. A message of DEFERRED stays
// until all its pairs have gone, so one may be told of that was parked again.
func (o *order) gone(p transport.Place, hop uint32) {
	if i, known := o.find(p); known && o.parked[i].Hop <= hop {
		o.remove(p)
	}
	if o.loading() {
		o.meanwhile[p] = max(o.meanwhile[p], hop)
	}
}

// lets tells whether nothing before p waits elsewhere.
func (o *order) lets(p transport.Place) bool {
	w, some := o.first()
	return !o.loading() && (!some || p.Before(w.Place))
}

// blocked tells whether all in hand must wait for one that is parked for room.
func (o *order) blocked(waiting *queue) bool {
	w, some := o.first()
	return some && !o.loading() && w.Due.IsZero() && (waiting.Len() == 0 || !o.lets(waiting.First().Place()))
}

// first is the lowest that is parked.
func (o *order) first() (ParkedPair, bool) {
	if o.head == len(o.parked) {
		return ParkedPair{}, false
	}
	return o.parked[o.head], true
}

// nth is the place of the n-th that is parked, from 1, or of the last one;
// something must be parked.
func (o *order) nth(n int) transport.Place {
	return o.parked[min(o.head+n, len(o.parked))-1].Place
}

// before is how many that are parked come before p.
func (o *order) before(p transport.Place) int {
	i, _ := o.find(p)
	return i - o.head
}

func (o *order) find(p transport.Place) (int, bool) {
	i, found := slices.BinarySearchFunc(o.parked[o.head:], p, func(w ParkedPair, p transport.Place) int {
		switch {
		case w.Before(p):
			return -1
		case p.Before(w.Place):
			return 1
		}
		return 0
	})
	return i + o.head, found
}

func (o *order) add(w ParkedPair) {
	i, found := o.find(w.Place)
	switch {
	case found:
		o.parked[i] = w
	case i == o.head && o.head > 0:
		o.head--
		o.parked[o.head] = w
	default:
		o.parked = slices.Insert(o.parked, i, w)
	}
}

func (o *order) remove(p transport.Place) {
	i, found := o.find(p)
	switch {
	case !found:
	case i == o.head:
		o.head++
		if o.head == len(o.parked) {
			o.parked, o.head = nil, 0
		}
	default:
		o.parked = slices.Delete(o.parked, i, i+1)
	}
}
