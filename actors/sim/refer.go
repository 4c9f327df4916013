package sim

import (
	"math"
	"slices"
	"time"

	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
)

// What is parked refers to its event in the log, which keeps it as long; what was
// asked for again of an event that may be purged by then has it with itself.

// purgeEvery is how often a node purges the log.
const purgeEvery = time.Minute

// refers tells whether an entry is parked as a reference.
func (w *world) refers(e *transport.Entry) bool {
	return !e.Event.Apart && (e.Replay == 0 || e.Hop > 1 || e.Event.Seq >= w.log.purgeable)
}

// refer makes what is parked of an entry.
func (w *world) refer(e *transport.Entry) {
	if e.Refers, e.Size = w.refers(e), e.Event.Size(); e.Refers {
		return
	}
	ev := *e.Event
	ev.Apart = true
	e.Event = &ev
}

// find gives the event of a reference; nil where the log does not have it.
func (l *eventLog) find(r transport.Reference) *transport.Event {
	if r.Seq == 0 || r.Seq > l.last() {
		return nil
	}
	e := l.at(r.Seq)
	if e.nothing || e.purged && !e.kept || !r.Fits(e.event) {
		return nil
	}
	return e.event
}

// find puts the events in the places of a segment's references.
func (w *world) find(seg *transport.Segment) {
	for i := range seg.Entries {
		e := &seg.Entries[i]
		if !e.Refers {
			continue
		}
		ev := w.log.find(e.Reference())
		if ev == nil {
			w.eventGone(seg.Endpoint, e)
		} else {
			found := *ev
			ev = &found
		}
		e.Found(ev)
	}
}

// eventGone: the log may lose an event by being set back, and by nothing else.
func (w *world) eventGone(id string, e *transport.Entry) {
	w.did(eventsGone)
	d := w.judge.delivery(transport.Pair{Seq: e.Event.Seq, Endpoint: id, Replay: e.Replay})
	if d.final == "" && d.decided == "" && w.counts[setBack] == 0 {
		w.breaks("5: nothing is lost", "pair %v waits, and its event was purged", d.pair)
	}
}

// purge drops what is settled, old and referred to by nothing: what refers to
// events is looked for as transport/jet/deferred does it, by the names, and then
// in all that was stored since.
func (n *node) purge() {
	n.after(purgeEvery, n.purge)
	w := n.w
	if n.away() || !n.pulling || !n.keeper.acts() {
		return
	}
	n.dropKept()
	l, old := w.log, w.serverNow().Add(-w.plan.keep)
	below := l.first
	for below <= l.floor && l.at(below).event.Stored.Before(old) {
		below++
	}
	if below == l.first {
		return
	}
	l.purgeable = max(l.purgeable, below)
	short := w.dice.one(3)
	last, low := w.deferred.seq, w.deferred.low(0, l.first)
	n.after(w.dice.between(0, 200*time.Millisecond), func() {
		if n.away() {
			return
		}
		low = min(low, w.deferred.low(last+1, l.first))
		if short {
			n.makeRoom(below)
			return
		}
		n.purgeBelow(min(below, low))
	})
}

// purgeBelow purges the log once the journal has taken, as a guarded write, that it
// is to be purged, and where the node acts then.
func (n *node) purgeBelow(below uint64) {
	n.write(lease.Journal, func() bool { return true }, func() {
		if !n.keeper.acts() {
			return
		}
		n.w.judge.acts(n, "purges")
		n.w.after(n.w.travel(), func() {
			if n.alive && n.frozen && n.w.dice.one(2) { // it had not left
				n.late = append(n.late, func() { n.w.log.purge(below) })
				return
			}
			n.w.log.purge(below)
		})
	})
}

// makeRoom moves what is referred to, up to some event, and purges the log.
func (n *node) makeRoom(below uint64) {
	w := n.w
	moved := w.deferred.referredTo(w.log.first, below)
	if len(moved) > 0 && w.dice.one(3) {
		below = moved[w.dice.IntN(len(moved))] // there is no room for more of them
	}
	for _, seq := range moved {
		if seq < below {
			w.log.at(seq).kept = true
			w.did(eventsMoved)
		}
	}
	n.after(w.dice.between(0, 100*time.Millisecond), func() {
		if !n.away() {
			n.purgeBelow(below)
		}
	})
}

// dropKept drops what was moved and is referred to no more: by what is there, and
// by what was stored while that was read.
func (n *node) dropKept() {
	w := n.w
	var there []uint64
	for seq := uint64(1); seq < w.log.first; seq++ {
		if w.log.at(seq).kept {
			there = append(there, seq)
		}
	}
	last, wanted := w.deferred.seq, w.deferred.referredTo(0, w.log.first)
	n.after(w.dice.between(0, 200*time.Millisecond), func() {
		if n.away() || !n.keeper.acts() {
			return
		}
		wanted = append(wanted, w.deferred.since(last+1).referredTo(0, w.log.first)...)
		for _, seq := range there {
			if !slices.Contains(wanted, seq) {
				w.log.at(seq).kept = false
			}
		}
	})
}

// since is what was stored from that sequence on.
func (d *deferred) since(from uint64) *deferred {
	since := &deferred{}
	for _, p := range d.all {
		if p.seq >= from {
			since.all = append(since.all, p)
		}
	}
	return since
}

// referredTo are the events from one sequence to below another that something
// refers to, in order.
func (d *deferred) referredTo(from, below uint64) (seqs []uint64) {
	for _, p := range d.all {
		for i := range p.entries {
			if seq := p.entries[i].Event.Seq; !p.gone && p.entries[i].Refers && seq >= from && seq < below {
				seqs = append(seqs, seq)
			}
		}
	}
	slices.Sort(seqs)
	return slices.Compact(seqs)
}

// low is the lowest event from first on that a message of DEFERRED, from that
// sequence on, refers to.
func (d *deferred) low(from, first uint64) uint64 {
	if seqs := d.since(from).referredTo(first, math.MaxUint64); len(seqs) > 0 {
		return seqs[0]
	}
	return math.MaxUint64
}

func (l *eventLog) purge(below uint64) {
	for ; l.first < below && l.first <= l.last(); l.first++ {
		l.at(l.first).purged = true
		l.w.did(eventsPurged)
	}
}
