package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// recalls is what is known of the recalls of what is parked for room.
type recalls struct {
	under bool // one is under way
	inRow int  // since something came back
	next  time.Time
	// awaited is what an ordered endpoint has stood still for since.
	awaited transport.Place
	since   time.Time
}

// recallEvery is the least time between two recalls; it doubles, up to
// recallMost, while nothing comes back. maxRecall bounds each.
const (
	recallEvery = 500 * time.Millisecond
	recallMost  = 8 * time.Second
	maxRecall   = 4096
)

// overdueAfter is how long an ordered endpoint stands still for one pair before it
// has the list of what is parked told anew: longer than what was lost on the way
// takes to come again.
const overdueAfter = 45 * time.Second

// recall brings back what is parked for room where the endpoint would idle, or
// tells when to look again.
func (m *Machine) recall(now time.Time) (again time.Time) {
	overdue := m.overdue(now)
	if m.parked.Ready == 0 {
		m.caughtUp(now)
		return overdue
	}
	idle, again := m.idles(now)
	if !idle {
		return soonest(again, overdue)
	}
	r := &m.recalls
	r.under = true
	r.inRow++
	r.next = now.Add(doubling(recallEvery, recallMost, r.inRow))
	want := min(int(slotLead.Seconds()*m.throughput(now, now)), maxRecall)
	if m.waiting.Len() == 0 {
		want = min(want, m.keep(now))
	}
	want = min(max(1, want), m.parked.Ready)
	e := Effect{Do: Recall, Entries: want}
	if m.policy.Ordered { // what waits first may have come due already, and needs no other beside it
		e.Last = m.order.nth(want)
	}
	m.do(e)
	return overdue
}

// overdue has what is parked told anew where an ordered endpoint stands still and
// what it waits for does not come, or tells when that will be so.
func (m *Machine) overdue(now time.Time) (at time.Time) {
	r := &m.recalls
	w, still := m.standsStill(now)
	switch {
	case !still:
		r.since = time.Time{}
		return time.Time{}
	case r.since.IsZero() || w.Place != r.awaited:
		r.awaited, r.since = w.Place, now
	case now.Sub(r.since) >= overdueAfter:
		r.since = time.Time{}
		m.relist()
		return time.Time{}
	}
	return r.since.Add(overdueAfter)
}

// standsStill tells what an ordered endpoint waits for that could send now.
func (m *Machine) standsStill(now time.Time) (ParkedPair, bool) {
	w, some := m.order.first()
	if !some || m.order.loading() || now.Before(m.askedUntil()) || !m.couldTake(now) {
		return ParkedPair{}, false
	}
	open, _ := m.paced(now)
	return w, open && (m.waiting.Len() == 0 || !m.order.lets(m.waiting.First().Place()))
}

// caughtUp: nothing is parked for room any more.
func (m *Machine) caughtUp(now time.Time) {
	if !m.slots.tail.IsZero() {
		m.slots = slots{lap: m.slots.lap}
	}
	if m.waiting.Len() == 0 && m.silence(now) <= silent {
		m.shed = 0
	}
}

// idles tells whether it could send soon, has nothing in hand that may go, and
// something is parked that could; or when that may be so, zero: when something
// has happened.
func (m *Machine) idles(now time.Time) (idle bool, at time.Time) {
	if !m.mayRecall(now) {
		return false, time.Time{}
	}
	if at = m.askedUntil().Add(recallEvery); at.After(now) {
		return false, at // what was parked until then is on its way
	}
	open, at := m.paced(now)
	switch {
	case !open && at.IsZero():
		return false, at
	case !open && at.Sub(now) > slotLead:
		return false, at.Add(-slotLead)
	}
	return !now.Before(m.recalls.next), m.recalls.next
}

func (m *Machine) mayRecall(now time.Time) bool {
	switch {
	case m.recalls.under || !m.couldTake(now):
		return false
	case m.policy.Ordered:
		return m.order.blocked(&m.waiting)
	}
	return m.waiting.Len() == 0
}

// couldTake: nothing but pace and order is in the way of an attempt.
func (m *Machine) couldTake(now time.Time) bool {
	if m.storing > 0 || m.inFlight >= m.allowed(now) || m.breaker.probing() {
		return false
	}
	return !m.draining && !m.away && !m.policy.Paused && m.policy.Closed == ""
}
