package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// ordered is the machine of an endpoint that takes its events one at a time, in
// the order of the log, and replays after them in theirs. It sends nothing while
// a delivery before it is parked, or until it knows which are; a delivery that is
// given up lets the next one go when that is durable.
type ordered struct {
	*control
	queue queue       // in order
	pairs parkedPairs // that are parked
	// ending are the pairs that were given up, of which that is not durable: a crash
	// undoes it, and nothing behind them may have been sent by then.
	ending parkedPairs
	// awaited is the parked pair that it has stood still for since then.
	awaited transport.Place
	since   time.Time
}

func (o *ordered) begin(_ time.Time, inHand []*Delivery) {
	for _, l := range inHand {
		o.queue.Insert(l, inOrder)
	}
	if o.parked.Entries > 0 {
		o.list()
	}
}

func (o *ordered) end() []*Delivery {
	o.pairs.forget()
	return o.queue.CutAfter(0)
}

func (o *ordered) waiting() int { return o.queue.Len() }

// list has all that is parked told, before which nothing is sent.
func (o *ordered) list() {
	o.since = time.Time{}
	o.do(Effect{Do: List, Number: o.pairs.ask(o.queue.All())})
}

func (o *ordered) take(now time.Time, in *Input) {
	switch in.Kind {
	case Leased:
		o.leased(o.of(in.Lease))
	case PutAside:
		o.putAside(now, o.of(in.Lease))
	case Answered:
		o.answered(now, in)
	case Listed:
		o.pairs.listed(in.Number, in.Pairs)
	case Buried:
		o.ending.left(in.Place, 0)
	case NoLongerParked:
		for _, u := range in.Unparked {
			o.pairs.left(u.Place, u.Hop)
		}
	case Shed:
		if in.Keep == 0 {
			o.makeRoom(now)
		}
	}
}

func (o *ordered) leased(l *Delivery) {
	if !l.fresh() {
		o.recalls.inRow = 0
	}
	o.pairs.left(l.Place(), l.Hop)
	if !o.refused(l) {
		o.queue.Insert(l, inOrder)
	}
}

func (o *ordered) putAside(now time.Time, l *Delivery) {
	o.pairs.left(l.Place(), l.Hop)
	if !o.refused(l) {
		o.parkForRoom(now, l)
	}
}

// answered takes the end of an attempt in: the delivery is parked for its next
// one, before which no other goes, or given up, where it has not ended.
func (o *ordered) answered(now time.Time, in *Input) {
	l := in.Delivery
	o.pairs.left(l.Place(), l.Hop)
	v := o.judged(now, in)
	switch {
	case v.unsent:
		o.queue.Insert(l, inOrder)
	case v.giveUp != "":
		o.bury(l, v.giveUp, in.Answer)
	case v.again:
		o.park(l, l.Due)
	}
}

// bury gives a delivery up. What is behind it goes when that is durable: given up no
// longer after a crash, it would come behind what was sent.
func (o *ordered) bury(l *Delivery, reason string, last *transport.Answer) {
	wait := o.policy.Closed == "" && !o.draining
	if wait {
		o.ending.add(ParkedPair{Place: l.Place()})
	}
	o.do(Effect{Do: Bury, Delivery: l, Reason: reason, Answer: last, Wait: wait})
}

func (o *ordered) park(l *Delivery, at time.Time) {
	if o.backlogFull(l) {
		o.bury(l, transport.ReasonBacklogFull, nil)
		return
	}
	o.control.park(l, at)
	o.pairs.add(ParkedPair{Place: l.Place(), Due: l.Due, Hop: l.Hop + 1})
}

func (o *ordered) work(now time.Time) {
	next := o.sendNext(now)
	if o.queue.Len() > 0 {
		o.parkBeyond(now)
	}
	o.wake(now, soonest(next, o.recall(now)))
}

// sendNext starts the next attempt where it may begin now, and tells when it
// may; zero: when something has happened.
func (o *ordered) sendNext(now time.Time) (next time.Time) {
	for o.queue.Len() > 0 {
		l := o.queue.First()
		if o.ended(now, l) {
			o.queue.Pop()
			continue
		}
		open, at := o.gate(now, l)
		if !open {
			return at
		}
		o.send(now, o.queue.Pop())
	}
	return time.Time{}
}

// ended ends a lease for which no attempt will be made now.
func (o *ordered) ended(now time.Time, l *Delivery) bool {
	ended, giveUp := o.unsent(now, l)
	switch {
	case ended:
	case giveUp != "":
		o.bury(l, giveUp, nil)
	case l.Due.Sub(now) > inHandFor:
		o.park(l, l.Due)
	default:
		return false
	}
	return true
}

// gate tells whether the attempt may begin now, or when it may; a zero time: when
// something else has happened.
func (o *ordered) gate(now time.Time, l *Delivery) (open bool, at time.Time) {
	switch open, at = o.control.gate(now); {
	case !open:
		return false, at
	case !o.pairs.lets(l.Place()) || !o.ending.lets(l.Place()):
		return false, time.Time{}
	case l.Due.After(now):
		return false, l.Due
	}
	return o.paced(now)
}
