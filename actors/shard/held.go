package shard

import (
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// held is one message whose acknowledgement waits for its pairs.
type held struct {
	shard  *Shard
	handle transport.Handle
	seq    uint64
	due    bool
	// endpoint is a due segment's; gone are its pairs that there is no lease of.
	endpoint string
	gone     []endpoint.Unparked
	// left are the pairs without an outcome; leases are all of them.
	left     int
	leases   []*endpoint.Lease
	released bool
	// What it takes of its window.
	room, bytes int
	since       time.Time
	touched     time.Time
}

// Settled and Released bring the end of a lease to the shard's next turn.
func (h *held) Settled(l *endpoint.Lease) { h.end(l, true) }

// Released: see Settled.
func (h *held) Released(l *endpoint.Lease) { h.end(l, false) }

func (h *held) end(l *endpoint.Lease, settled bool) {
	h.shard.put(func(b *batch) { b.ends = append(b.ends, end{held: h, lease: l, settled: settled}) })
}

func (s *Shard) hold(a *arrival, seq uint64, room int) *held {
	now := s.o.Deps.Now()
	h := &held{shard: s, handle: a.handle, seq: seq, due: a.due != nil, room: room, bytes: a.bytes, since: now, touched: now}
	s.heldBy(h.due)[seq] = h
	return h
}

// ended takes one lease's end in.
func (s *Shard) ended(e *end) {
	h := e.held
	s.freeSlot(e.lease)
	if s.heldBy(h.due)[h.seq] != h {
		return // taken back after a panic
	}
	h.left--
	h.released = h.released || !e.settled
	if h.due && e.lease.IsOver() {
		s.tellGone(h.endpoint, goneWith(e.lease))
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
func (s *Shard) forget(l *endpoint.Lease) {
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
func beyond(l *endpoint.Lease) transport.PairState {
	return transport.PairState{Hop: l.Hop + 1, Final: l.IsOver(), Stored: l.Event.Stored}
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
		if l.IsSettled() {
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
				if !l.Ended() && l.Endpoint != "" {
					pairs = append(pairs, l.Pair)
				}
			}
		}
	}
	return pairs
}
