package shard

import (
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// counts is what lies in DEFERRED, by endpoint. What comes back before it was
// told to be durable is counted off first, so that a count may be below nothing
// for a moment.
type counts map[string]transport.Parked

// of is what lies there for an endpoint.
func (c counts) of(id string) transport.Parked {
	p := c[id]
	return transport.Parked{Entries: max(0, p.Entries), Ready: max(0, p.Ready), Bytes: max(0, p.Bytes)}
}

// add adds to what lies there for an endpoint.
func (c counts) add(id string, more transport.Parked) {
	p := c[id]
	p.Entries += more.Entries
	p.Ready += more.Ready
	p.Bytes += more.Bytes
	if p == (transport.Parked{}) {
		delete(c, id)
		return
	}
	c[id] = p
}

// countReturned counts off what came back from DEFERRED.
func (m *Machine) countReturned(seg *transport.Segment) {
	var more transport.Parked
	for i := range seg.Entries {
		e := &seg.Entries[i]
		if e.Replay != 0 && e.Hop <= 1 {
			continue // no actor parks a replay for the first time, and nobody counts it
		}
		more.Entries--
		more.Bytes -= int64(e.Counted())
		if e.Due.IsZero() {
			more.Ready--
		}
	}
	if more == (transport.Parked{}) {
		return
	}
	m.parked.add(seg.Endpoint, more)
	if a := m.active[seg.Endpoint]; a != nil {
		m.do(Effect{Do: Tell, To: a, Message: endpoint.ParkedChange(more)})
	}
}

// countParked counts a lease that was parked. The actor that had it counted it
// itself; one that came after did not. Where the endpoint was closed as this was
// on its way, it comes back to be given up.
func (m *Machine) countParked(l *handed, ready bool) {
	more := transport.Parked{Entries: 1, Bytes: int64(l.Event.Size())}
	if ready {
		more.Ready = 1
	}
	m.parked.add(l.Endpoint, more)
	if a := m.active[l.Endpoint]; a != nil && a != l.to {
		m.do(Effect{Do: Tell, To: a, Message: endpoint.ParkedChange(more)})
	}
	if endpoint.IsClosed(m.routes.byID[l.Endpoint]) {
		m.recallAll(l.Endpoint)
	}
}

func (m *Machine) recallAll(id string) { m.do(Effect{Do: RecallAll, Reason: id}) }
