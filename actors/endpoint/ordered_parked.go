package endpoint

import (
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

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

// parkedPairs are the pairs of an ordered endpoint that are parked, so that no
// delivery is sent while one before it is elsewhere. A pair that came back is
// elsewhere until its lease is in hand.
type parkedPairs struct {
	all  []ParkedPair // sorted; those before head are parked no longer
	head int
	// lists were asked for so far.
	lists int
	// since are the pairs that were in hand, or ended, since the list was asked
	// for that is on its way (nil: none is): the hop up to which it is out of date.
	since map[transport.Place]uint32
}

// ask asks for the list of all pairs that are parked, and gives its number; what
// was known before is forgotten. The list says nothing of the leases in hand.
func (p *parkedPairs) ask(inHand []*Delivery) (number int) {
	*p = parkedPairs{lists: p.lists + 1, since: make(map[transport.Place]uint32, len(inHand))}
	for _, l := range inHand {
		p.since[l.Place()] = l.Hop
	}
	return p.lists
}

// forget: a list that was asked for may yet be told, and is not awaited.
func (p *parkedPairs) forget() { *p = parkedPairs{lists: p.lists} }

// unknown: the list has not been told yet.
func (p *parkedPairs) unknown() bool { return p.since != nil }

// listed takes the list in; of a pair with several parkings the one with the
// highest hop is true. Of several lists the one asked for last counts.
func (p *parkedPairs) listed(number int, all []ParkedPair) {
	if number != p.lists || !p.unknown() {
		return
	}
	for _, w := range all {
		i, known := p.find(w.Place)
		if hop, newer := p.since[w.Place]; newer && w.Hop <= hop || known && w.Hop <= p.all[i].Hop {
			continue
		}
		p.add(w)
	}
	p.since = nil
}

// left: the pair is not parked, unless with a higher hop. A message of DEFERRED
// stays until all its pairs have left it, so it may name one that was parked again.
func (p *parkedPairs) left(at transport.Place, hop uint32) {
	if i, known := p.find(at); known && p.all[i].Hop <= hop {
		p.remove(at)
	}
	if p.unknown() {
		p.since[at] = max(p.since[at], hop)
	}
}

// lets tells whether no pair before the place is parked.
func (p *parkedPairs) lets(at transport.Place) bool {
	first, any := p.first()
	return !p.unknown() && (!any || at.Before(first.Place))
}

// first is the pair that comes first.
func (p *parkedPairs) first() (pair ParkedPair, any bool) {
	if p.head == len(p.all) {
		return ParkedPair{}, false
	}
	return p.all[p.head], true
}

// nth is the place of the n-th pair, from 1, or of the last one; there must be one.
func (p *parkedPairs) nth(n int) transport.Place {
	return p.all[min(p.head+n, len(p.all))-1].Place
}

// before is how many pairs come before the place.
func (p *parkedPairs) before(at transport.Place) int {
	i, _ := p.find(at)
	return i - p.head
}

func (p *parkedPairs) find(at transport.Place) (i int, found bool) {
	i, found = slices.BinarySearchFunc(p.all[p.head:], at, func(w ParkedPair, at transport.Place) int {
		switch {
		case w.Before(at):
			return -1
		case at.Before(w.Place):
			return 1
		}
		return 0
	})
	return i + p.head, found
}

func (p *parkedPairs) add(w ParkedPair) {
	i, found := p.find(w.Place)
	switch {
	case found:
		p.all[i] = w
	case i == p.head && p.head > 0:
		p.head--
		p.all[p.head] = w
	default:
		p.all = slices.Insert(p.all, i, w)
	}
}

func (p *parkedPairs) remove(at transport.Place) {
	i, found := p.find(at)
	switch {
	case !found:
	case i == p.head:
		p.head++
		if p.head == len(p.all) {
			p.all, p.head = nil, 0
		}
	default:
		p.all = slices.Delete(p.all, i, i+1)
	}
}
