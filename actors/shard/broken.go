package shard

import (
	"cmp"
	"slices"
)

// actorBroke takes the leases of a broken actor back and gives them to a new
// one. The lease it broke over is counted, and buried the third time. What ends
// by itself is left alone.
func (m *Machine) actorBroke(in *Input) {
	a := in.Actor
	m.do(Effect{Do: End, To: a})
	if m.active[a.id] != a {
		return // it held no lease any more
	}
	delete(m.active, a.id)
	for _, h := range m.allHeld() {
		for i, l := range h.leases {
			if l.to != a || l.end != 0 || in.Closing.Has(l.Number) {
				continue
			}
			again := l.again()
			if in.Culprit == &l.Lease {
				again.Panics++
			}
			h.leases[i] = again
			m.lease(again)
		}
	}
	for a.waiting.Len() > 0 {
		m.lease(a.waiting.Pop())
	}
}

// allHeld lists what is held, oldest first.
func (m *Machine) allHeld() []*message {
	all := make([]*message, 0, len(m.events)+len(m.dues))
	for _, h := range m.events {
		all = append(all, h)
	}
	for _, h := range m.dues {
		all = append(all, h)
	}
	slices.SortFunc(all, byAge)
	return all
}

// byAge: of one age, events come before segments.
func byAge(a, b *message) int {
	if c := cmp.Or(a.since.Compare(b.since), cmp.Compare(a.seq, b.seq)); c != 0 || a.due == b.due {
		return c
	}
	if a.due {
		return 1
	}
	return -1
}
