package shard

import (
	"maps"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
)

// canaryFor is how long a canary is waited for before another is sent.
const canaryFor = 5 * time.Second

// line tells the endpoints that our own line went down, or is back.
func (s *Shard) line(down bool) {
	if s.away == down {
		return
	}
	s.away, s.canary, s.canaryAt = down, "", time.Time{}
	word := endpoint.UplinkChange(endpoint.UplinkBack)
	if down {
		word = endpoint.UplinkChange(endpoint.UplinkLost)
		s.o.Logger.Warn("most endpoints cannot be reached at once: our own line is down; deliveries wait, one at a time tries it")
	} else {
		s.o.Logger.Info("endpoints are reached again; deliveries go on")
	}
	for _, sl := range s.slots {
		sl.ref.Send(word)
	}
}

// sendCanary lets one endpoint after the other try the line while it is down.
func (s *Shard) sendCanary() {
	now := s.o.Deps.Now()
	if !s.away || now.Sub(s.canaryAt) < canaryFor {
		return
	}
	for _, id := range s.nextSlots() {
		if sl := s.slots[id]; sl.inHand > 0 {
			s.canary, s.canaryAt = id, now
			sl.ref.Send(endpoint.UplinkChange(endpoint.Canary))
			return
		}
	}
}

// nextSlots lists the endpoints with actors, those after the last canary first.
func (s *Shard) nextSlots() []string {
	ids := slices.Sorted(maps.Keys(s.slots))
	i, found := slices.BinarySearch(ids, s.canary)
	if found {
		i++
	}
	return slices.Concat(ids[i:], ids[:i])
}
