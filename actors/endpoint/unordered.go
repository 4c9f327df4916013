package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// unordered is the machine of an endpoint that takes its events in any order:
// first come, first served, as many at once as it bears.
type unordered struct {
	*control
	queue queue
	early []*Delivery // in hand, due within inHandFor; soonest first
	slots slots
}

func (u *unordered) begin(now time.Time, inHand []*Delivery) {
	for _, l := range inHand {
		if l.Due.After(now) {
			u.tooEarly(now, l)
			continue
		}
		u.queue.Push(l)
	}
}

func (u *unordered) end() []*Delivery {
	all := append(u.queue.CutAfter(0), u.early...)
	u.early = nil
	return all
}

func (u *unordered) waiting() int { return u.queue.Len() + len(u.early) }

func (u *unordered) take(now time.Time, in *Input) {
	switch in.Kind {
	case Leased:
		u.leased(now, u.of(in.Lease))
	case PutAside:
		if d := u.of(in.Lease); !u.refused(d) {
			u.parkForRoom(now, d)
		}
	case Answered:
		u.answered(now, in)
	}
}

func (u *unordered) leased(now time.Time, l *Delivery) {
	if !l.fresh() {
		u.recalls.inRow = 0
	}
	switch {
	case u.refused(l):
	case l.Due.After(now):
		u.tooEarly(now, l)
	case l.fresh() && u.parked.Ready > 0 && u.narrow(now):
		u.parkForRoom(now, l) // behind those that are parked for room already
	default:
		u.queue.Push(l)
	}
}

// answered takes the end of an attempt in: the delivery is parked for its next
// one, or given up, where it has not ended.
func (u *unordered) answered(now time.Time, in *Input) {
	v := u.judged(now, in)
	if v.opened {
		u.slots = slots{lap: u.slots.lap}
	}
	switch {
	case v.unsent:
		u.queue.Insert(in.Delivery, inOrder)
	case v.giveUp != "":
		u.do(Effect{Do: Bury, Delivery: in.Delivery, Reason: v.giveUp, Answer: in.Answer})
	case v.again:
		u.park(in.Delivery, in.Delivery.Due)
	}
}

// tooEarly keeps a lease that is due soon in hand, and parks the others again.
func (u *unordered) tooEarly(now time.Time, l *Delivery) {
	if l.Due.Sub(now) > inHandFor {
		u.park(l, l.Due)
		return
	}
	i := len(u.early)
	for i > 0 && u.early[i-1].Due.After(l.Due) {
		i--
	}
	u.early = append(u.early, nil)
	copy(u.early[i+1:], u.early[i:])
	u.early[i] = l
}

// ripen moves the leases that have come due to the queue.
func (u *unordered) ripen(now time.Time) {
	n := 0
	for n < len(u.early) && (u.draining || u.policy.Closed != "" || !u.early[n].Due.After(now)) {
		u.queue.Push(u.early[n])
		n++
	}
	if u.early = u.early[n:]; len(u.early) == 0 {
		u.early = nil
	}
}

func (u *unordered) work(now time.Time) {
	if len(u.early) > 0 {
		u.ripen(now)
	}
	next := u.sendOpen(now)
	if u.queue.Len() > 0 {
		u.parkBeyond(now)
	}
	next = soonest(next, u.recall(now))
	if len(u.early) > 0 {
		next = soonest(next, u.early[0].Due)
	}
	u.wake(now, next)
}

// sendOpen starts the attempts that may begin now, and tells when the next may;
// zero: when something has happened.
func (u *unordered) sendOpen(now time.Time) (next time.Time) {
	for u.queue.Len() > 0 {
		l := u.queue.First()
		if ended, giveUp := u.unsent(now, l); ended || giveUp != "" {
			if u.queue.Pop(); giveUp != "" {
				u.do(Effect{Do: Bury, Delivery: l, Reason: giveUp})
			}
			continue
		}
		open, at := u.gate(now)
		if open {
			open, at = u.paced(now)
		}
		if !open {
			return at
		}
		u.send(now, u.queue.Pop())
	}
	return time.Time{}
}

// parkBeyond parks the youngest leases in hand, down to those that can go soon.
func (u *unordered) parkBeyond(now time.Time) {
	keep := u.room(now)
	if u.queue.Len() <= keep {
		return
	}
	for _, l := range u.queue.CutAfter(keep) {
		u.parkForRoom(now, l)
	}
}

// park keeps a lease in DEFERRED until at, or gives it up where too much waits there.
func (u *unordered) park(l *Delivery, at time.Time) {
	if u.backlogFull(l) {
		u.do(Effect{Do: Bury, Delivery: l, Reason: transport.ReasonBacklogFull})
		return
	}
	u.control.park(l, at)
}

// parkForRoom parks a lease that waits for room alone.
func (u *unordered) parkForRoom(now time.Time, l *Delivery) {
	if l.Due.After(now) {
		u.park(l, l.Due)
		return
	}
	l.Due = time.Time{}
	u.park(l, u.nextSlot(now))
}

// recall brings leases back that are parked for room where the endpoint would
// idle, or tells when to look again.
func (u *unordered) recall(now time.Time) (again time.Time) {
	if u.parked.Ready == 0 {
		if !u.slots.tail.IsZero() {
			u.slots = slots{lap: u.slots.lap}
		}
		u.shedOver(now, u.queue.Len())
		return time.Time{}
	}
	if u.queue.Len() > 0 {
		return time.Time{}
	}
	idle, again := u.idles(now, u.askedUntil())
	if !idle {
		return again
	}
	u.do(Effect{Do: Recall, Entries: u.startRecall(now, min(u.soon(now), u.room(now)))})
	return time.Time{}
}

// room is how many leases may wait in hand.
func (u *unordered) room(now time.Time) int {
	return u.keep(now, u.closedUntil(now), u.policy.Rate > 0 || !u.ramp.from.IsZero())
}
