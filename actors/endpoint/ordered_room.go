package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// parkBeyond parks the last leases in hand, down to those that can go soon.
func (o *ordered) parkBeyond(now time.Time) {
	keep := o.room(now)
	if o.queue.Len() <= keep {
		return
	}
	for _, l := range o.queue.CutAfter(keep) {
		o.parkForRoom(now, l)
	}
}

// room is how many leases may wait in hand. Until it is known what is parked,
// they all may, but of a paused endpoint.
func (o *ordered) room(now time.Time) int {
	if o.pairs.unknown() && !o.policy.Paused {
		return o.mostInHand()
	}
	return o.keep(now, o.closedUntil(now), true)
}

// makeRoom parks all leases in hand where they wait for one that is elsewhere:
// it may be the very one that finds no room.
func (o *ordered) makeRoom(now time.Time) {
	if o.inFlight > 0 || o.queue.Len() == 0 || o.pairs.unknown() || o.pairs.lets(o.queue.First().Place()) {
		return
	}
	for _, l := range o.queue.CutAfter(0) {
		o.parkForRoom(now, l)
	}
}

// parkForRoom parks a lease that waits for room alone.
func (o *ordered) parkForRoom(now time.Time, l *Delivery) {
	if l.Due.After(now) {
		o.park(l, l.Due)
		return
	}
	l.Due = time.Time{}
	o.park(l, o.turn(now, l.Place()))
}

// turn is when the delivery of a place is to come back: after those before it,
// in hand and parked. Those of one second share a segment.
func (o *ordered) turn(now time.Time, at transport.Place) time.Time {
	closed := o.closedUntil(now)
	from := later(now.Add(slotLead), closed, o.busyUntil(now))
	before := o.pairs.before(at)
	back := from.Add(o.takes(now, from, o.queue.Len()+before) - slotLead)
	if horizon := o.policy.Tuning.Horizon; back.Sub(now) > horizon {
		lap := before / transport.MaxSegmentEntries % laps
		back = later(now.Add(horizon/2), closed).Add(horizon / 2 * time.Duration(lap) / laps)
	}
	return later(back.Truncate(slotLead), closed, now.Add(minPark))
}

// askedUntil is before when nothing goes: by the receiver's word, the breaker's,
// and the due time of the delivery that must go first.
func (o *ordered) askedUntil() time.Time {
	first, _ := o.pairs.first()
	return later(o.control.askedUntil(), first.Due)
}

func (o *ordered) closedUntil(now time.Time) time.Time {
	until := o.control.closedUntil(now)
	if first, _ := o.pairs.first(); first.Due.After(now) {
		until = later(until, first.Due)
	}
	return until
}

// overdueAfter is how long the machine stands still for one pair before it has
// all that is parked listed anew: longer than it takes until a message that was
// lost on the way comes again.
const overdueAfter = 45 * time.Second

// recall brings leases back that are parked for room where all in hand wait for
// one of them, and has what is parked listed anew where the pair that they wait
// for does not come; or it tells when to look again.
func (o *ordered) recall(now time.Time) (again time.Time) {
	overdue := o.overdue(now)
	if o.parked.Ready == 0 {
		o.shedOver(now, o.queue.Len())
		return overdue
	}
	if !o.blocked() {
		return overdue
	}
	idle, again := o.idles(now, o.askedUntil())
	if !idle {
		return soonest(again, overdue)
	}
	want := o.soon(now)
	if o.queue.Len() == 0 {
		want = min(want, o.room(now))
	}
	want = o.startRecall(now, want)
	// A delivery that came due already may be the first, and needs none behind it.
	o.do(Effect{Do: Recall, Entries: want, Last: o.pairs.nth(want)})
	return overdue
}

// blocked tells whether all leases in hand must wait for one that is parked for
// room.
func (o *ordered) blocked() bool {
	first, any := o.pairs.first()
	return any && !o.pairs.unknown() && first.Due.IsZero() && !o.hasNext()
}

// hasNext tells whether the next delivery is in hand.
func (o *ordered) hasNext() bool {
	return o.queue.Len() > 0 && o.pairs.lets(o.queue.First().Place())
}

// overdue has what is parked listed anew where the machine has stood still for
// long, or tells when that will be so.
func (o *ordered) overdue(now time.Time) (at time.Time) {
	first, still := o.standsStill(now)
	switch {
	case !still:
		o.since = time.Time{}
		return time.Time{}
	case o.since.IsZero() || first.Place != o.awaited:
		o.awaited, o.since = first.Place, now
	case now.Sub(o.since) >= overdueAfter:
		o.list()
		return time.Time{}
	}
	return o.since.Add(overdueAfter)
}

// standsStill tells which parked pair it waits for, where it could send now.
func (o *ordered) standsStill(now time.Time) (first ParkedPair, still bool) {
	first, any := o.pairs.first()
	if !any || o.pairs.unknown() || !o.ending.lets(first.Place) || now.Before(o.askedUntil()) || !o.couldTake(now) || o.hasNext() {
		return first, false
	}
	open, _ := o.paced(now)
	return first, open
}
