package shard

import (
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

// relieve makes room in a window that fills up: endpoints that are slow share
// a quarter of it, and nobody keeps far more than the mean waiting for long.
// What is beyond that is parked. While it is less than half full, and nothing
// waits to be let in, nobody is touched, and when all are simply busy the pulling stops instead.
//
// It tells whether something waits to be let in.
func (s *Shard) relieve(w *window, all map[uint64]*held) (pressed bool) {
	fill := w.fill()
	if pressed = w.pressed(); fill < 0.5 && !pressed {
		return false
	}
	now := s.o.Deps.Now()
	holders := s.holders(all, now)
	if pressed {
		s.yieldBlocked(holders, now)
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
	s.shedGreedy(holders, now)
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

// holder is an endpoint and what it holds of a window.
type holder struct {
	slot   *slot
	leases int
	oldest time.Time
}

func (s *Shard) holders(all map[uint64]*held, now time.Time) map[string]*holder {
	holders := make(map[string]*holder, len(s.slots))
	for _, h := range all {
		for _, l := range h.leases {
			sl := s.slots[l.Endpoint]
			if sl == nil || l.Ended() {
				continue
			}
			o := holders[l.Endpoint]
			if o == nil {
				o = &holder{slot: sl, oldest: now}
				holders[l.Endpoint] = o
			}
			o.leases++
			if h.since.Before(o.oldest) {
				o.oldest = h.since
			}
		}
	}
	return holders
}

// shareAmongSlow lets the slow endpoints keep so many leases between them.
func (s *Shard) shareAmongSlow(holders map[string]*holder, most int, now time.Time, slowAfter time.Duration) {
	var slow []*holder
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
			o.slot.shed(share)
		}
	}
}

// yieldBlocked has ordered endpoints make room for the pair that all they hold
// waits for: it may be the very one that finds no room.
func (s *Shard) yieldBlocked(holders map[string]*holder, now time.Time) {
	for id, o := range holders {
		if ep := s.routes.byID[id]; ep != nil && ep.Delivery.Ordered && now.Sub(o.oldest) > patience {
			o.slot.ref.Send(endpoint.ShedTo(0))
		}
	}
}

func (s *Shard) shedGreedy(holders map[string]*holder, now time.Time) {
	if len(holders) < 2 {
		return
	}
	sum := 0
	for _, o := range holders {
		sum += o.leases
	}
	mean := max(1, sum/len(holders))
	for _, o := range holders {
		if o.leases > greedy*mean && now.Sub(o.oldest) > patience {
			o.slot.shed(mean)
		}
	}
}

// shed has the endpoint park what waits beyond keep, and takes its credit off,
// so that what waits here gets there.
func (sl *slot) shed(keep int) {
	sl.shedding = true
	sl.ref.Send(endpoint.ShedTo(keep))
	sl.sendAll()
}
