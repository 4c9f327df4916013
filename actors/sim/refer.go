package sim

import (
	"math"
	"time"

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
	if e.nothing || e.purged || !r.Fits(e.event) {
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
	f := w.judge.fate(transport.Pair{Seq: e.Event.Seq, Endpoint: id, Replay: e.Replay})
	if f.final == "" && f.decided == "" && w.counts[setBack] == 0 {
		w.breaks("5: nothing is lost", "pair %v waits, and its event was purged", f.pair)
	}
}

// purge drops what is settled, old and referred to by nothing: what refers to
// events is looked for as transport/jet/deferred does it, by the names, and then
// in all that was stored since.
func (n *node) purge() {
	n.after(purgeEvery, n.purge)
	w := n.w
	if w.away || !n.pulling {
		return
	}
	l, old := w.log, w.serverNow().Add(-w.plan.keep)
	below := l.first
	for below <= l.floor && l.at(below).event.Stored.Before(old) {
		below++
	}
	if below == l.first {
		return
	}
	l.purgeable = max(l.purgeable, below)
	last, low := w.deferred.seq, w.deferred.low(0)
	n.after(w.dice.between(0, 200*time.Millisecond), func() {
		if !w.away {
			w.log.purge(min(below, low, w.deferred.low(last+1)))
		}
	})
}

// low is the lowest event that a message of DEFERRED from that sequence on refers to.
func (d *deferred) low(from uint64) uint64 {
	low := uint64(math.MaxUint64)
	for _, p := range d.all {
		if !p.gone && p.seq >= from && p.name.Refers {
			low = min(low, p.name.Low)
		}
	}
	return low
}

func (l *eventLog) purge(below uint64) {
	for ; l.first < below; l.first++ {
		l.at(l.first).purged = true
		l.w.did(eventsPurged)
	}
}
