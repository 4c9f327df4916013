package endpoint

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// slots hands out the times at which leases that cannot go now are to come back,
// one after the other at the pace the endpoint takes, in pieces that make a
// segment each. They are plans: a lease that comes back goes when the gate opens.
type slots struct {
	tail time.Time // the last slot handed out
	at   time.Time // when the piece being filled comes back
	left int       // how many leases still go into it
	lap  int       // pieces parked beyond the horizon
}

// laps spread the leases parked beyond the horizon over half of it.
const laps = 512

// nextSlot is when the next lease is to come back.
func (u *unordered) nextSlot(now time.Time) time.Time {
	s := &u.slots
	if s.left > 0 && s.at.Sub(now) >= minPark && !s.at.Before(u.askedUntil()) {
		s.left--
		return s.at
	}
	closed := u.closedUntil(now)
	base := later(now.Add(slotLead), closed, u.busyUntil(now))
	base = base.Add(seconds(float64(u.queue.Len()) / u.throughput(now, base))) // those in hand go first
	s.tail = later(s.tail, base)
	if s.tail.Sub(now) > u.policy.Tuning.Horizon {
		return s.beyond(now, closed, u.policy.Tuning.Horizon/2)
	}
	pace := u.throughput(now, s.tail)
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

// replan begins the slots anew, behind the leases that are parked already.
func (u *unordered) replan(now time.Time) {
	u.slots = slots{lap: u.slots.lap}
	if u.parked.Ready > 0 {
		from := later(now, u.closedUntil(now), u.drainFrom(now))
		u.slots.tail = from.Add(u.takes(now, from, u.parked.Ready))
	}
}
