package endpoint

import "time"

// recalls is what is known of the recalls of what is parked for room.
type recalls struct {
	under bool // one is under way
	inRow int  // since something came back
	next  time.Time
}

// recallEvery is the least time between two recalls; it doubles, up to
// recallMost, while nothing comes back. maxRecall bounds each.
const (
	recallEvery = 500 * time.Millisecond
	recallMost  = 8 * time.Second
	maxRecall   = 4096
)

// recall brings back what is parked for room where the endpoint would idle, or
// tells when to look again.
func (m *Machine) recall(now time.Time) (again time.Time) {
	if m.parked.Ready == 0 {
		m.caughtUp(now)
		return time.Time{}
	}
	idle, again := m.idles(now)
	if !idle {
		return again
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
	return time.Time{}
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
	case m.recalls.under || m.storing > 0 || m.inFlight >= m.allowed(now) || m.breaker.probing():
		return false
	case m.draining || m.away || m.policy.Paused || m.policy.Closed != "":
		return false
	case m.policy.Ordered:
		return m.order.blocked(&m.waiting)
	}
	return m.waiting.Len() == 0
}
