package shard

import (
	"slices"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// message is one of the log or of DEFERRED whose acknowledgement waits for its
// leases.
type message struct {
	handle transport.Handle
	seq    uint64
	due    bool
	// endpoint is a due segment's; unparked are its deliveries of which there is
	// no lease.
	endpoint string
	unparked []endpoint.Unparked
	// left are the leases that have not ended, of all.
	left     int
	leases   []*handed
	block    []handed // room for as many; they go together
	released bool
	asked    *asked // filters are asked about the event; nil: they are not
	// What it takes of its window.
	room, bytes int
	since       time.Time
	touched     time.Time
}

// handed is one lease of a message, and what is counted of it.
type handed struct {
	endpoint.Lease
	of *message
	// to is against whose credit it counts; nil: nobody's.
	to  *active
	end endpoint.End // 0: it has not ended
}

// again is a lease of the same delivery as l, which a broken actor held.
func (l *handed) again() *handed {
	n := &handed{Lease: l.Lease, of: l.of}
	n.Mark, n.Number = n, 0
	return n
}

// eventLease is a lease that no endpoint gets: its end is that of the event as a
// whole.
func (m *Machine) eventLease(h *message, ev *transport.Event) *handed {
	l := h.newLease()
	l.Pair, l.Event, l.Owner = transport.Pair{Seq: ev.Seq}, ev, m.owner
	return l
}

// single is a message with its one lease, in one piece of memory.
type single struct {
	message
	ones   [1]*handed
	blocks [1]handed
}

// newMessage makes one with room for n leases.
func newMessage(n int) *message {
	if n == 1 {
		s := &single{}
		s.leases, s.block = s.ones[:0], s.blocks[:]
		return &s.message
	}
	return &message{leases: make([]*handed, 0, n)}
}

func (m *Machine) hold(now time.Time, in *Input, seq uint64, room, leases int) *message {
	h := newMessage(leases)
	h.handle, h.seq, h.due = in.Handle, seq, in.Segment != nil
	h.room, h.bytes, h.since, h.touched = room, in.Bytes, now, now
	m.messages(h.due)[seq] = h
	m.roomFor(h.due).take(room, in.Bytes)
	return h
}

// newLease takes one of the block, or makes one where it is used up.
func (h *message) newLease() *handed {
	var l *handed
	if len(h.block) > 0 {
		l, h.block = &h.block[0], h.block[1:]
	} else {
		l = new(handed)
	}
	l.Mark, l.of = l, h
	return l
}

// holds tells whether a lease of the delivery is out.
func (h *message) holds(p transport.Place) bool {
	return slices.ContainsFunc(h.leases, func(l *handed) bool { return l.Place() == p && !l.end.Settled() })
}

// ended takes one lease's end in.
func (m *Machine) ended(now time.Time, l *handed, how endpoint.End) {
	h := l.of
	l.end = how
	m.freeCredit(now, l)
	if how.Parked() {
		m.countParked(l, how == endpoint.ParkedForRoom)
	}
	if m.messages(h.due)[h.seq] != h {
		return // handed back after a panic
	}
	h.left--
	h.released = h.released || how == endpoint.Released
	if h.due && how == endpoint.Final {
		m.notParked(h.endpoint, unparked(&l.Lease))
	}
	if h.left == 0 {
		m.finish(h)
		return
	}
	if h.room > 1 { // those that hang keep no room but their own
		h.room--
		m.roomFor(h.due).give(1, 0)
	}
}

// drop forgets a message that is in hand no more.
func (m *Machine) drop(h *message) {
	m.roomFor(h.due).give(h.room, h.bytes)
	delete(m.messages(h.due), h.seq)
}

// finish acks or hands back a message that has no lease left.
func (m *Machine) finish(h *message) {
	m.drop(h)
	if h.released {
		m.remember(h)
		m.do(Effect{Do: Nak, Handle: h.handle})
		return
	}
	if h.due {
		m.returned.add(h.seq)
	} else {
		m.settled.add(h.seq)
		delete(m.recovered.FanOuts, h.seq)
		delete(m.panics, h.seq)
	}
	for _, l := range h.leases {
		m.forget(l)
	}
	m.ack(h.handle)
}

// ack settles a message, as soon as the shard is ours.
func (m *Machine) ack(h transport.Handle) {
	if m.halted {
		m.unacked = append(m.unacked, h)
		return
	}
	m.do(Effect{Do: Ack, Handle: h})
}

// forget drops what was known of a settled pair. One that came back from
// DEFERRED is kept, since its event may come yet, and so may an earlier message
// of DEFERRED whose ack a kill has lost: neither makes a lease of it.
func (m *Machine) forget(l *handed) {
	if _, known := m.recovered.Pairs[l.Pair]; !known {
		return
	}
	if l.Hop == 0 && m.settled.has(l.Seq) {
		delete(m.recovered.Pairs, l.Pair)
		return
	}
	m.recovered.Pairs[l.Pair] = beyond(l)
}

// beyond is the state of a settled pair whose message may come again: its next
// parking, if there is one, is true; this one and the event are not.
func beyond(l *handed) transport.PairState {
	return transport.PairState{Hop: l.Hop + 1, Final: l.end == endpoint.Final, Stored: l.Event.Stored}
}

// remember keeps how far the pairs of a message had come that is handed back,
// so that it goes on from there when it comes again.
func (m *Machine) remember(h *message) {
	if m.draining {
		return // whoever gets it then reads the journal
	}
	ids := make([]string, 0, len(h.leases))
	for _, l := range h.leases {
		if l.Endpoint == "" {
			continue
		}
		ids = append(ids, l.Endpoint)
		st := transport.PairState{Tries: l.Tries, Next: l.Due, Hop: l.Hop, Stored: l.Event.Stored}
		if l.end.Settled() {
			st = beyond(l)
		}
		m.recovered.Pairs[l.Pair] = st
	}
	if !h.due {
		m.recovered.FanOuts[h.seq] = transport.EventFanOut{Endpoints: ids}
	}
}
