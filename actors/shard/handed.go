package shard

import (
	"slices"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// handed is one lease of a message, and what is counted of it.
type handed struct {
	endpoint.Lease
	of *held
	// to is against whose credit it counts; nil: nobody's.
	to  *slot
	end endpoint.End // 0: it has not ended
}

// again is a lease of the same delivery as l, which a broken actor held.
func (l *handed) again() *handed {
	n := &handed{Lease: l.Lease, of: l.of}
	n.Mark, n.Number = n, 0
	return n
}

// eventOnly is a lease that no endpoint gets: its end is that of the event as a
// whole.
func (s *Shard) eventOnly(h *held, ev *transport.Event) *handed {
	l := &handed{Lease: endpoint.Lease{Pair: transport.Pair{Seq: ev.Seq}, Event: ev, Owner: s}, of: h}
	l.Mark = l
	return l
}

// Ended brings the end of a lease to the shard's next turn.
func (s *Shard) Ended(l *endpoint.Lease, how endpoint.End) {
	s.put(func(b *batch) { b.ends = append(b.ends, end{lease: l.Mark.(*handed), how: how}) })
}

// counted are what lies in DEFERRED, by endpoint. What comes back before it was
// told to be durable is counted off first, so that a count may be below nothing
// for a moment.
type counted map[string]transport.Parked

// of is what lies there for an endpoint.
func (c counted) of(id string) transport.Parked {
	p := c[id]
	return transport.Parked{Entries: max(0, p.Entries), Ready: max(0, p.Ready), Bytes: max(0, p.Bytes)}
}

// count adds a delivery, or takes it away, n times.
func (c counted) count(id string, ev *transport.Event, ready bool, n int) {
	p := c[id]
	p.Entries += n
	p.Bytes += int64(n * ev.Size())
	if ready {
		p.Ready += n
	}
	if p == (transport.Parked{}) {
		delete(c, id)
		return
	}
	c[id] = p
}

// goneWith tells that the lease of a due segment is not parked with it any more.
func goneWith(l *endpoint.Lease) endpoint.Unparked {
	return endpoint.Unparked{Place: l.Place(), Hop: l.Hop}
}

// holds tells whether a lease of the delivery is out.
func (h *held) holds(p transport.Place) bool {
	return slices.ContainsFunc(h.leases, func(l *handed) bool { return l.Place() == p && !l.end.Settled() })
}
