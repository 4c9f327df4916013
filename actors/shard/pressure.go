package shard

import (
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

// relieve makes room in a window that fills up, that of what is due or that of
// events: endpoints that are slow share a quarter of it, and nobody keeps far
// more than the mean waiting for long. What is beyond that is parked. While it is
// less than half full, and nothing waits to be let in, nobody is touched, and
// when all are simply busy the pulling stops instead.
//
// It tells whether something waits to be let in.
func (s *Shard) relieve(due bool) (pressed bool) {
	w, all := s.windowOf(due), s.heldBy(due)
	fill := w.fill()
	if pressed = w.pressed(); fill < 0.5 && !pressed {
		return false
	}
	now := s.o.Deps.Now()
	holders := s.holders(due)
	if pressed {
		s.yieldBlocked(holders, all, now)
		s.setAside(now)
	}
	if fill < 0.5 {
		return pressed
	}
	slowAfter := slowAttempt
	if fill > 0.75 {
		slowAfter = slowAttempt / 4
	}
	s.shareAmongSlow(holders, w.maxLeases/4, now, slowAfter)
	s.shedGreedy(holders, all, now)
	return pressed
}

const (
	// slowAttempt is how long the attempts of a slow endpoint last.
	slowAttempt = time.Second
	// greedy is how many times the mean is far more than it.
	greedy = 4
	// patience is how long the oldest lease of a greedy endpoint waits first.
	patience = time.Second
)

// holder is an endpoint and how many leases it holds of a window.
type holder struct {
	slot   *slot
	leases int
}

func (s *Shard) holders(due bool) []holder {
	var all []holder
	for _, sl := range s.slots {
		if n := *sl.holds(due); n > 0 {
			all = append(all, holder{sl, n})
		}
	}
	return all
}

// patient keeps those of whom a lease of all has waited for longer than patience.
func patient(holders []holder, all map[uint64]*held, now time.Time) []holder {
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
	return slices.DeleteFunc(holders, func(o holder) bool { return !long[o.slot.id] })
}

// shareAmongSlow lets the slow endpoints keep so many leases between them.
func (s *Shard) shareAmongSlow(holders []holder, most int, now time.Time, slowAfter time.Duration) {
	var slow []holder
	sum := 0
	for _, o := range holders {
		if o.slot.past.Took(now) > slowAfter {
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
			o.slot.shed(share, now)
		}
	}
}

// yieldBlocked has ordered endpoints make room for the pair that all they hold
// waits for: it may be the very one that finds no room.
func (s *Shard) yieldBlocked(holders []holder, all map[uint64]*held, now time.Time) {
	var ordered []holder
	for _, o := range holders {
		if ep := s.routes.byID[o.slot.id]; ep != nil && ep.Delivery.Ordered {
			ordered = append(ordered, o)
		}
	}
	for _, o := range patient(ordered, all, now) {
		o.slot.ref.Send(endpoint.ShedTo(0))
	}
}

func (s *Shard) shedGreedy(holders []holder, all map[uint64]*held, now time.Time) {
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
		o.slot.shed(mean, now)
	}
}

// shed has the endpoint park what waits beyond keep, and takes its credit off,
// so that what waits here gets there. It keeps to that for a while: the same is
// not said again at each tick.
func (sl *slot) shed(keep int, now time.Time) {
	if keep == sl.kept && now.Sub(sl.shedAt) < patience {
		return
	}
	sl.kept, sl.shedAt = keep, now
	sl.shedding = true
	sl.ref.Send(endpoint.ShedTo(keep))
	sl.sendAll()
}
