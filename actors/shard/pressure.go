package shard

import (
	"cmp"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

const (
	// slowAttempt is how long the attempts of a slow endpoint last, and
	// slowUnderPressure where the window is nearly full.
	slowAttempt       = time.Second
	slowUnderPressure = slowAttempt / 4
	// greedy is how many times the mean is far more than it.
	greedy = 4
	// patience is how long the oldest lease of a greedy endpoint waits first.
	patience = time.Second
)

// Pressed tells whether a window fills up: then it matters how long attempts
// take.
func (m *Machine) Pressed() bool { return m.fresh.fill() >= 0.5 || m.back.fill() >= 0.5 }

// relieve makes room in a window that fills up, that of what is due or that of
// events: endpoints that are slow share a quarter of it, and nobody keeps far
// more than the mean waiting for long. What is beyond that is parked. While it is
// less than half full, and nothing waits to be let in, nobody is touched, and
// when all are simply busy the pulling stops instead.
func (m *Machine) relieve(now time.Time, due, waits bool, took map[string]time.Duration) {
	r, all := m.roomFor(due), m.messages(due)
	fill := r.fill()
	if fill < 0.5 && !waits {
		return
	}
	holders := m.holders(due)
	if waits {
		m.yieldBlocked(holders, all, now)
		m.parkBlocked(now)
	}
	if fill < 0.5 {
		return
	}
	slowAfter := slowAttempt
	if fill > 0.75 {
		slowAfter = slowUnderPressure
	}
	if waits {
		m.shareAmongCustomers(holders, r.maxLeases, now)
	}
	m.shareAmongSlow(holders, r.maxLeases/4, now, func(id string) bool { return took[id] > slowAfter })
	m.shedGreedy(holders, all, now)
}

// holder is an endpoint and how many leases it holds of a window.
type holder struct {
	*active
	leases int
}

// holders are in order of their ids.
func (m *Machine) holders(due bool) []holder {
	var all []holder
	for _, a := range m.active {
		if n := *a.holds(due); n > 0 {
			all = append(all, holder{a, n})
		}
	}
	slices.SortFunc(all, func(a, b holder) int { return cmp.Compare(a.id, b.id) })
	return all
}

// patient keeps those of whom a lease of all has waited for longer than patience.
func patient(holders []holder, all map[uint64]*message, now time.Time) []holder {
	if len(holders) == 0 {
		return nil
	}
	long := map[string]bool{}
	for _, h := range all {
		if now.Sub(h.since) <= patience {
			continue
		}
		for _, l := range h.leases {
			if l.end == 0 {
				long[l.Endpoint] = true
			}
		}
	}
	return slices.DeleteFunc(holders, func(o holder) bool { return !long[o.id] })
}

// shareAmongSlow lets the slow endpoints keep so many leases between them.
func (m *Machine) shareAmongSlow(holders []holder, most int, now time.Time, isSlow func(id string) bool) {
	var slow []holder
	sum := 0
	for _, o := range holders {
		if isSlow(o.id) {
			slow = append(slow, o)
			sum += o.leases
		}
	}
	if sum <= most {
		return
	}
	share := max(1, most/len(slow))
	for _, o := range slow {
		if o.leases > share {
			m.shed(o.active, share, now)
		}
	}
}

// yieldBlocked has ordered endpoints make room for the delivery that all they
// hold waits for: it may be the very one that finds no room.
func (m *Machine) yieldBlocked(holders []holder, all map[uint64]*message, now time.Time) {
	var ordered []holder
	for _, o := range holders {
		if ep := m.routes.byID[o.id]; ep != nil && ep.Delivery.Ordered {
			ordered = append(ordered, o)
		}
	}
	for _, o := range patient(ordered, all, now) {
		m.tell(o.active, endpoint.ShedTo(0))
	}
}

func (m *Machine) shedGreedy(holders []holder, all map[uint64]*message, now time.Time) {
	if len(holders) < 2 {
		return
	}
	sum := 0
	for _, o := range holders {
		sum += o.leases
	}
	mean := max(1, sum/len(holders))
	var much []holder
	for _, o := range holders {
		if o.leases > greedy*mean {
			much = append(much, o)
		}
	}
	for _, o := range patient(much, all, now) {
		m.shed(o.active, mean, now)
	}
}

// shed has the endpoint park what waits beyond keep, and takes its credit off,
// so that what waits here gets there. It keeps to that for a while: the same is
// not said again at each tick.
func (m *Machine) shed(a *active, keep int, now time.Time) {
	if keep == a.kept && now.Sub(a.shedAt) < patience {
		return
	}
	a.kept, a.shedAt = keep, now
	a.shedding = true
	m.tell(a, endpoint.ShedTo(keep))
	m.handAll(a)
}
