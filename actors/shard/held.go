package shard

import (
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// held is one message whose acknowledgement waits for its pairs.
type held struct {
	handle transport.Handle
	seq    uint64
	due    bool
	// endpoint is a due segment's; gone are its pairs that there is no lease of.
	endpoint string
	gone     []endpoint.Unparked
	// left are the pairs without an outcome; leases are all of them.
	left     int
	leases   []*handed
	released bool
	// What it takes of its window.
	room, bytes int
	since       time.Time
	touched     time.Time
}

func (s *Shard) hold(a *arrival, seq uint64, room int) *held {
	now := s.o.Deps.Now()
	h := &held{handle: a.handle, seq: seq, due: a.due != nil, room: room, bytes: a.bytes, since: now, touched: now}
	s.heldBy(h.due)[seq] = h
	return h
}

// ended takes one lease's end in.
func (s *Shard) ended(e *end) {
	l := e.lease
	h := l.of
	l.end = e.how
	s.freeSlot(l)
	if e.how.Parked() {
		s.countParked(l, e.how == endpoint.ParkedForRoom)
	}
	if s.heldBy(h.due)[h.seq] != h {
		return // taken back after a panic
	}
	h.left--
	h.released = h.released || e.how == endpoint.Released
	if h.due && e.how == endpoint.Final {
		s.tellGone(h.endpoint, goneWith(&l.Lease))
	}
	if h.left == 0 {
		s.finish(h)
		return
	}
	if h.room > 1 { // those that hang keep no room but their own
		h.room--
		s.windowOf(h.due).release(1, 0)
	}
}

// finish acks or hands back a message that has no lease left.
func (s *Shard) finish(h *held) {
	s.windowOf(h.due).release(h.room, h.bytes)
	delete(s.heldBy(h.due), h.seq)
	if h.released {
		s.remember(h)
		h.handle.Nak()
		return
	}
	if h.due {
		s.settledIn.add(h.seq)
	} else {
		s.settled.add(h.seq)
		delete(s.recovered.FanOuts, h.seq)
		delete(s.panics, h.seq)
	}
	for _, l := range h.leases {
		s.forget(l)
	}
	h.handle.Ack()
}

// forget drops what was known of a settled pair. One that came back from
// DEFERRED is kept, since its event may come yet, and so may an earlier message
// of DEFERRED whose ack a kill has lost: neither makes a lease of it.
func (s *Shard) forget(l *handed) {
	if _, known := s.recovered.Pairs[l.Pair]; !known {
		return
	}
	if l.Hop == 0 && s.settled.has(l.Seq) {
		delete(s.recovered.Pairs, l.Pair)
		return
	}
	s.recovered.Pairs[l.Pair] = beyond(l)
}

// beyond is the state of a settled pair whose message may come again: its next
// parking, if there is one, is true; this one and the event are not.
func beyond(l *handed) transport.PairState {
	return transport.PairState{Hop: l.Hop + 1, Final: l.end == endpoint.Final, Stored: l.Event.Stored}
}

// remember keeps how far the pairs of a message had come that is handed back,
// so that it goes on from there when it comes again.
func (s *Shard) remember(h *held) {
	if s.draining {
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
		s.recovered.Pairs[l.Pair] = st
	}
	if !h.due {
		s.recovered.FanOuts[h.seq] = transport.EventFanOut{Endpoints: ids}
	}
}

func (s *Shard) heldBy(due bool) map[uint64]*held {
	if due {
		return s.dues
	}
	return s.events
}

func (s *Shard) windowOf(due bool) *window {
	if due {
		return s.back
	}
	return s.fresh
}

// drop acks a message at once that nothing is owed for.
func (s *Shard) drop(a *arrival, room int) {
	s.windowOf(a.due != nil).release(room, a.bytes)
	a.handle.Ack()
}

// pending lists the pairs in hand without an outcome.
func (s *Shard) pending() []transport.Pair {
	var pairs []transport.Pair
	for _, all := range []map[uint64]*held{s.events, s.dues} {
		for _, h := range all {
			for _, l := range h.leases {
				if l.end == 0 && l.Endpoint != "" {
					pairs = append(pairs, l.Pair)
				}
			}
		}
	}
	return pairs
}
