package endpoint

import (
	"math"
	"time"

	"github.com/postrider/postrider/transport"
)

// slots hands out the times at which what cannot go now is to come back, one
// after the other at the pace the endpoint takes, in pieces that make a
// segment each. They are plans: what comes back goes when the gate opens.
type slots struct {
	tail time.Time // the last slot handed out
	at   time.Time // when the piece being filled comes back
	left int       // what still goes into it
	lap  int       // pieces parked beyond the horizon
}

// laps spread what is parked beyond the horizon over half of it.
const laps = 512

// nextSlot is when the next lease is to come back.
func (m *Machine) nextSlot(now time.Time) time.Time {
	s := &m.slots
	if s.left > 0 && s.at.Sub(now) >= minPark && !s.at.Before(m.askedUntil()) {
		s.left--
		return s.at
	}
	closed := m.closedUntil(now)
	base := later(now.Add(slotLead), closed, m.busyUntil(now))
	base = base.Add(seconds(float64(m.waiting.Len()) / m.throughput(now, base))) // those in hand go first
	s.tail = later(s.tail, base)
	if s.tail.Sub(now) > m.policy.Tuning.Horizon {
		return s.beyond(now, closed, m.policy.Tuning.Horizon/2)
	}
	pace := m.throughput(now, s.tail)
	size := min(max(1, int(pace*slotLead.Seconds())), transport.MaxSegmentEntries)
	s.at, s.left = later(s.tail.Add(-slotLead), closed, now.Add(minPark)), size-1
	s.tail = s.tail.Add(seconds(float64(size) / pace))
	return s.at
}

// beyond the horizon full segments are parked, a little of them at each time of
// its second half, or of as long after the endpoint may take something again.
func (s *slots) beyond(now, closed time.Time, half time.Duration) time.Time {
	s.lap = (s.lap + 1) % laps
	s.at, s.left = later(now.Add(half), closed).Add(half*time.Duration(s.lap)/laps), transport.MaxSegmentEntries-1
	return s.at
}

// slotInOrder is when p is to come back to an ordered endpoint: after those that
// are before it, in hand and parked. Those of one second share a segment.
func (m *Machine) slotInOrder(now time.Time, p transport.Place) time.Time {
	closed := m.closedUntil(now)
	base := later(now.Add(slotLead), closed, m.busyUntil(now))
	before := m.order.before(p)
	at := base.Add(m.takes(now, base, m.waiting.Len()+before) - slotLead)
	if horizon := m.policy.Tuning.Horizon; at.Sub(now) > horizon {
		lap := before / transport.MaxSegmentEntries % laps
		at = later(now.Add(horizon/2), closed).Add(horizon / 2 * time.Duration(lap) / laps)
	}
	return later(at.Truncate(slotLead), closed, now.Add(minPark))
}

// takes is how long the endpoint takes for n, from then on.
func (m *Machine) takes(now, from time.Time, n int) time.Duration {
	t := m.policy.Tuning
	d := float64(n) / m.throughput(now, from.Add(t.Horizon))
	if !m.drainFrom(now).IsZero() { // the time of a doubling pace
		growth := t.DrainDoubling.Seconds()
		d = math.Max(d, growth*math.Log2(1+float64(n)*math.Ln2/(t.DrainPace*growth)))
	}
	return seconds(d)
}

// replan begins the slots anew, behind what is parked already.
func (m *Machine) replan(now time.Time) {
	m.slots = slots{lap: m.slots.lap}
	if m.parked.Ready > 0 {
		from := later(now, m.closedUntil(now), m.drainFrom(now))
		m.slots.tail = from.Add(m.takes(now, from, m.parked.Ready))
	}
}

func seconds(s float64) time.Duration {
	return time.Duration(math.Min(s, 1e9) * float64(time.Second))
}

func later(first time.Time, rest ...time.Time) time.Time {
	for _, t := range rest {
		if t.After(first) {
			first = t
		}
	}
	return first
}

// parkForRoom parks a lease that waits for room alone.
func (m *Machine) parkForRoom(now time.Time, l *Delivery) {
	switch {
	case l.Due.After(now):
		m.park(now, l, l.Due)
	case m.policy.Ordered:
		l.Due = time.Time{}
		m.park(now, l, m.slotInOrder(now, l.Place()))
	default:
		l.Due = time.Time{}
		m.park(now, l, m.nextSlot(now))
	}
}

// park keeps a lease in DEFERRED until at; what would be too much there is
// given up.
func (m *Machine) park(now time.Time, l *Delivery, at time.Time) {
	if l.fresh() && m.backlogFull(l) {
		m.do(Effect{Do: Bury, Delivery: l, Reason: transport.ReasonBacklogFull})
		return
	}
	m.parked.Entries++
	m.parked.Bytes += int64(l.Event.Size())
	if l.Due.IsZero() {
		m.parked.Ready++
	}
	if m.policy.Ordered {
		m.order.add(ParkedPair{Place: l.Place(), Due: l.Due, Hop: l.Hop + 1})
	}
	m.do(Effect{Do: Park, Delivery: l, At: at})
}

func (m *Machine) backlogFull(l *Delivery) bool {
	return m.policy.MaxWaiting > 0 && m.parked.Entries >= m.policy.MaxWaiting ||
		m.policy.Tuning.MaxWaitingBytes > 0 && m.parked.Bytes+int64(l.Event.Size()) > m.policy.Tuning.MaxWaitingBytes
}

// parkBeyond parks the youngest of what waits in hand, down to what can go soon.
func (m *Machine) parkBeyond(now time.Time) {
	keep := m.keep(now)
	if m.waiting.Len() <= keep {
		return
	}
	for _, l := range m.waiting.CutAfter(keep) {
		m.parkForRoom(now, l)
	}
}

// shedTo: others need the room.
func (m *Machine) shedTo(now time.Time, keep int) {
	if keep > 0 {
		m.shed = keep
		return
	}
	if m.inFlight > 0 || m.waiting.Len() == 0 || m.order.loading() || m.order.lets(m.waiting.First().Place()) {
		return
	}
	for _, l := range m.waiting.CutAfter(0) {
		m.parkForRoom(now, l)
	}
}

// keep is how many leases may wait in hand.
func (m *Machine) keep(now time.Time) int {
	most := math.MaxInt
	if m.shed > 0 {
		most = m.shed
	}
	switch {
	case m.policy.Paused:
		return 0
	case m.storing > 0 || m.order.loading():
		return most
	case m.breaker.probing():
		return min(most, transport.MaxSegmentEntries)
	case m.away:
		return min(most, m.policy.Concurrency)
	case m.closedUntil(now).Sub(now) > inHandFor:
		return 0
	case m.policy.Rate == 0 && m.ramp.from.IsZero() && !m.policy.Ordered:
		return most
	}
	soon := int(inHandFor.Seconds() * m.throughput(now, now))
	if m.policy.Rate > 0 {
		soon += m.bucket.free(now, m.inFlight)
	}
	return min(most, max(1, soon))
}
