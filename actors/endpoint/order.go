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
	parked []Waiting // sorted; those before head are gone
	head   int
	lists  int // asked for so far
	// meanwhile were in hand, or ended, since the list was asked for.
	meanwhile map[transport.Place]bool
}

// Waiting is one parked pair of an ordered endpoint. Due is its own time; zero:
// it waits for room alone.
type Waiting struct {
	transport.Place
	Due time.Time
}

// begin asks for the list of all that is parked, with a number; in hand are not
// in question.
func (o *order) begin(inHand []*Lease) (number int) {
	o.lists++
	o.meanwhile = make(map[transport.Place]bool, len(inHand))
	for _, l := range inHand {
		o.meanwhile[l.Place()] = true
	}
	return o.lists
}

// forget: the endpoint is ordered no longer; what was asked for may yet be told.
func (o *order) forget() { *o = order{lists: o.lists} }

// loading tells that what is parked is not known yet.
func (o *order) loading() bool { return o.meanwhile != nil }

// listed takes all that is parked in, but for what was in hand meanwhile. Of
// several lists the last one asked for counts.
func (o *order) listed(number int, all []Waiting) {
	if number != o.lists || !o.loading() {
		return
	}
	for _, w := range all {
		if _, known := o.find(w.Place); !known && !o.meanwhile[w.Place] {
			o.add(w)
		}
	}
	o.meanwhile = nil
}

// inHand: p is parked no longer.
func (o *order) inHand(p transport.Place) {
	o.remove(p)
	if o.loading() {
		o.meanwhile[p] = true
	}
}

func (o *order) ended(places []transport.Place) {
	for _, p := range places {
		o.inHand(p)
	}
}

// lets tells whether nothing before p waits elsewhere.
func (o *order) lets(p transport.Place) bool {
	w, some := o.first()
	return !o.loading() && (!some || p.Before(w.Place))
}

// blocked tells whether all in hand must wait for one that is parked for room.
func (o *order) blocked(waiting *Queue) bool {
	w, some := o.first()
	return some && !o.loading() && w.Due.IsZero() && (waiting.Len() == 0 || !o.lets(waiting.First().Place()))
}

// first is the lowest that is parked.
func (o *order) first() (Waiting, bool) {
	if o.head == len(o.parked) {
		return Waiting{}, false
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
	i, found := slices.BinarySearchFunc(o.parked[o.head:], p, func(w Waiting, p transport.Place) int {
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

func (o *order) add(w Waiting) {
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
