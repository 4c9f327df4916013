package shard

import (
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// mustWait tells whether an event before l, which its ordered endpoint may
// want, has not come yet. Replays come after all that.
func (s *Shard) mustWait(ep *transport.Endpoint, l *handed) bool {
	return ep.Delivery.Ordered && len(s.taken.holes) > 0 && l.Seq > s.taken.lowest() ||
		ep.Delivery.Ordered && l.Seq >= s.taken.next
}

// Passed notes an event of the log that makes no leases: one that cannot be read.
func (s *Shard) Passed(seq uint64) {
	s.call(func() {
		s.taken.take(seq, s.o.Deps.Now())
		s.letGo()
	})
}

// setAside has those parked that have waited for an earlier event for long: it
// may be the very one that finds no room.
func (s *Shard) setAside(now time.Time) {
	s.behind = slices.DeleteFunc(s.behind, func(l *handed) bool {
		if now.Sub(l.of.since) <= patience {
			return false
		}
		sl := s.slotOf(s.routes.byID[l.Endpoint])
		sl.take(l)
		sl.ref.Send(endpoint.Aside{Lease: &l.Lease})
		return true
	})
}

// letGo hands over what waited for an earlier event, in order.
func (s *Shard) letGo() {
	if len(s.behind) == 0 {
		return
	}
	all := s.behind
	s.behind = nil
	slices.SortStableFunc(all, func(a, b *handed) int {
		if a.Seq < b.Seq {
			return -1
		}
		return 1
	})
	for _, l := range all {
		s.lease(l) // waits again where it must
	}
}
