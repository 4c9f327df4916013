package shard

import (
	"cmp"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// mustWait tells whether an event before l, which its ordered endpoint may
// want, has not come yet. Replays come after all that.
func (m *Machine) mustWait(ep *transport.Endpoint, l *handed) bool {
	return ep.Delivery.Ordered && (l.Seq >= m.arrivals.next || len(m.arrivals.holes) > 0 && l.Seq > m.arrivals.lowest())
}

// parkBlocked has those parked that have waited for an earlier event for long:
// it may be the very one that finds no room.
func (m *Machine) parkBlocked(now time.Time) {
	m.blocked = slices.DeleteFunc(m.blocked, func(l *handed) bool {
		if now.Sub(l.of.since) <= patience {
			return false
		}
		a := m.activeOf(m.routes.byID[l.Endpoint])
		a.take(l)
		m.tell(a, endpoint.Aside{Lease: &l.Lease})
		return true
	})
}

// unblockAll hands over what waited for an earlier event, in order; what must
// wait still, waits again.
func (m *Machine) unblockAll() {
	m.unblock = false
	if len(m.blocked) == 0 {
		return
	}
	all := m.blocked
	m.blocked = nil
	slices.SortStableFunc(all, func(a, b *handed) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, l := range all {
		if m.messages(l.of.due)[l.of.seq] == l.of { // else it was handed back
			m.lease(l)
		}
	}
}

// arrivals knows which events of the log have come, so that an ordered endpoint
// is sent nothing while an earlier event is still on its way: one whose payload
// could not be fetched, or that a broken connection swallowed.
type arrivals struct {
	next  uint64          // the first that is not known to exist
	holes map[uint64]hole // before it, and have not come
	// seeking: whether the log has some of them is being asked.
	seeking bool
	// From there to there the log has nothing: it lost that, and was filled up.
	noneFrom, noneTo uint64
}

// hole is an event that has not come. The log was asked for it so often, and had it.
type hole struct {
	since time.Time
	asked int
}

const (
	// mostHoles bounds a gap; a wider one is of a log that was purged.
	mostHoles = 1 << 16
	// holeFor is how long one is waited for before the log is asked whether it has
	// it: what was lost on the way comes again after AckWait, and may be lost again;
	// what never comes was deleted from the log.
	holeFor = 45 * time.Second
	// mostSought bounds how many are asked about at a time, and mostAsked how often
	// the log may have one that does not come.
	mostSought = 64
	mostAsked  = 12
)

func newArrivals(r *transport.Recovered) *arrivals {
	t := &arrivals{next: r.Floor + 1, holes: map[uint64]hole{}, noneFrom: r.FillFrom, noneTo: r.FillTo}
	t.passNone()
	return t
}

// passNone goes over what the log does not have.
func (t *arrivals) passNone() {
	if t.next >= t.noneFrom && t.next <= t.noneTo {
		t.next = t.noneTo + 1
	}
}

// come notes that seq has come; true where that filled a hole.
func (t *arrivals) come(seq uint64, now time.Time) (filled bool) {
	switch {
	case seq == t.next:
		t.next++
	case seq > t.next:
		if wide := seq - t.next; wide <= mostHoles || t.noneTo > 0 && wide-(t.noneTo-t.noneFrom+1) <= mostHoles {
			for ; t.next < seq; t.passNone() {
				t.holes[t.next] = hole{since: now}
				t.next++
			}
		}
		t.next = seq + 1
	default:
		if _, filled = t.holes[seq]; filled {
			delete(t.holes, seq)
		}
	}
	t.passNone()
	return filled
}

// missing notes that seq was handed back and will come again.
func (t *arrivals) missing(seq uint64, now time.Time) { t.holes[seq] = hole{since: now} }

// lowest is the first sequence that has not come.
func (t *arrivals) lowest() uint64 {
	low := t.next
	for seq := range t.holes {
		low = min(low, seq)
	}
	return low
}

// wait begins the time of all holes anew: while nothing can come, nothing is
// given up.
func (t *arrivals) wait(now time.Time) {
	for seq, h := range t.holes {
		t.holes[seq] = hole{now, h.asked}
	}
}

// seek gives the lowest of the holes that have been waited for long; none while an
// answer about such is on its way.
func (t *arrivals) seek(now time.Time) (asked []uint64) {
	if t.seeking {
		return nil
	}
	for seq, h := range t.holes {
		if now.Sub(h.since) > holeFor {
			asked = append(asked, seq)
		}
	}
	slices.Sort(asked)
	asked = asked[:min(len(asked), mostSought)]
	t.seeking = len(asked) > 0
	return asked
}

// sought drops the holes of those asked about that the log does not have, and those
// that it had too often, and waits for the others; true where it dropped any.
func (t *arrivals) sought(now time.Time, asked, there []uint64) (dropped bool) {
	t.seeking = false
	for _, seq := range asked {
		h, open := t.holes[seq]
		switch {
		case !open: // it came meanwhile
		case h.asked < mostAsked && slices.Contains(there, seq):
			t.holes[seq] = hole{now, h.asked + 1}
		default:
			delete(t.holes, seq)
			dropped = true
		}
	}
	return dropped
}
