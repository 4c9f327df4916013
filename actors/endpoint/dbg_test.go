package endpoint

import "fmt"

func (w *world) dump() string {
	m := w.m
	s := fmt.Sprintf("ordered %t lists %d/%d meanwhile %v storing %d inflight %d waiting %d shed %d away %v paused %v held %v until %v probing %v order %v recalls %+v parked %+v now %v draining %v",
		m.policy.Ordered, m.order.lists, w.lists, m.order.meanwhile != nil, m.storing, m.inFlight, m.waiting.Len(), m.shed, m.away, m.policy.Paused, m.heldUntil, m.breaker.until, m.breaker.probing(), m.order.parked[m.order.head:], m.recalls, m.parked, w.now, m.draining)
	for i := 0; i < min(5, m.waiting.Len()); i++ {
		s += fmt.Sprintf(" %v due %v", m.waiting.items[m.waiting.head+i].Pair, m.waiting.items[m.waiting.head+i].Due)
	}
	return s
}
